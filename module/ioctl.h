/* SPDX-License-Identifier: GPL-2.0-only */
/* The ioctls, for main.c, and functions that their files and netlink.c share. */
#ifndef XPMEM_IOCTL_H
#define XPMEM_IOCTL_H

#include "xpmem.h"

long xpmem_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long xpmem_compat_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
bool xpmem_legacy_ioctl(struct xpmem_client *client, unsigned int cmd, void __user *arg,
			long *result);
void xpmem_query_fill(struct xpmem_ioc_query *query);

#endif
