// SPDX-License-Identifier: GPL-2.0-only
/* before 6.17 */
#include <linux/mm.h>
#include <linux/pfn_t.h>

vm_fault_t probe(struct vm_area_struct *vma, unsigned long pfn);
vm_fault_t probe(struct vm_area_struct *vma, unsigned long pfn)
{
	return vmf_insert_mixed(vma, 0, __pfn_to_pfn_t(pfn, 0)) |
	       vmf_insert_mixed_mkwrite(vma, 0, __pfn_to_pfn_t(pfn, 0));
}
