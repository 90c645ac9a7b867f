/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The count of a page's mappings, for which modules have no function. Read for 5.10, 6.1, 6.12, 7.2
 * and 7.3: _mapcount of a small page is the number of its mappings, less one, in struct page and,
 * at the same place, in struct folio. The probes in page_mapcount refuse other kernels.
 */
#ifndef XPMEM_COMPAT_MAPCOUNT_H
#define XPMEM_COMPAT_MAPCOUNT_H

#include <linux/mm.h>

#include "features.h"

#if !defined(XPMEM_HAVE_PAGE_MAPCOUNT) && !defined(XPMEM_HAVE_FOLIO_MAPCOUNT)
#error "xpmem does not know how this kernel counts the mappings of a page"
#endif

/*
 * Counts one more mapping of a page, and takes a reference for it, as fork() does for a child. The
 * page must be mapped, and stay mapped meanwhile. Returns false for a page of a large folio, which
 * has more counts.
 */
static inline bool xpmem_page_dup_mapping(struct page *page)
{
	if (PageCompound(page) || !atomic_inc_unless_negative(&page->_mapcount))
		return false;
	get_page(page);
	return true;
}

#endif
