// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a fault found after it had to give up the attacher's lock, kept for the fault that follows
 * in the same task.
 *
 * Without it a task starves while the exporter's mmap_lock is busy: each time it comes back, it may
 * only try for the lock.
 */
#include <linux/hash.h>
#include <linux/slab.h>

#include "xpmem.h"

/*
 * Tasks that share a bucket and have one each; the oldest goes for one more, and its task repeats
 * its work.
 */
#define BUCKET_DEPTH 64

static struct hlist_head *stash_bucket(struct xpmem_space *space)
{
	return &space->stashes[hash_ptr(current, XPMEM_STASH_BITS)];
}

void xpmem_stash_free(struct xpmem_stash *stash)
{
	if (!stash)
		return;
	if (stash->pfns)
		xpmem_pfns_put(stash->pfns);
	kfree(stash);
}

/*
 * Keeps @stash, which becomes the space's, for the caller's task, which has taken what it had
 * there.
 */
void xpmem_stash_put(struct xpmem_space *space, struct xpmem_stash *stash)
{
	struct hlist_head *bucket = stash_bucket(space);
	struct xpmem_stash *oldest = NULL, *entry;
	unsigned int depth = 0;

	stash->task = current;
	stash->started = current->start_time;
	spin_lock(&space->lock);
	hlist_for_each_entry(entry, bucket, link)
		if (++depth == BUCKET_DEPTH)
			oldest = entry;
	if (oldest)
		hlist_del(&oldest->link);
	hlist_add_head(&stash->link, bucket);
	spin_unlock(&space->lock);
	xpmem_stash_free(oldest);
}

/**
 * xpmem_stash_take() - take out of a space what the caller's task has there
 * @space: the space
 * @source: the page that the task faults on
 *
 * Return: the stash for this page, for xpmem_stash_free(), or NULL. One for another page is freed.
 */
struct xpmem_stash *xpmem_stash_take(struct xpmem_space *space, unsigned long source)
{
	struct hlist_head *bucket = stash_bucket(space);
	struct xpmem_stash *found = NULL, *entry;

	/* Only this task adds its own. */
	if (hlist_empty(bucket))
		return NULL;
	spin_lock(&space->lock);
	hlist_for_each_entry(entry, bucket, link) {
		if (entry->task == current && entry->started == current->start_time) {
			hlist_del(&entry->link);
			found = entry;
			break;
		}
	}
	spin_unlock(&space->lock);
	if (found && found->source != source) {
		xpmem_stash_free(found);
		found = NULL;
	}
	return found;
}

/* Nothing refers to the space. */
void xpmem_stashes_destroy(struct xpmem_space *space)
{
	struct hlist_node *next;
	struct xpmem_stash *entry;
	int i;

	for (i = 0; i < ARRAY_SIZE(space->stashes); i++)
		hlist_for_each_entry_safe(entry, next, &space->stashes[i], link)
			xpmem_stash_free(entry);
}
