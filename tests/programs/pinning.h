/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private memory of the main process that a peer has as a pinnable attachment, and whose pages the
 * driver of the tests pins through it, as an RDMA device does.
 */
#ifndef PINNING_H
#define PINNING_H

#include "device.h"
#include "driver.h"

#define LENGTH (64 * PAGE)
#define PAGES (LENGTH / PAGE)

extern struct peer *attacher;
extern long page, segid, at;

/*
 * Opens the device for the main process and the attacher. Skips the case where the kernel has no
 * pinnable attachments.
 */
void start(void);
void share_as(long memory, long length, long flags);
/* Fills the memory after the fork of the attacher: its pages belong to one process. */
void share(long memory);
long small_pages(void);

/* number the second word of each page, from a value on; count those that have another number */
void write_pages(long address, long pages, long value);
long wrong_pages(long address, long pages, long value);
long pages_present(void);

/* the exporter, the attacher and the device write in turn, and all see it */
void check_same_pages(long pages, long value);
void pin_all(void);
void unpin_all(void);

/* operations, with their arguments; the first two do the same by the device */
long do_device_fill(const long *pages_value);
long do_device_verify(const long *pages_value);
long do_fork(const long *none);				/* answers the status of the child */

#endif
