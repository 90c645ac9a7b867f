/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entries for PMD_SIZE that get_user_pages_fast(), which looks at no VMA, refuses. Since 6.12 they
 * have a bit of their own. Older kernels mark them as device memory, and get_user_pages_fast()
 * takes no reference to that unless it finds the device. Read for 5.10, 6.1, 6.12, 7.2 and 7.3. The
 * probes in pmd_special refuse other kernels.
 */
#ifndef XPMEM_COMPAT_PMD_SPECIAL_H
#define XPMEM_COMPAT_PMD_SPECIAL_H

#include <linux/mm.h>

#include "features.h"

#if defined(XPMEM_HAVE_PMD_MKSPECIAL)
static inline pmd_t xpmem_pmd_mkspecial(pmd_t pmd)
{
	return pmd_mkspecial(pmd);
}
#elif defined(XPMEM_HAVE_PMD_MKDEVMAP)
static inline pmd_t xpmem_pmd_mkspecial(pmd_t pmd)
{
	return pmd_mkdevmap(pmd);
}
#elif !defined(XPMEM_HAVE_NO_PMD_SPECIAL)
#error "xpmem does not know how this kernel marks huge entries"
#endif

#endif
