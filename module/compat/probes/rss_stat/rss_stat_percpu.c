// SPDX-License-Identifier: GPL-2.0-only
/* 6.2 and later, and RHEL 9.4 */
#include <linux/mm.h>

void probe(struct mm_struct *mm);
void probe(struct mm_struct *mm)
{
	percpu_counter_add(&mm->rss_stat[MM_FILEPAGES], 1);
}
