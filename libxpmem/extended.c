// SPDX-License-Identifier: LGPL-2.1-or-later
/* The calls of <xpmem_ext.h>: each fills in one request of <linux/xpmem.h>. */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "device.h"
#include "memcheck.h"
#include "xpmem_ext.h"

#define NANOSECONDS 1000000000L

_Static_assert(XPMEM_RDONLY == XPMEM_GET_RDONLY && XPMEM_RDWR == XPMEM_GET_RDWR,
	       "an access is passed to the kernel as it is");

int xpmem_query(struct xpmem_capabilities *capabilities)
{
	struct xpmem_ioc_query request = { .size = sizeof(request) };

	if (xpmem_device_call(XPMEM_IOC_QUERY, &request))
		return -1;
	*capabilities = (struct xpmem_capabilities) {
		.abi_version = request.abi_version,
		.module_version = request.module_version,
		.features = request.features,
		.address_limit = request.address_limit,
		.mode_mask = request.mode_mask,
		.page_size = request.page_size,
	};
	return 0;
}

xpmem_segid_t xpmem_make_segment(void *vaddr, size_t length, unsigned int mode, unsigned int flags,
				 const char *name)
{
	struct xpmem_ioc_make request = {
		.size = sizeof(request),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.length = length == SIZE_MAX ? XPMEM_LENGTH_MAX : length,
		.mode = mode,
	};

	if (name) {
		size_t name_length = strnlen(name, sizeof(request.name));

		if (name_length == sizeof(request.name)) {
			errno = EINVAL;
			return -1;
		}
		memcpy(request.name, name, name_length);
	}
	if (xpmem_device_call(XPMEM_IOC_MAKE, &request))
		return -1;
	return request.segid;
}

/* The kernel's ioctls accept more flags than an access may have. */
static int check_access(int access)
{
	if (access == XPMEM_RDONLY || access == XPMEM_RDWR)
		return 0;
	errno = EINVAL;
	return -1;
}

int xpmem_segment_fd(xpmem_segid_t segid, int access)
{
	struct xpmem_ioc_segment_fd request = {
		.size = sizeof(request),
		.flags = (unsigned int)access,
		.segid = segid,
	};

	if (check_access(access) || xpmem_device_call(XPMEM_IOC_SEGMENT_FD, &request))
		return -1;
	return request.fd;
}

static xpmem_apid_t get(struct xpmem_ioc_get *request, int access, size_t *length)
{
	request->size = sizeof(*request);
	request->flags |= (unsigned int)access;
	if (check_access(access) || xpmem_device_call(XPMEM_IOC_GET, request))
		return -1;
	if (length)
		*length = request->length > SIZE_MAX ? SIZE_MAX : (size_t)request->length;
	return request->apid;
}

xpmem_apid_t xpmem_get_fd(int fd, int access, size_t *length)
{
	struct xpmem_ioc_get request = { .flags = XPMEM_GET_FD, .fd = fd };

	return get(&request, access, length);
}

xpmem_apid_t xpmem_get_segment(xpmem_segid_t segid, int access, size_t *length)
{
	struct xpmem_ioc_get request = { .segid = segid };

	return get(&request, access, length);
}

void *xpmem_attach_range(xpmem_apid_t apid, off_t offset, size_t length, void *vaddr,
			 unsigned int flags, int64_t *attid)
{
	struct xpmem_ioc_attach request = {
		.size = sizeof(request),
		.flags = flags,
		.apid = apid,
		.offset = (uint64_t)offset,
		.length = length,
		.vaddr = (uintptr_t)vaddr,
	};

	if (XPMEM_UNDER_VALGRIND ? xpmem_memcheck_attach(&request) :
				   xpmem_device_call(XPMEM_IOC_ATTACH, &request))
		return XPMEM_FAILED;
	if (attid)
		*attid = request.attid;
	return (void *)(uintptr_t)request.vaddr;
}

int xpmem_dmabuf(xpmem_apid_t apid, off_t offset, size_t length)
{
	struct xpmem_ioc_dmabuf request = {
		.size = sizeof(request), .apid = apid, .offset = (uint64_t)offset, .length = length
	};

	return xpmem_device_call(XPMEM_IOC_DMABUF, &request) ? -1 : request.fd;
}

static int wait_for(const volatile void *address, uint64_t expected,
		    const struct timespec *deadline, unsigned int flags)
{
	struct xpmem_ioc_wait request = {
		.size = sizeof(request),
		.flags = flags,
		.vaddr = (uintptr_t)address,
		.expected = expected,
		.deadline = XPMEM_DEADLINE_NEVER,
	};

	if (deadline) {
		if (deadline->tv_sec < 0 || deadline->tv_nsec < 0 ||
		    deadline->tv_nsec >= NANOSECONDS) {
			errno = EINVAL;
			return -1;
		}
		/* A deadline after centuries is treated as none. */
		if ((uint64_t)deadline->tv_sec < INT64_MAX / NANOSECONDS)
			request.deadline = (uint64_t)deadline->tv_sec * NANOSECONDS +
					   (uint64_t)deadline->tv_nsec;
	}
	return xpmem_device_call(XPMEM_IOC_WAIT, &request);
}

int xpmem_wait(const volatile uint32_t *address, uint32_t expected, const struct timespec *deadline)
{
	return wait_for(address, expected, deadline, 0);
}

int xpmem_wait64(const volatile uint64_t *address, uint64_t expected,
		 const struct timespec *deadline)
{
	return wait_for(address, expected, deadline, XPMEM_WAIT_U64);
}

int xpmem_wake(const volatile void *address, int count)
{
	struct xpmem_ioc_wake request = { .size = sizeof(request),
					  .vaddr = (uintptr_t)address,
					  .count = (unsigned int)count };

	if (count < 0) {
		errno = EINVAL;
		return -1;
	}
	if (xpmem_device_call(XPMEM_IOC_WAKE, &request))
		return -1;
	return request.woken > INT_MAX ? INT_MAX : (int)request.woken;
}
