// SPDX-License-Identifier: GPL-2.0-only
/* before 6.4: such a kernel has no function that finds a VMA without the mmap_lock, either */
#include <linux/mm.h>

#if defined(CONFIG_PER_VMA_LOCK) || defined(FAULT_FLAG_VMA_LOCK)
#error "faults know the per-VMA lock"
#endif

int FAULT_FLAG_VMA_LOCK, lock_vma_under_rcu, vma_start_write;
