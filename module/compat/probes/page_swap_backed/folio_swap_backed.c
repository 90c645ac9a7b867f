// SPDX-License-Identifier: GPL-2.0-only
/* 6.12 and later: only folios know. */
#include <linux/mm.h>

int PageSwapBacked;

bool probe(struct page *page);
bool probe(struct page *page)
{
	return folio_test_swapbacked(page_folio(page));
}
