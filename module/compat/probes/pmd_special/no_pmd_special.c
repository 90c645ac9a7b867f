// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>

#if defined(CONFIG_TRANSPARENT_HUGEPAGE) && \
	(defined(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP) || defined(CONFIG_ARCH_HAS_PTE_DEVMAP))
#error "there is a mark for huge entries"
#endif
