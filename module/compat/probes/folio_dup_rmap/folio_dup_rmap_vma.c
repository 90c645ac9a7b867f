// SPDX-License-Identifier: GPL-2.0-only
/* 6.15 and later: large folios know the address spaces that map them. */
#include <linux/mm.h>
#include <linux/rmap.h>

void probe(struct folio *folio, struct vm_area_struct *vma);
void probe(struct folio *folio, struct vm_area_struct *vma)
{
	folio_dup_file_rmap_pte(folio, &folio->page, vma);
}
