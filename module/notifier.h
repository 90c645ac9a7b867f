/* SPDX-License-Identifier: GPL-2.0-only */
/* Registering mmu notifiers. */
#ifndef XPMEM_NOTIFIER_H
#define XPMEM_NOTIFIER_H

#include "xpmem.h"

int xpmem_notifier_register(struct mmu_notifier *notifier);
struct mmu_notifier *xpmem_notifier_get(const struct mmu_notifier_ops *ops);
int xpmem_interval_notifier_insert(struct mmu_interval_notifier *notifier,
				   const struct mmu_interval_notifier_ops *ops);

#endif
