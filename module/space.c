// SPDX-License-Identifier: GPL-2.0-only
/* An address space that exports. */
#include <linux/hashtable.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "xpmem.h"

static DEFINE_HASHTABLE(spaces, 10);	/* by mm; spaces_lock */
static DEFINE_SPINLOCK(spaces_lock);

/* The mm is gone: its segments follow, unless close of their file comes first. */
static void space_exit_work(struct work_struct *work)
{
	struct xpmem_space *space = container_of(work, struct xpmem_space, exit_work);
	struct xpmem_segment *segment;

	for (;;) {
		spin_lock(&space->lock);
		segment = list_first_entry_or_null(&space->segments, struct xpmem_segment,
						   space_link);
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

static struct workqueue_struct *queues[XPMEM_QUEUE_COUNT];

/* For work that a notifier may not do, or that sleeps. It is done before the module goes. */
void xpmem_queue(enum xpmem_queue queue, struct work_struct *work)
{
	queue_work(queues[queue], work);
}

/*
 * The mm has ended, and nothing of it is mapped any more. Called by its notifier; also without a
 * reference, by unregistering that while the space is freed.
 */
void xpmem_space_end(struct xpmem_space *space)
{
	WRITE_ONCE(space->ended, true);
	xpmem_shards_close(space);
	if (refcount_inc_not_zero(&space->object.ref))
		xpmem_queue(XPMEM_QUEUE_EXIT, &space->exit_work);
}

/*
 * Runs without locks: removing a notifier waits for callbacks. Nothing refers to the space, so
 * nothing of it is mapped anywhere.
 */
static void space_free_work(struct work_struct *work)
{
	struct xpmem_space *space = container_of(work, struct xpmem_space, free_work);

	mmu_interval_notifier_remove(&space->veto_notifier);
	mmu_notifier_unregister(&space->notifier, space->mm);
	xpmem_stashes_destroy(space);
	xpmem_windows_destroy(space);
	xpmem_shards_destroy(space);
	mmdrop(space->mm);
	xpmem_owner_destroy(&space->owner);
	kfree(space);
}

static struct xpmem_space *space_find(struct mm_struct *mm)
{
	struct xpmem_space *space;

	lockdep_assert_held(&spaces_lock);
	hash_for_each_possible(spaces, space, link, (unsigned long)mm)
		if (space->mm == mm && refcount_inc_not_zero(&space->object.ref))
			return space;
	return NULL;
}

static int watch_invalidations(struct xpmem_space *space)
{
	int error;

	space->notifier.ops = &xpmem_invalidation_ops;
	error = xpmem_notifier_register(&space->notifier);
	if (error)
		return error;
	error = xpmem_interval_notifier_insert(&space->veto_notifier, &xpmem_invalidation_veto_ops);
	if (error)
		mmu_notifier_unregister(&space->notifier, space->mm);
	return error;
}

static struct xpmem_space *space_create(struct mm_struct *mm)
{
	struct xpmem_space *space;
	int error;

	space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);
	if (!space)
		return ERR_PTR(-ENOMEM);
	refcount_set(&space->object.ref, 1);
	INIT_WORK(&space->exit_work, space_exit_work);
	INIT_WORK(&space->free_work, space_free_work);
	mutex_init(&space->making_window);
	spin_lock_init(&space->lock);
	spin_lock_init(&space->active_lock);
	init_waitqueue_head(&space->quiet);
	INIT_LIST_HEAD(&space->segments);
	INIT_LIST_HEAD(&space->builders);
	INIT_LIST_HEAD(&space->deferrals);
	space->mm = mm;
	space->snapshot_notifier.mm = mm;
	mmgrab(mm);
	error = xpmem_registry_reserve(&xpmem_exporters, &space->object);
	if (error)
		goto free;
	error = watch_invalidations(space);
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
	space = space_find(mm);
	spin_unlock(&spaces_lock);
	if (space)
		return space;

	space = space_create(mm);
	if (IS_ERR(space))
		return space;
	spin_lock(&spaces_lock);
	raced = space_find(mm);
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
	xpmem_queue(XPMEM_QUEUE_FREE, &space->free_work);
}

static void destroy_queues(void)
{
	int i;

	for (i = 0; i < XPMEM_QUEUE_COUNT; i++)
		if (queues[i])
			destroy_workqueue(queues[i]);
}

/*
 * One for each kind of work, as that of one kind may wait for long and must not delay the others.
 */
int xpmem_space_init(void)
{
	queues[XPMEM_QUEUE_ZAP] = alloc_workqueue("xpmem-zap", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	queues[XPMEM_QUEUE_EXIT] = alloc_workqueue("xpmem-exit", WQ_UNBOUND, 0);
	queues[XPMEM_QUEUE_FREE] = alloc_workqueue("xpmem-free", WQ_UNBOUND, 0);
	if (queues[XPMEM_QUEUE_ZAP] && queues[XPMEM_QUEUE_EXIT] && queues[XPMEM_QUEUE_FREE])
		return 0;
	destroy_queues();
	return -ENOMEM;
}

/* Every client is closed and every VMA is gone: segments end no more after this. */
void xpmem_space_drain(void)
{
	flush_workqueue(queues[XPMEM_QUEUE_ZAP]);
	flush_workqueue(queues[XPMEM_QUEUE_EXIT]);
}

/*
 * After xpmem_space_drain(), and after the last reader of the registries: what is left is work that
 * was queued.
 */
void xpmem_space_exit(void)
{
	destroy_queues();
	mmu_notifier_synchronize();
	xpmem_shards_exit();
}
