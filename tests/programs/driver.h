/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver of tests/importer, which imports dma-bufs and pins memory, as a device does.
 */
#ifndef DRIVER_H
#define DRIVER_H

#include "../importer/importer.h"

/* the open device of this process, or -1 */
extern int importer;

long importer_open(void);

/* operations, with their arguments; the first two open the device */
long do_import(const long *descriptor_kind);		/* for another device than before */
long do_pin(const long *address_pages_write);
long do_unpin(const long *none);
/* the word at an offset of what the device has mapped or pinned */
long do_device_load(const long *offset);
long do_device_store(const long *offset_value);

#endif
