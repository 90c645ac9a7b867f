// SPDX-License-Identifier: GPL-2.0-only
/* before 6.5 */
#include <linux/mm.h>

long probe(struct mm_struct *mm, struct page **pages, struct vm_area_struct **vmas, int *locked);
long probe(struct mm_struct *mm, struct page **pages, struct vm_area_struct **vmas, int *locked)
{
	return pin_user_pages_remote(mm, 0, 1, FOLL_WRITE, pages, vmas, locked);
}
