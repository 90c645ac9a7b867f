// SPDX-License-Identifier: GPL-2.0-only
/* 5.0 and later, and RHEL 8 with RH_MMU_NOTIFIER_V2: the callbacks get a struct. */
#include <linux/mmu_notifier.h>

int probe_start(struct mmu_notifier *notifier, const struct mmu_notifier_range *range);
void probe_end(struct mmu_notifier *notifier, const struct mmu_notifier_range *range);
const struct mmu_notifier_ops probe_ops = {
	.invalidate_range_start = probe_start,
	.invalidate_range_end = probe_end,
};
