// SPDX-License-Identifier: GPL-2.0-only
/* before 5.8, and RHEL 8, which also count the faults of a task when they pin pages */
#include <linux/mm.h>

int vm_insert_pages;

int probe(struct vm_area_struct *vma, struct page *page);
int probe(struct vm_area_struct *vma, struct page *page)
{
	struct task_struct *task = NULL;

	pin_user_pages_remote(task, vma->vm_mm, 0, 1, FOLL_WRITE, &page, NULL, NULL);
	return vm_insert_page(vma, 0, page);
}
