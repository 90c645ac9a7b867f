/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests call these ioctls of /dev/xpmem-importer. Reads and writes of the file go to the mapped or
 * pinned memory. mmap() maps a page of the driver's own, with the cache attributes that the offset
 * names.
 */
#ifndef IMPORTER_H
#define IMPORTER_H

#include <linux/ioctl.h>

#define IMPORTER_STATIC 0	/* a driver of the old kind */
#define IMPORTER_DYNAMIC 1	/* one that can be told that the memory goes */
#define IMPORTER_PINNED 2	/* one that is told, and has pinned it all the same */

struct importer_attach {
	int fd;
	int kind;
};

#define IMPORTER_ATTACH _IOW('i', 1, struct importer_attach)
#define IMPORTER_MAP _IO('i', 2)
#define IMPORTER_UNMAP _IO('i', 3)
#define IMPORTER_NOTICES _IO('i', 4)	/* how often it was told */
#define IMPORTER_HOLD_ON _IO('i', 5)	/* makes the next notices wait for IMPORTER_LET_GO */
#define IMPORTER_LET_GO _IO('i', 6)

/* pins memory of the caller for long, for the device to read, or to read and write */
struct importer_pin {
	unsigned long address;
	unsigned long pages;
	int write;
};

#define IMPORTER_PIN _IOW('i', 7, struct importer_pin)
#define IMPORTER_UNPIN _IO('i', 8)

/* offsets for mmap(), in pages */
#define IMPORTER_CACHED 0
#define IMPORTER_WRITE_COMBINED 1
#define IMPORTER_UNCACHED 2

#endif
