/* SPDX-License-Identifier: GPL-2.0-only */
/* Changes of an exporter: their records, and how they take pages away from attachments. */
#ifndef XPMEM_CHANGE_H
#define XPMEM_CHANGE_H

#include "xpmem.h"

/* window.c */

struct xpmem_window {
	struct xpmem_exporter *exporter;
	unsigned long start;
	struct rw_semaphore lock;	/* read: insert into attachments. write: the notifier */
	unsigned long seq;		/* lock; counts invalidations of any part of the window */
	/* lock. A set bit: some attachment may map the page. */
	DECLARE_BITMAP(mapped, XPMEM_WINDOW_PAGES);
	/* lock. A set bit: some attachment of the group may map some page. */
	unsigned long groups;
};

struct xpmem_window *xpmem_window_get(struct xpmem_exporter *exporter, unsigned long source);
bool xpmem_window_sample(struct xpmem_window *window, unsigned long start, unsigned long end,
			 unsigned long *seq);
bool xpmem_window_changed(const struct xpmem_window *window, unsigned long seq);
void xpmem_window_mark_mapped(struct xpmem_window *window, unsigned long index, unsigned long mask);
void xpmem_window_mark_group(struct xpmem_window *window,
			     const struct xpmem_attachment *attachment);
unsigned long xpmem_windows_raise(struct xpmem_exporter *exporter, unsigned long start,
				  unsigned long end, unsigned long *groups);
void xpmem_windows_clear(struct xpmem_exporter *exporter, unsigned long start, unsigned long end);
bool xpmem_windows_untouched(struct xpmem_exporter *exporter, unsigned long start,
			     unsigned long end);
void xpmem_windows_for_each_mapped(struct xpmem_exporter *exporter, unsigned long start,
				   unsigned long end,
				   bool (*visit)(unsigned long source, void *data), void *data);
void xpmem_windows_destroy(struct xpmem_exporter *exporter);

/* range.c: the ranges that invalidations in progress change */

void xpmem_range_add(struct xpmem_exporter *exporter, const struct mmu_notifier_range *range);
void xpmem_range_remove(struct xpmem_exporter *exporter, const struct mmu_notifier_range *range);
bool xpmem_range_is_active(struct xpmem_exporter *exporter, unsigned long start, unsigned long end);
int xpmem_range_wait(struct xpmem_exporter *exporter, unsigned long start, unsigned long end);

/* zap.c: the zap of a change, in the notifier */

void xpmem_zap_groups(struct xpmem_exporter *exporter, unsigned long groups, unsigned long start,
		      unsigned long end, enum mmu_notifier_event event);
bool xpmem_zap_may_defer(const struct xpmem_exporter *exporter, enum mmu_notifier_event event,
			 unsigned long start);

/* deferral.c */

bool xpmem_deferral_add(struct xpmem_exporter *exporter, unsigned long groups, unsigned long start,
			unsigned long end);
struct page *xpmem_deferral_first_page(struct xpmem_exporter *exporter, unsigned long start,
				       unsigned long end);
void xpmem_deferral_wait(struct xpmem_exporter *exporter, unsigned long start, unsigned long end);

/* invalidation.c */

extern const struct mmu_notifier_ops xpmem_invalidation_ops;
extern const struct mmu_interval_notifier_ops xpmem_invalidation_veto_ops;

#endif
