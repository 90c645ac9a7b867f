// SPDX-License-Identifier: GPL-2.0-only
/*
 * The exporter's invalidations: changes of its page tables that mmu notifiers announce.
 *
 * An ordinary notifier hears the start and the end of each. In between, the range is active, and no
 * fault maps any of it into attachments. Invalidations of one exporter overlap: several threads
 * discard pages with the mmap_lock held for reading, and migration and reclaim take no mmap_lock at
 * all. So each start zaps all pages of its range that attachments may map, whatever other starts
 * do, and only then clears the window's bits.
 *
 * The invalidation of the OOM reaper must not block. The module refuses it if attachments may map
 * any of the range. An interval notifier over the whole address space does that: the core lets such
 * a notifier refuse without a trace, and calls it first. An ordinary notifier must not refuse.
 *
 * Why pairs of paths are safe:
 *
 *   start and fault   A fault samples the window's sequence, looks for active ranges, and takes its
 *                     snapshot, in this order. A start first adds its range and then raises the
 *                     sequence under the window's lock. So the fault sees the range, or the
 *                     sequence differs when it inserts, or it inserts before the start has the
 *                     window's lock and the zap that follows takes its pages away.
 *   start and start   A start clears bits after its zap, and no fault inserts while a range is
 *                     active. So each start that overlaps sees a set bit, until one of them has
 *                     zapped the page.
 *   start and end     One task runs the start and the end of an invalidation, and registering the
 *                     notifier waits for invalidations in progress. So there is an end for each
 *                     start that was heard, and for no other. Each end removes its own range.
 *   start and revoke  Both may zap the same page. Revocation does not look at bits.
 *   nested start      A zap notifies the attacher, which may export, too. The module never maps
 *                     pages of an attachment elsewhere (xpmem_source_allowed()), so no bit is set
 *                     and the recursion ends there.
 */
#include "change.h"
#include "race.h"
#include "trace.h"
#include "xpmem.h"

/*
 * change_protection() takes a start of 0 for a range that it has not begun, so it would announce no
 * end of a range that starts there. Faults would wait for that end, and so would the removal of any
 * interval notifier. The range is on the stack of change_protection(), which reads the start again.
 * So with any other start in the same page, it goes on as it does elsewhere.
 */
static void make_it_end(const struct mmu_notifier_range *range)
{
	if (range->event == MMU_NOTIFY_PROTECTION_VMA && !range->start)
		((struct mmu_notifier_range *)range)->start = 1;
}

/* The range is active, and attachments of these groups may map pages of it. */
static void zap_mapped(struct xpmem_exporter *exporter, unsigned long groups, unsigned long start,
		       unsigned long end, enum mmu_notifier_event event)
{
	xpmem_race_point("invalidation-zap");
	xpmem_zap_groups(exporter, groups, start, end, event);
	xpmem_race_point("invalidation-zapped");
	/* A deferred zap keeps the pages for other invalidations too, so clear the bits always. */
	xpmem_windows_clear(exporter, start, end);
}

/*
 * Takes a range away from attachments before the exporter changes it. The range is active, or the
 * mm has ended. The caller may hold the locks of reclaim.
 */
static void exporter_invalidate(struct xpmem_exporter *exporter, unsigned long start,
				unsigned long end, enum mmu_notifier_event event)
{
	unsigned long groups = 0, mapped;

	mapped = xpmem_windows_raise(exporter, start, end, &groups);
	if (mapped) {
		xpmem_stat_add_change(exporter, XPMEM_STAT_INVALIDATIONS, 1);
		xpmem_stat_add_change(exporter, XPMEM_STAT_ZAPS, mapped);
		trace_invalidate(exporter, start, end, mapped);
		zap_mapped(exporter, groups, start, end, event);
	}
	/*
	 * Follows the test of the bits, because a deferral is listed before its start clears them.
	 * A change whose own zap may be deferred does not wait.
	 */
	if (!list_empty_careful(&exporter->deferrals) &&
	    !xpmem_zap_may_defer(exporter, event, start))
		xpmem_deferral_wait(exporter, start, end);
}

/*
 * The exporter is about to change [range->start, range->end). The task that changes it holds its
 * own locks, down to page, i_mmap and anon_vma locks in reclaim. The function must not allocate
 * with reclaim, and must not wait for an mmap_lock or for a lock that mm_take_all_locks() takes.
 */
static int invalidation_start(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	struct xpmem_exporter *exporter = container_of(notifier, struct xpmem_exporter, notifier);
	unsigned long start = range->start & PAGE_MASK;
	unsigned long end = range->end > XPMEM_END_OF_SPACE ? XPMEM_END_OF_SPACE :
							    PAGE_ALIGN(range->end);

	make_it_end(range);
	xpmem_range_add(exporter, range);
	/* The veto found that no attachment maps the range, and no fault maps any of it now. */
	if (!mmu_notifier_range_blockable(range))
		return 0;
	xpmem_race_point("invalidation-active");
	exporter_invalidate(exporter, start, end, range->event);
	return 0;
}

static void invalidation_end(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	struct xpmem_exporter *exporter = container_of(notifier, struct xpmem_exporter, notifier);

	xpmem_range_remove(exporter, range);
}

/*
 * The mm ended: no task of it runs, and no fault of an attacher holds its mm_users. Or the exporter
 * is being freed.
 */
static void invalidation_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct xpmem_exporter *exporter = container_of(notifier, struct xpmem_exporter, notifier);

	exporter_invalidate(exporter, 0, XPMEM_END_OF_SPACE, MMU_NOTIFY_RELEASE);
	xpmem_exporter_end(exporter);
}

const struct mmu_notifier_ops xpmem_invalidation_ops = {
	.invalidate_range_start = invalidation_start,
	.invalidate_range_end = invalidation_end,
	.release = invalidation_release,
};

/*
 * Before a callback that must not block, the OOM reaper has marked the mm as unstable. Faults test
 * for that after they held active_lock, and under the window's lock. So this function sees the
 * pages of a fault, or fails because the fault holds the window's lock, or the fault inserts
 * nothing.
 */
static bool invalidation_veto(struct mmu_interval_notifier *notifier,
			      const struct mmu_notifier_range *range, unsigned long seq)
{
	struct xpmem_exporter *exporter =
		container_of(notifier, struct xpmem_exporter, veto_notifier);

	make_it_end(range);
	if (mmu_notifier_range_blockable(range))
		return true;
	spin_lock(&exporter->active_lock);
	spin_unlock(&exporter->active_lock);
	return xpmem_windows_untouched(exporter, range->start, min(range->end, XPMEM_END_OF_SPACE));
}

const struct mmu_interval_notifier_ops xpmem_invalidation_veto_ops = {
	.invalidate = invalidation_veto,
};
