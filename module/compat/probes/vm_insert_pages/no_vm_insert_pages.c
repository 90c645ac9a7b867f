// SPDX-License-Identifier: GPL-2.0-only
/* before 5.8, and RHEL 8 */
#include <linux/mm.h>

int vm_insert_pages;

int probe(struct vm_area_struct *vma, struct page *page);
int probe(struct vm_area_struct *vma, struct page *page)
{
	return vm_insert_page(vma, 0, page);
}
