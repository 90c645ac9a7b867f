// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>

long probe(struct mm_struct *mm, struct page **pages);
long probe(struct mm_struct *mm, struct page **pages)
{
	return pin_user_pages_remote(mm, 0, 1, FOLL_WRITE, pages, NULL, NULL);
}
