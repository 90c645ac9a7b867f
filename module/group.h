/* SPDX-License-Identifier: GPL-2.0-only */
/* The inside of a group, for group.c and zap.c. */
#ifndef XPMEM_GROUP_H
#define XPMEM_GROUP_H

#include "xpmem.h"

struct xpmem_group {
	struct xpmem_exporter *exporter;
	struct inode *inode;
	struct file *files[2]; /* that VMAs map, read-only and writable; created on demand */
	atomic_t waiting;      /* notifiers that keep trying for the i_mmap_rwsem */
};

void xpmem_group_zap(struct xpmem_group *group, const struct rw_semaphore *lock,
		     xpmem_attachment_test *wanted, const void *data, unsigned long start,
		     unsigned long end);

#endif
