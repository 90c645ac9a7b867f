// SPDX-License-Identifier: GPL-2.0-only
/* 6.3 and later */
#include <linux/mm.h>

void probe(struct vm_area_struct *vma);
void probe(struct vm_area_struct *vma)
{
	vm_flags_init(vma, VM_IO);
	vm_flags_set(vma, VM_IO);
	vm_flags_clear(vma, VM_IO);
}
