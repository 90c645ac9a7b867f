// SPDX-License-Identifier: GPL-2.0-only
/* 6.17 and later */
#include <linux/mm.h>

vm_fault_t probe(struct vm_area_struct *vma, unsigned long pfn);
vm_fault_t probe(struct vm_area_struct *vma, unsigned long pfn)
{
	return vmf_insert_mixed(vma, 0, pfn) | vmf_insert_mixed_mkwrite(vma, 0, pfn);
}
