// SPDX-License-Identifier: GPL-2.0-only
/* 7.0 and later: the same counter, with another name for the bit of a writer. */
#include <linux/mm.h>

unsigned int probe(const struct vm_area_struct *vma);
unsigned int probe(const struct vm_area_struct *vma)
{
	const refcount_t *count = &vma->vm_refcnt;

	return refcount_read(count) & VM_REFCNT_EXCLUDE_READERS_FLAG;
}
