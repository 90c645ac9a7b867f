// SPDX-License-Identifier: GPL-2.0-only
/* 6.12 and later, and RHEL 9.6: a bit of their own for huge entries without references */
#include <linux/mm.h>

#if !defined(CONFIG_TRANSPARENT_HUGEPAGE) || !defined(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP)
#error "no such bit"
#endif

pmd_t probe(pmd_t pmd);
pmd_t probe(pmd_t pmd)
{
	return pmd_mkspecial(pmd);
}
