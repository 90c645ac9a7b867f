// SPDX-License-Identifier: GPL-2.0-only
/* An open file of /dev/xpmem. It owns the segments and permits that were created through it. */
#include <linux/delay.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "notifier.h"
#include "xpmem.h"

static struct xpmem_permit *first_permit(struct xpmem_client *client)
{
	struct xpmem_permit *permit;

	spin_lock(&client->lock);
	permit = hlist_entry_safe(client->permits.first, struct xpmem_permit, client_link);
	if (permit)
		refcount_inc(&permit->object.ref);
	spin_unlock(&client->lock);
	return permit;
}

/*
 * No task creates objects through the client any more: the mm has ended, or the client has no
 * reference left. The owner would pin its namespaces.
 */
void xpmem_client_drop_owner(struct xpmem_client *client)
{
	struct xpmem_owner *owner = xchg(&client->owner, NULL);

	if (owner)
		xpmem_owner_put(owner);
}

/*
 * Ends the permits of a client whose mm ended; another process may keep the file open. The exporter
 * ends the segments.
 */
static void client_exit_work(struct work_struct *work)
{
	struct xpmem_client *client = container_of(work, struct xpmem_client, exit_work);
	struct xpmem_permit *permit;

	while ((permit = first_permit(client))) {
		xpmem_permit_kill(permit, false, xpmem_owner_end(permit->object.owner));
		xpmem_permit_put(permit);
		cond_resched();
	}
	xpmem_client_drop_owner(client);
	xpmem_client_put(client);
}

/* The clients of one mm whose permits end with it. */
struct xpmem_watch {
	struct mmu_notifier notifier;
	spinlock_t lock;
	struct list_head clients;	/* lock */
};

static struct mmu_notifier *watch_alloc(struct mm_struct *mm)
{
	struct xpmem_watch *watch = kzalloc(sizeof(*watch), GFP_KERNEL_ACCOUNT);

	if (!watch)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&watch->lock);
	INIT_LIST_HEAD(&watch->clients);
	return &watch->notifier;
}

static void watch_free(struct mmu_notifier *notifier)
{
	kfree(container_of(notifier, struct xpmem_watch, notifier));
}

static void watch_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct xpmem_watch *watch = container_of(notifier, struct xpmem_watch, notifier);
	struct xpmem_client *client;

	spin_lock(&watch->lock);
	list_for_each_entry(client, &watch->clients, watch_link)
		if (refcount_inc_not_zero(&client->ref))
			xpmem_queue(XPMEM_QUEUE_EXIT, &client->exit_work);
	spin_unlock(&watch->lock);
}

static const struct mmu_notifier_ops watch_ops = {
	.release = watch_release,
	.alloc_notifier = watch_alloc,
	.free_notifier = watch_free,
};

/* May be called with the mmap_lock of an attacher held. */
static void client_free(struct xpmem_client *client)
{
	if (client->watch) {
		spin_lock(&client->watch->lock);
		list_del(&client->watch_link);
		spin_unlock(&client->watch->lock);
		mmu_notifier_put(&client->watch->notifier);
	}
	xpmem_client_drop_owner(client);
	xpmem_segment_free_spare(client);
	xpmem_permit_free_spare(client);
	mmdrop(client->mm);
	kfree(client);
}

/**
 * xpmem_client_create() - create a client for the caller's mm
 *
 * Return: the client, or -ENOMEM.
 */
struct xpmem_client *xpmem_client_create(void)
{
	static atomic_t opened;
	struct xpmem_client *client;

	client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);
	if (!client)
		return ERR_PTR(-ENOMEM);
	refcount_set(&client->ref, 1);
	client->group = (unsigned int)atomic_inc_return(&opened) % XPMEM_GROUPS;
	mutex_init(&client->watching);
	INIT_WORK(&client->exit_work, client_exit_work);
	spin_lock_init(&client->lock);
	INIT_LIST_HEAD(&client->exporter_link);
	client->mm = current->mm;
	mmgrab(client->mm);
	return client;
}

/**
 * xpmem_client_watch() - have the client's permits end with its mm
 * @client: the caller's own; the caller holds no mmap_lock
 *
 * Return: 0, -ENOMEM, -EINTR or -ERESTARTNOINTR.
 */
int xpmem_client_watch(struct xpmem_client *client)
{
	struct mmu_notifier *notifier;
	struct xpmem_watch *watch;
	int error = 0;

	might_lock(&client->mm->mmap_lock);
	if (READ_ONCE(client->watch))
		return 0;
	if (mutex_lock_killable(&client->watching))
		return -EINTR;
	if (client->watch)
		goto unlock;
	notifier = xpmem_notifier_get(&watch_ops);
	if (IS_ERR(notifier)) {
		error = PTR_ERR(notifier);
		goto unlock;
	}
	watch = container_of(notifier, struct xpmem_watch, notifier);
	spin_lock(&watch->lock);
	list_add(&client->watch_link, &watch->clients);
	spin_unlock(&watch->lock);
	WRITE_ONCE(client->watch, watch);
unlock:
	mutex_unlock(&client->watching);
	return error;
}

/* May be called with the mmap_lock of an attacher held. */
void xpmem_client_put(struct xpmem_client *client)
{
	if (!refcount_dec_and_test(&client->ref))
		return;
	client_free(client);
}

static struct xpmem_segment *first_segment(struct xpmem_client *client)
{
	struct xpmem_segment *segment;

	spin_lock(&client->lock);
	segment = hlist_entry_safe(client->segments.first, struct xpmem_segment, client_link);
	if (segment)
		refcount_inc(&segment->object.ref);
	spin_unlock(&client->lock);
	return segment;
}

/* Ends the segments of a client whose mm ended. */
void xpmem_client_end_segments(struct xpmem_client *client)
{
	struct xpmem_segment *segment;

	while ((segment = first_segment(client))) {
		xpmem_segment_kill(segment, xpmem_owner_end(segment->object.owner));
		xpmem_segment_put(segment);
		cond_resched();
	}
}

/**
 * xpmem_client_close_reason() - tell why the caller closes a file
 * @client: the client of the file
 * @owner: of an object of the client
 *
 * Return: the reason for listeners to events.
 */
enum xpmem_reason xpmem_client_close_reason(const struct xpmem_client *client,
					    const struct xpmem_owner *owner)
{
	bool own = task_tgid(current) == owner->pid;

	if (own && current->flags & PF_EXITING)
		return XPMEM_REASON_EXITED;
	if (own && current->mm != client->mm)
		return XPMEM_REASON_EXEC;
	return own || atomic_read(&client->mm->mm_users) ? XPMEM_REASON_CLOSED
							 : xpmem_owner_end(owner);
}

/**
 * xpmem_client_set_close_word() - name the word that xpmem_client_flush() clears
 * @client: the caller's own
 * @vaddr: address of the word, or zero for none
 *
 * Clears the word at once if a descriptor was closed since the last call, because the close may
 * have come before the word was known.
 *
 * Return: 0, -EINVAL or -EFAULT.
 */
int xpmem_client_set_close_word(struct xpmem_client *client, u64 vaddr)
{
	u32 __user *word = u64_to_user_ptr(vaddr);

	if (!IS_ALIGNED(vaddr, sizeof(*word)))
		return -EINVAL;
	if (vaddr >= TASK_SIZE)
		return -EFAULT;
	WRITE_ONCE(client->close_word, word);
	/* xchg() is a full barrier, which pairs with the one in xpmem_client_flush(). */
	return xchg(&client->closed, false) && word ? put_user(0, word) : 0;
}

/*
 * A descriptor of the file was closed. If the client's own process did that, tells it so. A task
 * that exits has no mm any more, and a task that calls exec has another one already.
 */
void xpmem_client_flush(struct xpmem_client *client)
{
	u32 __user *word;

	if (client->mm != current->mm)
		return;
	WRITE_ONCE(client->closed, true);
	/*
	 * The number of the descriptor is free by now. A task that sets close_word sets it before
	 * this task reads it, or sees closed set. A task that writes the word itself, and then
	 * finds the number in use, wrote the word before this task clears it.
	 */
	smp_mb();
	word = READ_ONCE(client->close_word);
	/* This fails only if the process unmapped the word, or is about to be killed. */
	if (word)
		put_user(0, word);
}

/* Lets other tasks end an object. Waits for them do not sleep once the caller is killed. */
static void let_others_end(void)
{
	if (fatal_signal_pending(current))
		usleep_range(500, 1000);
	else
		cond_resched();
}

/* Ends all permits and segments of a file that is closed. */
void xpmem_client_close(struct xpmem_client *client)
{
	struct xpmem_permit *permit;
	struct xpmem_segment *segment;

	xpmem_permits_close(client);
	/* Other tasks end those that are left. */
	while ((permit = first_permit(client))) {
		xpmem_permit_kill(permit, false, XPMEM_REASON_CLOSED);
		xpmem_permit_put(permit);
		let_others_end();
	}
	xpmem_segments_close(client);
	while ((segment = first_segment(client))) {
		xpmem_segment_kill(segment, XPMEM_REASON_CLOSED);
		xpmem_segment_put(segment);
		let_others_end();
	}
	xpmem_exporter_drop(client);
	xpmem_client_put(client);
}
