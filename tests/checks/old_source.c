// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program that uses the device without the library, as it was written for the old header: the
 * path and the ioctls' type by name, and structs initialized by position.
 */
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include <xpmem.h>

int main(void)
{
	struct xpmem_cmd_make make = { 0x10000, 0x20000, XPMEM_PERMIT_MODE, 0600, 7 };
	struct xpmem_cmd_get get = { 7, XPMEM_RDWR, XPMEM_PERMIT_MODE, 0600, 8 };
	struct xpmem_cmd_attach attach = { 8, 4096, 8192, 0x30000, -1, 0 };
	struct xpmem_cmd_remove remove_segment = { 7 };
	struct xpmem_cmd_release release = { 8 };
	struct xpmem_cmd_detach detach = { 0x30000 };

	if (make.vaddr != 0x10000 || make.size != 0x20000 ||
	    make.permit_type != XPMEM_PERMIT_MODE || make.permit_value != 0600 || make.segid != 7)
		return 1;
	if (sizeof(make) != 40 || offsetof(struct xpmem_cmd_make, permit_value) != 24 ||
	    offsetof(struct xpmem_cmd_make, segid) != 32)
		return 2;
	if (get.segid != 7 || get.flags != XPMEM_RDWR || get.permit_type != XPMEM_PERMIT_MODE ||
	    get.permit_value != 0600 || get.apid != 8 || sizeof(get) != 32)
		return 3;
	if (attach.apid != 8 || attach.offset != 4096 || attach.size != 8192 ||
	    attach.vaddr != 0x30000 || attach.fd != -1 || attach.flags || sizeof(attach) != 40)
		return 4;
	if (remove_segment.segid != 7 || release.apid != 8 || detach.vaddr != 0x30000)
		return 5;
	if (strcmp(XPMEM_DEV_PATH, "/dev/xpmem") || _IO(XPMEM_IOC_MAGIC, 1) != XPMEM_CMD_MAKE ||
	    _IO(XPMEM_IOC_MAGIC, 8) != XPMEM_CMD_FORK_END)
		return 6;
	return 0;
}
