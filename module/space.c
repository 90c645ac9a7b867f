// SPDX-License-Identifier: GPL-2.0-only
/* An address space that exports. */
#include <linux/hash.h>
#include <linux/hashtable.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "xpmem.h"

static DEFINE_HASHTABLE(spaces, 10);	/* by mm; spaces_lock */
static DEFINE_SPINLOCK(spaces_lock);
static struct workqueue_struct *workqueue;

/* The mm is gone: its segments follow, unless close of their file comes first. */
static void exit_work(struct work_struct *work)
{
	struct xpmem_space *space = container_of(work, struct xpmem_space, exit_work);
	struct xpmem_segment *segment;

	for (;;) {
		spin_lock(&space->lock);
		segment = list_first_entry_or_null(&space->segments, struct xpmem_segment, space_link);
		if (segment)
			refcount_inc(&segment->object.ref);
		spin_unlock(&space->lock);
		if (!segment)
			break;
		xpmem_segment_kill(segment, xpmem_owner_end(&segment->owner));
		xpmem_segment_put(segment);
		cond_resched();
	}
	xpmem_space_put(space);
}

/*
 * Watches a page that nothing is ever mapped at, for the end of the mm alone. Until the windows'
 * own callbacks return, which follow, no page of the mm is freed.
 */
static bool exit_invalidate(struct mmu_interval_notifier *notifier, const struct mmu_notifier_range *range,
			    unsigned long seq)
{
	struct xpmem_space *space = container_of(notifier, struct xpmem_space, exit_notifier);

	if (range->event == MMU_NOTIFY_RELEASE && refcount_inc_not_zero(&space->object.ref))
		queue_work(workqueue, &space->exit_work);
	return true;
}

static const struct mmu_interval_notifier_ops exit_ops = { .invalidate = exit_invalidate };

/*
 * Runs without locks: removing a notifier waits for callbacks. No one refers to the space, so
 * nothing of it is mapped anywhere.
 */
static void free_work(struct work_struct *work)
{
	struct xpmem_space *space = container_of(work, struct xpmem_space, free_work);

	mmu_interval_notifier_remove(&space->exit_notifier);
	xpmem_windows_destroy(space);
	xpmem_shards_destroy(space);
	mmdrop(space->mm);
	xpmem_owner_destroy(&space->owner);
	kfree(space);
}

static struct xpmem_space *find(struct mm_struct *mm)
{
	struct xpmem_space *space;

	lockdep_assert_held(&spaces_lock);
	hash_for_each_possible(spaces, space, link, (unsigned long)mm)
		if (space->mm == mm && refcount_inc_not_zero(&space->object.ref))
			return space;
	return NULL;
}

static struct xpmem_space *create(struct mm_struct *mm)
{
	struct xpmem_space *space;
	int error;

	space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);
	if (!space)
		return ERR_PTR(-ENOMEM);
	refcount_set(&space->object.ref, 1);
	INIT_WORK(&space->exit_work, exit_work);
	INIT_WORK(&space->free_work, free_work);
	mutex_init(&space->making_window);
	spin_lock_init(&space->lock);
	INIT_LIST_HEAD(&space->segments);
	INIT_LIST_HEAD(&space->builders);
	space->mm = mm;
	mmgrab(mm);
	error = xpmem_registry_reserve(&xpmem_exporters, &space->object);
	if (error)
		goto free;
	error = mmu_interval_notifier_insert(&space->exit_notifier, mm, 0, PAGE_SIZE, &exit_ops);
	if (error)
		goto cancel;
	xpmem_owner_init(&space->owner);
	return space;

cancel:
	xpmem_registry_cancel(&xpmem_exporters, &space->object);
free:
	mmdrop(mm);
	kfree(space);
	return ERR_PTR(error);
}

/**
 * xpmem_space_get() - the space of an mm
 * @mm: the caller's own, its mmap_lock not held
 *
 * Return: the space with a reference for the caller, or an error pointer.
 */
struct xpmem_space *xpmem_space_get(struct mm_struct *mm)
{
	struct xpmem_space *space, *raced;

	spin_lock(&spaces_lock);
	space = find(mm);
	spin_unlock(&spaces_lock);
	if (space)
		return space;

	space = create(mm);
	if (IS_ERR(space))
		return space;
	spin_lock(&spaces_lock);
	raced = find(mm);
	if (!raced)
		hash_add(spaces, &space->link, (unsigned long)mm);
	spin_unlock(&spaces_lock);
	if (raced) {
		xpmem_space_put(space);
		return raced;
	}
	space->published = true;
	xpmem_registry_publish(&xpmem_exporters, &space->object);
	return space;
}

/* May be called with the mmap_lock of an attacher held. */
void xpmem_space_put(struct xpmem_space *space)
{
	if (!refcount_dec_and_test(&space->object.ref))
		return;
	if (space->published)
		xpmem_registry_withdraw(&xpmem_exporters, &space->object);
	else
		xpmem_registry_cancel(&xpmem_exporters, &space->object);
	spin_lock(&spaces_lock);
	hash_del(&space->link);
	spin_unlock(&spaces_lock);
	xpmem_shards_close(space);
	queue_work(workqueue, &space->free_work);
}

/**
 * xpmem_space_revoke() - take a range away from all attachments
 * @space: the space
 * @start: first source address
 * @end: end of the range
 *
 * The caller has marked a segment or permit dead. When this returns, no fault that did
 * not see the mark can still insert, and nothing in the range is mapped but what the living have
 * touched again, and nobody waits there through what is dead.
 */
void xpmem_space_revoke(struct xpmem_space *space, unsigned long start, unsigned long end)
{
	xpmem_shards_zap(space, xpmem_windows_revoke(space, start, end), start, end);
	xpmem_wait_revoke(space, start, end);
}

static struct xpmem_stash *stash_slot(struct xpmem_space *space)
{
	BUILD_BUG_ON_NOT_POWER_OF_2(XPMEM_STASH_SLOTS);
	return &space->stash[hash_ptr(current, ilog2(XPMEM_STASH_SLOTS))];
}

/* Whoever else used the slot repeats its work. */
void xpmem_stash_put(struct xpmem_space *space, const struct xpmem_stash *stash)
{
	spin_lock(&space->lock);
	*stash_slot(space) = *stash;
	stash_slot(space)->task = current;
	spin_unlock(&space->lock);
}

/* What the caller's task put there for @source, at most once. */
bool xpmem_stash_take(struct xpmem_space *space, unsigned long source, struct xpmem_stash *stash)
{
	struct xpmem_stash *slot = stash_slot(space);
	bool found = false;

	spin_lock(&space->lock);
	if (slot->task == current) {
		found = slot->source == source;
		*stash = *slot;
		slot->task = NULL;
	}
	spin_unlock(&space->lock);
	return found;
}

int xpmem_space_init(void)
{
	workqueue = alloc_workqueue("xpmem", WQ_UNBOUND, 0);
	return workqueue ? 0 : -ENOMEM;
}

/* Every client is closed and every VMA is gone: segments end no more after this. */
void xpmem_space_drain(void)
{
	flush_workqueue(workqueue);
}

/* After xpmem_space_drain(), and after the last reader of the registries: what is left is work that was queued. */
void xpmem_space_exit(void)
{
	destroy_workqueue(workqueue);
	mmu_notifier_synchronize();
	xpmem_shards_exit();
}
