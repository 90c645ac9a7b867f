// SPDX-License-Identifier: GPL-2.0-only
/* before 6.12: the mark of device memory */
#include <linux/mm.h>

#if !defined(CONFIG_TRANSPARENT_HUGEPAGE) || defined(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP) || \
	!defined(CONFIG_ARCH_HAS_PTE_DEVMAP)
#error "no such mark"
#endif

pmd_t probe(pmd_t pmd);
pmd_t probe(pmd_t pmd)
{
	return pmd_mkdevmap(pmd);
}
