// SPDX-License-Identifier: GPL-2.0-only
/* before 6.3 */
#include <linux/mm.h>

int vm_flags_init, vm_flags_set, vm_flags_clear;

void probe(struct vm_area_struct *vma);
void probe(struct vm_area_struct *vma)
{
	vma->vm_flags |= VM_IO;
}
