// SPDX-License-Identifier: GPL-2.0-only
/* before 6.8: a page that a page-table entry maps has a count of its own. */
#include <linux/mm.h>
#include <linux/rmap.h>

int folio_dup_file_rmap_pte;

void probe(struct page *page);
void probe(struct page *page)
{
	page_dup_file_rmap(page, false);
}
