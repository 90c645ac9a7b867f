// SPDX-License-Identifier: GPL-2.0-only
/* before 5.19 */
#include <linux/mm.h>
#include <linux/rmap.h>

void probe(struct page *page);
void probe(struct page *page)
{
	page_dup_rmap(page, false);
}
