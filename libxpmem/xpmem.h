/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * XPMEM: one process exports a range of its memory, another maps it and then
 * reaches it with plain loads and stores. See xpmem(3).
 *
 * Every call sets errno when it fails. Ids are above zero. All objects belong to
 * the process that made them: after fork(2) a child starts with none, and the
 * parent keeps its own. They end with the process at the latest.
 */
#ifndef XPMEM_H
#define XPMEM_H

#include <stddef.h>
#include <sys/types.h>
#include <linux/types.h>
#include <linux/xpmem.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef __s64 xpmem_segid_t;	/* id of a segment, valid in the ipc namespace */
typedef __s64 xpmem_apid_t;	/* id of a permit of this process */

struct xpmem_addr {
	xpmem_apid_t apid;
	off_t offset;		/* bytes from the segment's start */
};

/* For programs that use the device without the library. Its commands begin with XPMEM_CMD_. */
#define XPMEM_DEV_PATH "/dev/xpmem"
#define XPMEM_IOC_MAGIC 'x'

/* Segment size that means "from the start to the end of the address space". */
#define XPMEM_MAXADDR_SIZE ((size_t)(-1L))

/* flags of xpmem_get() */
#define XPMEM_RDONLY 0x1
#define XPMEM_RDWR 0x2

/* permit_type: permit_value holds 0777 permission bits, as in System V IPC */
#define XPMEM_PERMIT_MODE 0x1

/**
 * xpmem_version() - version of the loaded module
 *
 * Return: 0xMMMMmppp (major, minor, patch), or -1.
 */
int xpmem_version(void);

/**
 * xpmem_make() - export a range of this process
 * @vaddr: first byte, a multiple of the page size
 * @size: bytes, a multiple of the page size, or XPMEM_MAXADDR_SIZE
 * @permit_type: XPMEM_PERMIT_MODE
 * @permit_value: mode bits, cast to a pointer: (void *)0600
 *
 * The range may have holes; memory that is mapped there later belongs to the segment too.
 *
 * Return: the segment, which the caller owns until xpmem_remove(), or -1 with
 * EINVAL for a range that is not page-aligned, empty or too long, and for other
 * permit types and mode bits, or EDQUOT when the user may have no more.
 */
xpmem_segid_t xpmem_make(void *vaddr, size_t size, int permit_type, void *permit_value);

/**
 * xpmem_remove() - end a segment of this process, and all access through it
 *
 * Later accesses by attachers raise SIGBUS.
 *
 * Return: 0, or -1 with EINVAL (zero or negative), ENOENT (unknown or removed already) or EACCES
 * (another's).
 */
int xpmem_remove(xpmem_segid_t segid);

/**
 * xpmem_get() - get the right to attach a segment
 * @segid: the segment
 * @flags: XPMEM_RDONLY or XPMEM_RDWR
 * @permit_type: XPMEM_PERMIT_MODE
 * @permit_value: not used
 *
 * Return: the permit, which the caller owns until xpmem_release(), or -1 with
 * EINVAL (flags, permit type, or a segid that is zero or negative), ENOENT (no such segment),
 * EACCES (its mode, the machine's mode_mask or the ptrace check of xpmem(7) does not allow it) or
 * EDQUOT (the user may have no more).
 */
xpmem_apid_t xpmem_get(xpmem_segid_t segid, int flags, int permit_type, void *permit_value);

/**
 * xpmem_release() - give a permit back, and detach its attachments
 *
 * Return: 0, or -1 with EINVAL (zero or negative), ENOENT (unknown or released already) or EACCES
 * (another's).
 */
int xpmem_release(xpmem_apid_t apid);

/**
 * xpmem_attach() - map a part of a segment
 * @addr: permit, and offset in the segment in bytes, a multiple of the page size
 * @size: bytes, rounded up to pages
 * @vaddr: NULL, or a page-aligned address to map at, in place of the mapping there, which must not
 *	   be an attachment
 *
 * Every access reaches the memory that the exporter has mapped at that address at that moment. An
 * access where it has nothing mapped raises SIGBUS; a forbidden store raises SIGSEGV.
 *
 * Return: the address, which the caller owns until xpmem_detach() or munmap(2), or
 * (void *)-1 with EINVAL (alignment, beyond the segment, permit zero or negative, or an
 * attachment at vaddr), ENOENT (no such permit, or its segment is gone), EACCES (another
 * process's), EDQUOT (the user may have no more) or ENOMEM.
 */
void *xpmem_attach(struct xpmem_addr addr, size_t size, void *vaddr);

/**
 * xpmem_detach() - unmap the whole attachment that an address lies in
 * @vaddr: the address
 *
 * Return: 0, also if nothing is mapped there, or -1 with EINVAL (the mapping there is not an
 * attachment) or ENOMEM.
 */
int xpmem_detach(void *vaddr);

/**
 * xpmem_init() - open the device; the other calls do so by themselves
 *
 * Return: 0, or -1 with errno of open(2): ENOENT or ENXIO if the module is not loaded.
 */
int xpmem_init(void);

/**
 * xpmem_ioctl() - pass a command of <linux/xpmem.h> to the device
 *
 * A process that inherited the open device by fork opens it anew first.
 *
 * Return: the ioctl's result, or -1.
 */
int xpmem_ioctl(int cmd, void *arg);

#ifdef __cplusplus
}
#endif

#endif
