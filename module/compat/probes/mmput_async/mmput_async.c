// SPDX-License-Identifier: GPL-2.0-only
/* exported: mmput_async */
/* 5.10 and later */
#include <linux/sched/mm.h>

void probe(struct mm_struct *mm);
void probe(struct mm_struct *mm)
{
	mmput_async(mm);
}
