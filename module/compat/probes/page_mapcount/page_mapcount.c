// SPDX-License-Identifier: GPL-2.0-only
/* before 5.16: a small page has its own count of mappings, less one. */
#include <linux/mm.h>

struct folio { int unknown; };

bool probe(struct page *page);
bool probe(struct page *page)
{
	atomic_t *count = &page->_mapcount;

	return !PageCompound(page) && page_mapcount(page) && atomic_inc_unless_negative(count);
}
