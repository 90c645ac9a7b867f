// SPDX-License-Identifier: GPL-2.0-only
/* 5.16 and later: the count of a small page is that of its folio. */
#include <linux/mm.h>

_Static_assert(offsetof(struct page, _mapcount) == offsetof(struct folio, _mapcount),
	       "struct folio counts elsewhere");

bool probe(struct page *page);
bool probe(struct page *page)
{
	atomic_t *count = &page->_mapcount;

	return !PageCompound(page) && atomic_inc_unless_negative(count);
}
