// SPDX-License-Identifier: GPL-2.0-only
/* not exported: mmput_async */
/* RHEL 8, and kernels whose exports are not known; the work item is mmput_async()'s own. */
#include <linux/sched/mm.h>

struct work_struct *probe(struct mm_struct *mm);
struct work_struct *probe(struct mm_struct *mm)
{
	return &mm->async_put_work;
}
