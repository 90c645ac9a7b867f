// SPDX-License-Identifier: GPL-2.0-only
/* 6.8 and later */
#include <linux/mm.h>
#include <linux/rmap.h>

void probe(struct folio *folio);
void probe(struct folio *folio)
{
	folio_dup_file_rmap_pte(folio, &folio->page);
}
