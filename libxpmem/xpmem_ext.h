/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this XPMEM offers beyond the historical calls of <xpmem.h>.
 * Every call returns -1 and sets errno on failure (an attach: XPMEM_FAILED).
 */
#ifndef XPMEM_EXT_H
#define XPMEM_EXT_H

#include <stddef.h>
#include <stdint.h>
#include <xpmem.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XPMEM_FAILED ((void *)-1)

/* what the loaded module is and can do; see struct xpmem_ioc_query in <linux/xpmem.h> */
struct xpmem_capabilities {
	uint32_t abi_version;
	uint32_t module_version;
	uint64_t features;	/* XPMEM_FEATURE_ bits */
	uint64_t address_limit;	/* bytes */
	uint32_t mode_mask;
	uint32_t page_size;	/* bytes */
};

int xpmem_query(struct xpmem_capabilities *capabilities);

/* mode: 0777 bits. flags: XPMEM_MAKE_. name: printable ASCII of at most 31 bytes, or NULL */
xpmem_segid_t xpmem_make_segment(void *vaddr, size_t length, unsigned int mode, unsigned int flags, const char *name);

/* a descriptor for a segment of the caller, to be sent to others. access: XPMEM_RDONLY or XPMEM_RDWR */
int xpmem_segment_fd(xpmem_segid_t segid, int access);

/* permit by descriptor; *length (may be NULL) receives the bytes of the segment */
xpmem_apid_t xpmem_get_fd(int fd, int access, size_t *length);

/* permit by id, also telling the segment's length */
xpmem_apid_t xpmem_get_segment(xpmem_segid_t segid, int access, size_t *length);

/* flags: XPMEM_ATTACH_. vaddr only with XPMEM_ATTACH_FIXED. *attid (may be NULL) receives the id that xpmemctl shows */
void *xpmem_attach_range(xpmem_apid_t apid, off_t offset, size_t length, void *vaddr, unsigned int flags, int64_t *attid);

#ifdef __cplusplus
}
#endif

#endif
