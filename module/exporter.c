// SPDX-License-Identifier: GPL-2.0-only
/* An address space that exports memory. */
#include <linux/hashtable.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "change.h"
#include "notifier.h"
#include "retry.h"
#include "xpmem.h"

static DEFINE_HASHTABLE(exporters, 10);	/* by mm; exporters_lock */
static DEFINE_SPINLOCK(exporters_lock);

/*
 * Takes the first client off the list, and returns it with a reference, or NULL. A client that is
 * listed is not closed, so its file holds a reference.
 */
static struct xpmem_client *take_client(struct xpmem_exporter *exporter)
{
	struct xpmem_client *client;

	spin_lock(&exporter->lock);
	client = list_first_entry_or_null(&exporter->clients, struct xpmem_client, exporter_link);
	if (client) {
		list_del_init(&client->exporter_link);
		refcount_inc(&client->ref);
	}
	spin_unlock(&exporter->lock);
	return client;
}

/*
 * Ends the segments of an mm that ended, unless close() of their file does it first. Another
 * process may keep the file open, so the clients give their references up.
 */
static void exporter_exit_work(struct work_struct *work)
{
	struct xpmem_exporter *exporter = container_of(work, struct xpmem_exporter, exit_work);
	struct xpmem_client *client;

	while ((client = take_client(exporter))) {
		xpmem_client_end_segments(client);
		xpmem_exporter_drop(client);
		xpmem_client_drop_owner(client);
		xpmem_client_put(client);
	}
	xpmem_exporter_put(exporter);
}

/*
 * The mm has ended, and no attachment maps any of it. The mm's notifier calls this. So does
 * mmu_notifier_unregister() while the exporter is freed, when it has no reference left. Only the
 * first call counts, because exit_work drops one reference only.
 */
void xpmem_exporter_end(struct xpmem_exporter *exporter)
{
	if (atomic_xchg(&exporter->ended, true))
		return;
	xpmem_groups_close(exporter);
	if (refcount_inc_not_zero(&exporter->object.ref))
		xpmem_queue(XPMEM_QUEUE_EXIT, &exporter->exit_work);
}

/*
 * Runs without locks, because removing a notifier waits for its callbacks. The exporter has no
 * reference left, so no attachment maps any of it.
 */
static void exporter_free_work(struct work_struct *work)
{
	struct xpmem_exporter *exporter = container_of(work, struct xpmem_exporter, free_work);

	mmu_interval_notifier_remove(&exporter->veto_notifier);
	mmu_notifier_unregister(&exporter->notifier, exporter->mm);
	xpmem_retries_destroy(exporter);
	xpmem_windows_destroy(exporter);
	xpmem_groups_destroy(exporter);
	mmdrop(exporter->mm);
	xpmem_owner_put(exporter->object.owner);
	kfree(exporter);
}

static struct xpmem_exporter *exporter_find(struct mm_struct *mm)
{
	struct xpmem_exporter *exporter;

	lockdep_assert_held(&exporters_lock);
	hash_for_each_possible(exporters, exporter, link, (unsigned long)mm)
		if (exporter->mm == mm && refcount_inc_not_zero(&exporter->object.ref))
			return exporter;
	return NULL;
}

/*
 * Invalidations in progress delay the veto. Registering the ordinary notifier waits for them, so
 * the veto is in place before a fault maps anything.
 */
static int watch_invalidations(struct xpmem_exporter *exporter)
{
	int error;

	error = xpmem_interval_notifier_insert(&exporter->veto_notifier,
					       &xpmem_invalidation_veto_ops);
	if (error)
		return error;
	exporter->notifier.ops = &xpmem_invalidation_ops;
	error = xpmem_notifier_register(&exporter->notifier);
	if (error)
		mmu_interval_notifier_remove(&exporter->veto_notifier);
	return error;
}

static struct xpmem_exporter *exporter_create(struct xpmem_client *client)
{
	struct mm_struct *mm = client->mm;
	struct xpmem_exporter *exporter;
	int error;

	exporter = kzalloc(sizeof(*exporter), GFP_KERNEL_ACCOUNT);
	if (!exporter)
		return ERR_PTR(-ENOMEM);
	INIT_WORK(&exporter->exit_work, exporter_exit_work);
	INIT_WORK(&exporter->free_work, exporter_free_work);
	mutex_init(&exporter->making_window);
	spin_lock_init(&exporter->lock);
	spin_lock_init(&exporter->active_lock);
	init_waitqueue_head(&exporter->quiet);
	INIT_LIST_HEAD(&exporter->clients);
	INIT_LIST_HEAD(&exporter->builders);
	INIT_LIST_HEAD(&exporter->deferrals);
	refcount_set(&exporter->object.ref, 1);
	exporter->mm = mm;
	exporter->snapshot_notifier.mm = mm;
	mmgrab(mm);
	error = xpmem_registry_reserve(&xpmem_exporters, &exporter->object, client);
	if (error)
		goto free;
	error = watch_invalidations(exporter);
	if (error)
		goto cancel;
	return exporter;

cancel:
	xpmem_registry_cancel(&xpmem_exporters, &exporter->object);
	xpmem_owner_put(exporter->object.owner);
free:
	mmdrop(mm);
	kfree(exporter);
	return ERR_PTR(error);
}

/* Returns the exporter of the caller's mm, which it creates if there is none, with a reference. */
static struct xpmem_exporter *exporter_find_or_create(struct xpmem_client *client)
{
	struct xpmem_exporter *exporter, *raced;
	struct mm_struct *mm = client->mm;

	spin_lock(&exporters_lock);
	exporter = exporter_find(mm);
	spin_unlock(&exporters_lock);
	if (exporter)
		return exporter;

	exporter = exporter_create(client);
	if (IS_ERR(exporter))
		return exporter;
	spin_lock(&exporters_lock);
	raced = exporter_find(mm);
	if (!raced)
		hash_add(exporters, &exporter->link, (unsigned long)mm);
	spin_unlock(&exporters_lock);
	if (raced) {
		xpmem_exporter_put(exporter);
		return raced;
	}
	exporter->published = true;
	xpmem_registry_publish(&xpmem_exporters, &exporter->object);
	return exporter;
}

/**
 * xpmem_exporter_get() - get the exporter of the caller's mm, or create it
 * @client: the caller's own, which keeps the exporter; the caller does not hold the mmap_lock
 *
 * Return: the exporter with a reference for the caller, or an error pointer.
 */
struct xpmem_exporter *xpmem_exporter_get(struct xpmem_client *client)
{
	/* The caller has the file open and runs in its mm, so the client drops nothing now. */
	struct xpmem_exporter *exporter = READ_ONCE(client->exporter);

	might_lock(&client->mm->mmap_lock);
	if (exporter) {
		refcount_inc(&exporter->object.ref);
		return exporter;
	}
	exporter = exporter_find_or_create(client);
	if (IS_ERR(exporter))
		return exporter;
	/* All exporters that clients of one mm keep at one time are the same. */
	spin_lock(&exporter->lock);
	if (!client->exporter) {
		refcount_inc(&exporter->object.ref);
		list_add(&client->exporter_link, &exporter->clients);
		/* Lockless readers of the pointer must see a complete exporter. */
		smp_store_release(&client->exporter, exporter);
	}
	spin_unlock(&exporter->lock);
	return exporter;
}

/*
 * Drops a client's reference to its exporter, because the client closes or the address space has
 * ended. Both may happen at once.
 */
void xpmem_exporter_drop(struct xpmem_client *client)
{
	struct xpmem_exporter *exporter = xchg(&client->exporter, NULL);

	if (!exporter)
		return;
	spin_lock(&exporter->lock);
	list_del_init(&client->exporter_link);
	spin_unlock(&exporter->lock);
	xpmem_exporter_put(exporter);
}

/* The caller may hold the mmap_lock of an attacher. */
void xpmem_exporter_put(struct xpmem_exporter *exporter)
{
	if (!refcount_dec_and_test(&exporter->object.ref))
		return;
	if (exporter->published)
		xpmem_registry_withdraw(&xpmem_exporters, &exporter->object);
	else
		xpmem_registry_cancel(&xpmem_exporters, &exporter->object);
	spin_lock(&exporters_lock);
	hash_del(&exporter->link);
	spin_unlock(&exporters_lock);
	xpmem_groups_close(exporter);
	xpmem_queue(XPMEM_QUEUE_FREE, &exporter->free_work);
}

/* Follows xpmem_queues_exit(). Only RCU callbacks of notifiers are left. */
void xpmem_exporter_exit(void)
{
	mmu_notifier_synchronize();
	xpmem_groups_exit();
}
