// SPDX-License-Identifier: GPL-2.0-only
/* before 6.12 */
#include <linux/mm.h>

bool probe(struct page *page);
bool probe(struct page *page)
{
	return PageSwapBacked(page);
}
