/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests call these ioctls of /dev/xpmem-notifier. Both last until the task gets a signal. */
#ifndef NOTIFIER_H
#define NOTIFIER_H

#include <linux/ioctl.h>

#define NOTIFIER_LOCK_PAGE _IO('n', 1)		/* the page that mmap() maps */
#define NOTIFIER_LOCK_MAPPINGS _IO('n', 2)	/* i_mmap_rwsem of the device, for writing */

#endif
