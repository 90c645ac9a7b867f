/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The counters of resident pages. Modules may not use the tracepoint of add_mm_counter(). Read for
 * 5.10, 6.1, 6.12, 7.2 and 7.3. The probes in rss_stat refuse other kernels.
 */
#ifndef XPMEM_COMPAT_RSS_STAT_H
#define XPMEM_COMPAT_RSS_STAT_H

#include <linux/mm.h>

#include "features.h"

static inline void xpmem_add_mm_counter(struct mm_struct *mm, int counter, long pages)
{
#if defined(XPMEM_HAVE_RSS_STAT_PERCPU)
	percpu_counter_add(&mm->rss_stat[counter], pages);
#elif defined(XPMEM_HAVE_RSS_STAT_ATOMIC)
	atomic_long_add(pages, &mm->rss_stat.count[counter]);
#else
#error "xpmem does not know how this kernel counts resident pages"
#endif
}

#endif
