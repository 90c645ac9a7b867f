/* SPDX-License-Identifier: GPL-2.0-only */
/* The result of a fault that dropped the attacher's lock, kept for the fault that retries. */
#ifndef XPMEM_RETRY_H
#define XPMEM_RETRY_H

#include "xpmem.h"

struct xpmem_retry {
	struct hlist_node link;		/* exporter->lock */
	struct task_struct *task;	/* identity only, with started */
	u64 started;
	unsigned long source;		/* the wanted page */
	unsigned long start;		/* range of source addresses in pfns; start == end: empty */
	unsigned long end;
	struct xpmem_window *window;
	unsigned long seq;
	unsigned long *pfns;		/* as hmm_range_fault() returns them; NULL: &pfn */
	unsigned long pfn;
	vm_fault_t error;
	bool write;			/* serves a write, which may read first */
};

void xpmem_retry_put(struct xpmem_exporter *exporter, struct xpmem_retry *retry);
struct xpmem_retry *xpmem_retry_take(struct xpmem_exporter *exporter, unsigned long source);
void xpmem_retry_free(struct xpmem_retry *retry);
void xpmem_retries_destroy(struct xpmem_exporter *exporter);

#endif
