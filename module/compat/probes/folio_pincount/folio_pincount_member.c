// SPDX-License-Identifier: GPL-2.0-only
/* 6.3 and later */
#include <linux/mm.h>

int folio_pincount_ptr;

bool probe(struct folio *folio);
bool probe(struct folio *folio)
{
	atomic_inc(&folio->_pincount);
	return PageAnonExclusive(&folio->page);
}
