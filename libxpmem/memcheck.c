// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "device.h"
#include "memcheck.h"

#ifdef HAVE_VALGRIND
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_DEFINED(address, length) ((void)(address), (void)(length))
#endif

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* Maps memory where nothing is mapped, at @address if @fixed. Returns NULL and errno on failure. */
static void *reserve(void *address, size_t length, bool fixed)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (fixed ? MAP_FIXED_NOREPLACE : 0);
	void *mapped = mmap(address, length, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (mapped == MAP_FAILED)
		return NULL;
	if (!fixed || mapped == address)
		return mapped;
	/* A kernel or a Valgrind that does not know the flag takes the address for a hint. */
	munmap(mapped, length);
	errno = EEXIST;
	return NULL;
}

int xpmem_memcheck_attach(struct xpmem_ioc_attach *request)
{
	bool replace = request->flags & XPMEM_ATTACH_REPLACE;
	bool fixed = replace || request->flags & XPMEM_ATTACH_FIXED;
	void *reserved = reserve((void *)(uintptr_t)request->vaddr, request->length, fixed);
	int error;

	/* With XPMEM_ATTACH_REPLACE, memory that is mapped there is as good as a reservation. */
	if (!reserved && !replace)
		return -1;
	if (reserved) {
		request->flags = (request->flags & ~XPMEM_ATTACH_FIXED) | XPMEM_ATTACH_REPLACE;
		request->vaddr = (uintptr_t)reserved;
	}
	if (xpmem_device_call(XPMEM_IOC_ATTACH, request)) {
		error = errno;
		if (reserved)
			munmap(reserved, request->length);
		errno = error;
		return -1;
	}
	xpmem_memcheck_attached((void *)(uintptr_t)request->vaddr, request->length);
	return 0;
}

void xpmem_memcheck_attached(void *address, size_t length)
{
	VALGRIND_MAKE_MEM_DEFINED(address, length);
}

void xpmem_memcheck_detached(void *address, size_t length)
{
	/* Valgrind gives the range to no other mapping before it sees this. */
	if (length)
		munmap(address, length);
}
