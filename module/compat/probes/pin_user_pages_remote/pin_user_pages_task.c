// SPDX-License-Identifier: GPL-2.0-only
/* before 5.9, and RHEL 8: the task that the fault is counted for comes first. */
#include <linux/mm.h>

long probe(struct mm_struct *mm, struct page **pages, struct vm_area_struct **vmas, int *locked);
long probe(struct mm_struct *mm, struct page **pages, struct vm_area_struct **vmas, int *locked)
{
	struct task_struct *task = NULL;

	return pin_user_pages_remote(task, mm, 0, 1, FOLL_WRITE, pages, vmas, locked);
}
