// SPDX-License-Identifier: GPL-2.0-only
/* An open file of /dev/xpmem and what was made through it. */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "xpmem.h"

static bool ignore(struct mmu_interval_notifier *notifier, const struct mmu_notifier_range *range, unsigned long seq)
{
	return true;
}

/*
 * The first notifier of an mm takes the i_mmap and anon_vma locks of all that it maps, in the order of the
 * addresses. Those of an attachment may only be taken inside those of what it is attached to, which the same mm
 * may map as well: so it happens before anything is attached. It is not repeated for later notifiers of this kind.
 */
static int set_up_for_notifiers(struct mm_struct *mm)
{
	static const struct mmu_interval_notifier_ops ops = { .invalidate = ignore };
	struct mmu_interval_notifier notifier;
	int error;

	error = xpmem_attachments_inherited(mm);
	if (error)
		return error;
	error = mmu_interval_notifier_insert(&notifier, mm, 0, PAGE_SIZE, &ops);
	if (error)
		return error == -EINTR ? -ERESTARTNOINTR : error;
	mmu_interval_notifier_remove(&notifier);
	return 0;
}

/**
 * xpmem_client_create() - a client for the caller's mm
 *
 * Return: the client; or -EBUSY when the mm has attachments that it inherited, -ENOMEM, -EINTR or -ERESTARTNOINTR.
 */
struct xpmem_client *xpmem_client_create(void)
{
	static atomic_t opened;
	struct xpmem_client *client;
	int error;

	error = set_up_for_notifiers(current->mm);
	if (error)
		return ERR_PTR(error);
	client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);
	if (!client)
		return ERR_PTR(-ENOMEM);
	refcount_set(&client->ref, 1);
	client->shard = (unsigned int)atomic_inc_return(&opened) % XPMEM_SHARDS;
	spin_lock_init(&client->lock);
	INIT_LIST_HEAD(&client->segments);
	INIT_LIST_HEAD(&client->permits);
	client->mm = current->mm;
	mmgrab(client->mm);
	return client;
}

void xpmem_client_put(struct xpmem_client *client)
{
	if (!refcount_dec_and_test(&client->ref))
		return;
	mmdrop(client->mm);
	kfree(client);
}

static struct xpmem_segment *first_segment(struct xpmem_client *client)
{
	struct xpmem_segment *segment;

	spin_lock(&client->lock);
	segment = list_first_entry_or_null(&client->segments, struct xpmem_segment, client_link);
	if (segment)
		refcount_inc(&segment->object.ref);
	spin_unlock(&client->lock);
	return segment;
}

static struct xpmem_permit *first_permit(struct xpmem_client *client)
{
	struct xpmem_permit *permit;

	spin_lock(&client->lock);
	permit = list_first_entry_or_null(&client->permits, struct xpmem_permit, client_link);
	if (permit)
		refcount_inc(&permit->object.ref);
	spin_unlock(&client->lock);
	return permit;
}

/* Why the file was closed that an object of @owner belongs to; the caller does it. */
static enum xpmem_reason close_reason(const struct xpmem_client *client, const struct xpmem_owner *owner)
{
	bool own = task_tgid(current) == owner->pid;

	if (own && current->flags & PF_EXITING)
		return XPMEM_REASON_EXITED;
	if (own && current->mm != client->mm)
		return XPMEM_REASON_EXEC;
	return own || atomic_read(&client->mm->mm_users) ? XPMEM_REASON_CLOSED : xpmem_owner_end(owner);
}

/* The file is gone: so is all that was made through it. */
void xpmem_client_close(struct xpmem_client *client)
{
	struct xpmem_permit *permit;
	struct xpmem_segment *segment;

	while ((permit = first_permit(client))) {
		xpmem_permit_kill(permit, false, close_reason(client, &permit->owner));
		xpmem_permit_put(permit);
		cond_resched();
	}
	while ((segment = first_segment(client))) {
		xpmem_segment_kill(segment, close_reason(client, &segment->owner));
		xpmem_segment_put(segment);
		cond_resched();
	}
	xpmem_client_put(client);
}
