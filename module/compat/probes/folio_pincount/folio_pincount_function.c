// SPDX-License-Identifier: GPL-2.0-only
/* before 6.3 */
#include <linux/mm.h>

bool probe(struct folio *folio);
bool probe(struct folio *folio)
{
	atomic_inc(folio_pincount_ptr(folio));
	return PageAnonExclusive(&folio->page);
}
