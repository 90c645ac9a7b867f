// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
void probe(struct mm_struct *mm);
void probe(struct mm_struct *mm)
{
	percpu_counter_add(&mm->rss_stat[MM_FILEPAGES], 1);
}
