// SPDX-License-Identifier: GPL-2.0-only
/* 6.4 to 6.14: the per-VMA lock is a semaphore. */
#include <linux/mm.h>

struct rw_semaphore *probe(struct vm_area_struct *vma);
struct rw_semaphore *probe(struct vm_area_struct *vma)
{
	return &vma->vm_lock->lock;
}
