// SPDX-License-Identifier: LGPL-2.1-or-later
/* The historical calls, on the same operations as the extended ones. */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "memcheck.h"
#include "xpmem_ext.h"

#define MODE_BITS 0777

/* An id that no object can have is an invalid argument of the historical calls. */
static int check_id(int64_t id)
{
	if (id > 0)
		return 0;
	errno = EINVAL;
	return -1;
}

int xpmem_init(void)
{
	return xpmem_device_open();
}

int xpmem_ioctl(int cmd, void *arg)
{
	return xpmem_device_ioctl((unsigned int)cmd, arg);
}

int xpmem_version(void)
{
	struct xpmem_capabilities capabilities;

	if (xpmem_query(&capabilities))
		return -1;
	return (int)capabilities.module_version;
}

xpmem_segid_t xpmem_make(void *vaddr, size_t size, int permit_type, void *permit_value)
{
	uintptr_t mode = (uintptr_t)permit_value;

	if (permit_type != XPMEM_PERMIT_MODE || mode & ~(uintptr_t)MODE_BITS) {
		errno = EINVAL;
		return -1;
	}
	return xpmem_make_segment(vaddr, size, (unsigned int)mode, 0, NULL);
}

int xpmem_remove(xpmem_segid_t segid)
{
	struct xpmem_ioc_remove request = { .size = sizeof(request), .segid = segid };

	return check_id(segid) ? -1 : xpmem_device_call(XPMEM_IOC_REMOVE, &request);
}

xpmem_apid_t xpmem_get(xpmem_segid_t segid, int flags, int permit_type, void *permit_value)
{
	(void)permit_value;
	if (permit_type != XPMEM_PERMIT_MODE) {
		errno = EINVAL;
		return -1;
	}
	return check_id(segid) ? -1 : xpmem_get_segment(segid, flags, NULL);
}

int xpmem_release(xpmem_apid_t apid)
{
	struct xpmem_ioc_release request = { .size = sizeof(request), .apid = apid };

	return check_id(apid) ? -1 : xpmem_device_call(XPMEM_IOC_RELEASE, &request);
}

/* Returns the page size less 1. Asks the C library once. */
static size_t page_mask(void)
{
	static _Atomic size_t known;
	size_t mask = atomic_load_explicit(&known, memory_order_relaxed);

	if (!mask) {
		mask = (size_t)sysconf(_SC_PAGESIZE) - 1;
		atomic_store_explicit(&known, mask, memory_order_relaxed);
	}
	return mask;
}

/* Returns XPMEM_ATTACH_PINNABLE if the environment asks for it, else 0. Reads it once. */
static unsigned int flags_wanted(void)
{
	enum { UNKNOWN, ORDINARY, PINNABLE };
	static _Atomic int known;
	int wanted = atomic_load_explicit(&known, memory_order_relaxed);
	const char *value;

	if (wanted == UNKNOWN) {
		value = secure_getenv("XPMEM_PINNABLE");
		wanted = value && !strcmp(value, "1") ? PINNABLE : ORDINARY;
		atomic_store_explicit(&known, wanted, memory_order_relaxed);
	}
	return wanted == PINNABLE ? XPMEM_ATTACH_PINNABLE : 0;
}

void *xpmem_attach(struct xpmem_addr addr, size_t size, void *vaddr)
{
	unsigned int flags;
	void *attached;
	size_t mask = page_mask(), length;

	if (check_id(addr.apid))
		return XPMEM_FAILED;
	if (__builtin_add_overflow(size, mask, &length)) {
		errno = EINVAL;
		return XPMEM_FAILED;
	}
	length &= ~mask;

	/* Only the historical ioctl replaces a mapping at vaddr. */
	if (vaddr) {
		struct xpmem_cmd_attach request = {
			.apid = addr.apid,
			.offset = addr.offset,
			.size = length,
			.vaddr = (uintptr_t)vaddr,
		};

		if ((XPMEM_UNDER_VALGRIND ? xpmem_memcheck_attach_at(&request) :
					    xpmem_device_call(XPMEM_CMD_ATTACH, &request)) < 0)
			return XPMEM_FAILED;
		return (void *)(uintptr_t)request.vaddr;
	}
	flags = flags_wanted();
	attached = xpmem_attach_range(addr.apid, addr.offset, length, NULL, flags, NULL);
	/* The kernel, the segment or an older module (EINVAL) does not know or allow the flag. */
	if (attached == XPMEM_FAILED && flags &&
	    (errno == EOPNOTSUPP || errno == EACCES || errno == EINVAL))
		attached = xpmem_attach_range(addr.apid, addr.offset, length, NULL, 0, NULL);
	return attached;
}

int xpmem_detach(void *vaddr)
{
	struct xpmem_ioc_detach request = { .size = sizeof(request), .vaddr = (uintptr_t)vaddr };
	int result = xpmem_device_call(XPMEM_IOC_DETACH, &request);

	if (XPMEM_UNDER_VALGRIND && !result)
		xpmem_memcheck_detached(request.start, request.length);
	return result;
}
