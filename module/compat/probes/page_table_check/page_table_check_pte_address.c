// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/page_table_check.h>

#ifndef CONFIG_PAGE_TABLE_CHECK
#error "nothing to tell"
#endif

void probe(struct mm_struct *mm, unsigned long address, pte_t *pte, pte_t entry);
void probe(struct mm_struct *mm, unsigned long address, pte_t *pte, pte_t entry)
{
	page_table_check_pte_set(mm, address, pte, entry);
}
