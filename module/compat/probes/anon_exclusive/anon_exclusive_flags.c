// SPDX-License-Identifier: GPL-2.0-only
/* 5.19 and later */
#include <linux/mm.h>

bool probe(struct page *page, struct mm_struct *mm);
bool probe(struct page *page, struct mm_struct *mm)
{
	set_bit(MMF_HAS_PINNED, &mm->flags);
	return PageAnonExclusive(page);
}
