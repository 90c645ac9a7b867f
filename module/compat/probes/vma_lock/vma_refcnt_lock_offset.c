// SPDX-License-Identifier: GPL-2.0-only
/* 6.15 and later: the per-VMA lock is a counter. */
#include <linux/mm.h>

unsigned int probe(const struct vm_area_struct *vma);
unsigned int probe(const struct vm_area_struct *vma)
{
	const refcount_t *count = &vma->vm_refcnt;

	return refcount_read(count) & VMA_LOCK_OFFSET;
}
