// SPDX-License-Identifier: GPL-2.0-only
/* page_table.h writes entries with these; powerpc writes none. */
#include <linux/mm.h>

#if defined(CONFIG_X86_64) || defined(CONFIG_ARM64)
void probe(struct mm_struct *mm, unsigned long address, pte_t *pte, pte_t entry);
void probe(struct mm_struct *mm, unsigned long address, pte_t *pte, pte_t entry)
{
#ifdef CONFIG_ARM64_CONTPTE
	contpte_try_unfold(mm, address, pte, READ_ONCE(*pte));
#endif
	set_pte(pte, entry);
	set_pte_at(mm, address, pte, entry);
}

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
void probe_huge(struct mm_struct *mm, unsigned long address, pmd_t *pmd, pmd_t entry);
void probe_huge(struct mm_struct *mm, unsigned long address, pmd_t *pmd, pmd_t entry)
{
	set_pmd(pmd, entry);
	set_pmd_at(mm, address, pmd, entry);
}
#endif
#endif
