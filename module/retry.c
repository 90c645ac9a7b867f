// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keeps for a task's next fault the pages that a fault found after it dropped the attacher's lock.
 *
 * Without them a task starves while the exporter's mmap_lock is busy: each time it comes back, it
 * may only try for the lock.
 */
#include <linux/hash.h>
#include <linux/slab.h>

#include "fault.h"
#include "retry.h"
#include "xpmem.h"

/* The most entries in a bucket. One more replaces the oldest, whose task repeats its work. */
#define BUCKET_DEPTH 64

static struct hlist_head *retry_bucket(struct xpmem_exporter *exporter)
{
	return &exporter->retries[hash_ptr(current, XPMEM_RETRY_BITS)];
}

void xpmem_retry_free(struct xpmem_retry *retry)
{
	if (!retry)
		return;
	if (retry->pfns)
		xpmem_pfns_put(retry->pfns);
	kfree(retry);
}

/**
 * xpmem_retry_put() - keep an entry for the caller's task
 * @exporter: owns the entry from now on
 * @retry: the entry; xpmem_retry_take() finds it before an older one that the task has not taken
 */
void xpmem_retry_put(struct xpmem_exporter *exporter, struct xpmem_retry *retry)
{
	struct hlist_head *bucket = retry_bucket(exporter);
	struct xpmem_retry *oldest = NULL, *entry;
	unsigned int depth = 0;

	retry->task = current;
	retry->started = current->start_time;
	spin_lock(&exporter->lock);
	hlist_for_each_entry(entry, bucket, link)
		if (++depth == BUCKET_DEPTH)
			oldest = entry;
	if (oldest)
		hlist_del(&oldest->link);
	hlist_add_head(&retry->link, bucket);
	spin_unlock(&exporter->lock);
	xpmem_retry_free(oldest);
}

/**
 * xpmem_retry_take() - take the latest entry of the caller's task out of an exporter
 * @exporter: the exporter
 * @source: the page that the task faults on
 *
 * Frees an entry for another page.
 * Return: the entry for this page, for xpmem_retry_free(), or NULL.
 */
struct xpmem_retry *xpmem_retry_take(struct xpmem_exporter *exporter, unsigned long source)
{
	struct hlist_head *bucket = retry_bucket(exporter);
	struct xpmem_retry *found = NULL, *entry;

	/* No other task adds an entry for this task. */
	if (hlist_empty(bucket))
		return NULL;
	spin_lock(&exporter->lock);
	hlist_for_each_entry(entry, bucket, link) {
		if (entry->task == current && entry->started == current->start_time) {
			hlist_del(&entry->link);
			found = entry;
			break;
		}
	}
	spin_unlock(&exporter->lock);
	if (found && found->source != source) {
		xpmem_retry_free(found);
		found = NULL;
	}
	return found;
}

/* The exporter has no reference left. */
void xpmem_retries_destroy(struct xpmem_exporter *exporter)
{
	struct hlist_node *next;
	struct xpmem_retry *entry;
	int i;

	for (i = 0; i < ARRAY_SIZE(exporter->retries); i++)
		hlist_for_each_entry_safe(entry, next, &exporter->retries[i], link)
			xpmem_retry_free(entry);
}
