// SPDX-License-Identifier: GPL-2.0-only
/* The ranges of an exporter that invalidations in progress change: the active ones. */
#include <linux/sched/signal.h>

#include "change.h"
#include "xpmem.h"

/* An invalidation of @range starts. */
void xpmem_range_add(struct xpmem_exporter *exporter, const struct mmu_notifier_range *range)
{
	unsigned int i;

	spin_lock(&exporter->active_lock);
	for (i = 0; i < XPMEM_ACTIVE_RANGES && exporter->active[i].range; i++)
		;
	if (i < XPMEM_ACTIVE_RANGES) {
		exporter->active[i] =
			(struct xpmem_active_range){ range, range->start, range->end };
		exporter->active_ranges++;
	} else {
		exporter->active_beyond++;
	}
	spin_unlock(&exporter->active_lock);
}

/*
 * The address of the struct identifies a range. The struct is on the stack of the task that changes
 * the exporter.
 */
void xpmem_range_remove(struct xpmem_exporter *exporter, const struct mmu_notifier_range *range)
{
	unsigned int i;

	spin_lock(&exporter->active_lock);
	for (i = 0; i < XPMEM_ACTIVE_RANGES && exporter->active[i].range != range; i++)
		;
	if (i < XPMEM_ACTIVE_RANGES) {
		exporter->active[i].range = NULL;
		exporter->active_ranges--;
	} else if (exporter->active_beyond) {
		exporter->active_beyond--;
	}
	spin_unlock(&exporter->active_lock);
	if (wq_has_sleeper(&exporter->quiet))
		wake_up_all(&exporter->quiet);
}

/**
 * xpmem_range_is_active() - whether an invalidation of a range is in progress
 * @exporter: the exporter
 * @start: first source address
 * @end: end of the range
 *
 * The lock orders the test of a fault before or after the start of each invalidation.
 *
 * Return: true if one is.
 */
bool xpmem_range_is_active(struct xpmem_exporter *exporter, unsigned long start, unsigned long end)
{
	unsigned int i, left;
	bool active;

	spin_lock(&exporter->active_lock);
	active = exporter->active_beyond;
	left = exporter->active_ranges;
	for (i = 0; left && !active; i++) {
		if (!exporter->active[i].range)
			continue;
		left--;
		active = exporter->active[i].start < end && start < exporter->active[i].end;
	}
	spin_unlock(&exporter->active_lock);
	return active;
}

/**
 * xpmem_range_wait() - wait until no invalidation of a range is in progress
 * @exporter: the exporter, which the caller keeps; the caller holds no mmap_lock and no other lock
 *	that a task which changes the exporter waits for
 * @start: first source address
 * @end: end of the range
 *
 * Return: 0, or -ERESTARTSYS when the task was killed.
 */
int xpmem_range_wait(struct xpmem_exporter *exporter, unsigned long start, unsigned long end)
{
	might_lock_read(&exporter->mm->mmap_lock);
	return wait_event_killable(exporter->quiet,
				   !xpmem_range_is_active(exporter, start, end));
}
