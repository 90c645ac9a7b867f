// SPDX-License-Identifier: GPL-2.0-only
/* before 5.19, where VMAs are in a red-black tree */
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/swapops.h>

int is_pte_marker;

struct rb_root *probe(struct mm_struct *mm);
struct rb_root *probe(struct mm_struct *mm)
{
	return &mm->mm_rb;
}
