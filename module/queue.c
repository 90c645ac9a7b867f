// SPDX-License-Identifier: GPL-2.0-only
/* Workqueues for work that a notifier must not do, or that sleeps. */
#include <linux/workqueue.h>

#include "xpmem.h"

static struct workqueue_struct *queues[XPMEM_QUEUE_COUNT];

/* The work is done before the module is unloaded. */
void xpmem_queue(enum xpmem_queue queue, struct work_struct *work)
{
	queue_work(queues[queue], work);
}

static void destroy_queues(void)
{
	int i;

	for (i = 0; i < XPMEM_QUEUE_COUNT; i++)
		if (queues[i])
			destroy_workqueue(queues[i]);
}

/*
 * Each kind of work has a queue, because one kind may wait for long and must not delay the others.
 */
int xpmem_queues_init(void)
{
	queues[XPMEM_QUEUE_ZAP] = alloc_workqueue("xpmem-zap", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	queues[XPMEM_QUEUE_PUT] = alloc_workqueue("xpmem-put", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	queues[XPMEM_QUEUE_EXIT] = alloc_workqueue("xpmem-exit", WQ_UNBOUND, 0);
	queues[XPMEM_QUEUE_FREE] = alloc_workqueue("xpmem-free", WQ_UNBOUND, 0);
	if (queues[XPMEM_QUEUE_ZAP] && queues[XPMEM_QUEUE_PUT] && queues[XPMEM_QUEUE_EXIT] &&
	    queues[XPMEM_QUEUE_FREE])
		return 0;
	destroy_queues();
	return -ENOMEM;
}

/* Every client is closed and every VMA is gone, so no segment ends after this. */
void xpmem_queues_drain(void)
{
	flush_workqueue(queues[XPMEM_QUEUE_ZAP]);
	flush_workqueue(queues[XPMEM_QUEUE_EXIT]);
}

/*
 * Follows xpmem_queues_drain() and the last reader of the registries. Does the work that is left,
 * which frees exporters.
 */
void xpmem_queues_exit(void)
{
	destroy_queues();
}
