// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
bool probe(struct page *page);
bool probe(struct page *page)
{
	return PageSwapBacked(page);
}
