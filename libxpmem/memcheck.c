// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stddef.h>
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

/* Reserves addresses; @flag is that of mmap for @vaddr. Returns NULL and errno on failure. */
static void *reserve(uint64_t vaddr, uint64_t length, int flag)
{
	void *address = (void *)(uintptr_t)vaddr, *mapped;

	mapped = mmap(address, length, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flag, -1, 0);
	if (mapped == MAP_FAILED)
		return NULL;
	if (!flag || mapped == address)
		return mapped;
	/* A kernel or a Valgrind that does not know the flag takes the address for a hint. */
	munmap(mapped, length);
	errno = EEXIST;
	return NULL;
}

static void cancel(void *reserved, uint64_t length)
{
	int error = errno;

	if (reserved)
		munmap(reserved, length);
	errno = error;
}

/* Tells Valgrind that memory is mapped there, which may be read, and which has values. */
static void attached(uint64_t vaddr, uint64_t length)
{
	void *address = (void *)(uintptr_t)vaddr;
	int error = errno;

	/* It fails if the attachment is for loads only. */
	if (mprotect(address, length, PROT_READ | PROT_WRITE))
		mprotect(address, length, PROT_READ);
	VALGRIND_MAKE_MEM_DEFINED(address, length);
	errno = error;
}

int xpmem_memcheck_attach(struct xpmem_ioc_attach *request)
{
	const unsigned int places = XPMEM_ATTACH_FIXED | XPMEM_ATTACH_REPLACE;
	unsigned int place = request->flags & places;
	void *reserved;

	/* The module refuses these. */
	if (place == places || (request->vaddr && !place))
		return xpmem_device_call(XPMEM_IOC_ATTACH, request);
	reserved = reserve(request->vaddr, request->length,
			   place == XPMEM_ATTACH_REPLACE ? MAP_FIXED :
			   place ? MAP_FIXED_NOREPLACE : 0);
	if (!reserved)
		return -1;
	request->flags = (request->flags & ~places) | XPMEM_ATTACH_REPLACE;
	request->vaddr = (uintptr_t)reserved;
	if (xpmem_device_call(XPMEM_IOC_ATTACH, request)) {
		cancel(reserved, request->length);
		return -1;
	}
	attached(request->vaddr, request->length);
	return 0;
}

int xpmem_memcheck_attach_at(struct xpmem_cmd_attach *request)
{
	/* A mapping that Valgrind knows may be there. */
	void *reserved = reserve(request->vaddr, request->size, MAP_FIXED_NOREPLACE);

	if (xpmem_device_call(XPMEM_CMD_ATTACH, request) < 0) {
		cancel(reserved, request->size);
		return -1;
	}
	attached(request->vaddr, request->size);
	return 0;
}

void xpmem_memcheck_detached(uint64_t address, uint64_t length)
{
	/* Valgrind puts no other mapping there before it sees this. */
	if (length)
		munmap((void *)(uintptr_t)address, length);
}
