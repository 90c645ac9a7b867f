// SPDX-License-Identifier: GPL-2.0-only
/* 6.18 and later: functions access the flags of an mm. */
#include <linux/mm.h>

bool probe(struct page *page, struct mm_struct *mm);
bool probe(struct page *page, struct mm_struct *mm)
{
	mm_flags_set(MMF_HAS_PINNED, mm);
	return PageAnonExclusive(page);
}
