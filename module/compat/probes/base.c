// SPDX-License-Identifier: GPL-2.0-only
/* Interfaces that every supported kernel must have. */
#include <linux/hmm.h>
#include <linux/mmu_notifier.h>

#if !IS_ENABLED(CONFIG_HMM_MIRROR) || !IS_ENABLED(CONFIG_MMU_NOTIFIER)
#error "this kernel is configured without CONFIG_HMM_MIRROR or CONFIG_MMU_NOTIFIER, which xpmem needs"
#endif
