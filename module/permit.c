// SPDX-License-Identifier: GPL-2.0-only
/* The right of one process to attach a segment. */
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "compat/ipc_namespace.h"
#include "trace.h"
#include "xpmem.h"

/* As System V IPC does, with the bits that this machine honours. */
static bool mode_allows(const struct xpmem_segment *segment, u32 flags)
{
	unsigned int needed = flags & XPMEM_GET_RDWR ? 06 : 04;

	if (uid_eq(current_euid(), segment->owner.uid))
		needed <<= 6;
	else if (in_group_p(segment->owner.gid))
		needed <<= 3;
	if (!(needed & ~(segment->mode & READ_ONCE(xpmem_mode_mask))) ||
	    ns_capable(xpmem_ipc_ns_user_ns(segment->owner.ipc_ns), CAP_IPC_OWNER))
		return true;
	if (!(needed & ~segment->mode))
		pr_notice_once("xpmem: refused a permit that a segment's mode allows and the parameter mode_mask does not\n");
	return false;
}

/* The segment that @segid names to the caller, if the caller may have it: with a reference. */
static struct xpmem_segment *find_allowed(s64 segid, u32 flags)
{
	struct xpmem_segment *segment = xpmem_segment_find(segid);
	int error = -ENOENT;

	if (!segment)
		return ERR_PTR(error);
	if (xpmem_segment_gone(segment) || !xpmem_owner_same_scope(&segment->owner, xpmem_ipc_ns_current()))
		goto refuse;
	error = -EACCES;
	if (!mode_allows(segment, flags))
		goto refuse;
	return segment;

refuse:
	xpmem_segment_put(segment);
	return ERR_PTR(error);
}

/**
 * xpmem_permit_create() - make a permit for the caller
 * @client: who will own it
 * @segid: the segment, or zero when @flags has XPMEM_GET_FD
 * @fd: a descriptor that stands for the segment, or zero when @flags has not
 * @flags: XPMEM_GET_ flags, known to be valid bits
 *
 * Return: the permit, which has its id but cannot be found until it is published, or an error pointer.
 * xpmem_permit_put() undoes it.
 */
struct xpmem_permit *xpmem_permit_create(struct xpmem_client *client, s64 segid, int fd, u32 flags)
{
	struct xpmem_segment *segment;
	struct xpmem_permit *permit;
	int error;

	if (!(flags & XPMEM_GET_RDONLY) == !(flags & XPMEM_GET_RDWR))
		return ERR_PTR(-EINVAL);
	if (flags & XPMEM_GET_FD ? segid : fd)
		return ERR_PTR(-EINVAL);
	segment = flags & XPMEM_GET_FD ? xpmem_segment_from_fd(fd, flags) : find_allowed(segid, flags);
	if (IS_ERR(segment))
		return ERR_CAST(segment);
	error = -EACCES;
	if (segment->rdonly && flags & XPMEM_GET_RDWR)
		goto put_segment;

	error = -ENOMEM;
	permit = kzalloc(sizeof(*permit), GFP_KERNEL_ACCOUNT);
	if (!permit)
		goto put_segment;
	refcount_set(&permit->object.ref, 1);
	INIT_LIST_HEAD(&permit->client_link);
	mutex_init(&permit->attaching);
	spin_lock_init(&permit->lock);
	INIT_LIST_HEAD(&permit->attachments);
	permit->rdonly = flags & XPMEM_GET_RDONLY;
	error = xpmem_registry_reserve(&xpmem_permits, &permit->object);
	if (error)
		goto free;
	permit->segment = segment;
	atomic_inc(&segment->permits);
	permit->client = client;
	refcount_inc(&client->ref);
	xpmem_owner_init(&permit->owner);
	return permit;

free:
	kfree(permit);
put_segment:
	xpmem_segment_put(segment);
	return ERR_PTR(error);
}

/* Cannot fail. The creator's reference passes to the client. */
void xpmem_permit_publish(struct xpmem_permit *permit)
{
	struct xpmem_client *client = permit->client;

	spin_lock(&client->lock);
	list_add(&permit->client_link, &client->permits);
	spin_unlock(&client->lock);
	xpmem_event_created(XPMEM_PERMIT, &permit->object);
	xpmem_registry_publish(&xpmem_permits, &permit->object);
	trace_get(permit);
	pr_debug("permit %llx created\n", permit->object.id);
}

/* May be called with the mmap_lock of the attacher held. */
void xpmem_permit_put(struct xpmem_permit *permit)
{
	if (!refcount_dec_and_test(&permit->object.ref))
		return;
	if (!permit->dead) {
		xpmem_registry_cancel(&xpmem_permits, &permit->object);
		atomic_dec(&permit->segment->permits);
	}
	xpmem_owner_destroy(&permit->owner);
	xpmem_segment_put(permit->segment);
	xpmem_client_put(permit->client);
	pr_debug("permit %llx destroyed\n", permit->object.id);
	kfree(permit);
}

/* The permit with a reference for the caller, or NULL. */
struct xpmem_permit *xpmem_permit_find(s64 id)
{
	struct xpmem_object *object = xpmem_registry_find(&xpmem_permits, id);

	return object ? container_of(object, struct xpmem_permit, object) : NULL;
}

/* The caller's own permit with a reference, or -ENOENT or -EACCES. */
struct xpmem_permit *xpmem_permit_find_own(s64 id)
{
	struct xpmem_permit *permit = xpmem_permit_find(id);
	int error;

	if (!permit)
		return ERR_PTR(-ENOENT);
	if (permit->client->mm != current->mm) {
		error = xpmem_owner_refusal(&permit->owner);
		xpmem_permit_put(permit);
		return ERR_PTR(error);
	}
	return permit;
}

/*
 * Calls @visit for each attachment there is now. They wait in a list of our own meanwhile, which
 * xpmem_attachment_put() takes them from as well.
 */
static void for_each_attachment(struct xpmem_permit *permit, void (*visit)(struct xpmem_attachment *attachment))
{
	struct xpmem_attachment *attachment;
	LIST_HEAD(seen);

	if (list_empty_careful(&permit->attachments))
		return;
	spin_lock(&permit->lock);
	while ((attachment = list_first_entry_or_null(&permit->attachments, struct xpmem_attachment, permit_link))) {
		list_move_tail(&attachment->permit_link, &seen);
		if (!refcount_inc_not_zero(&attachment->object.ref))
			continue;
		spin_unlock(&permit->lock);
		visit(attachment);
		xpmem_attachment_put(attachment);
		cond_resched();
		spin_lock(&permit->lock);
	}
	list_splice(&seen, &permit->attachments);
	spin_unlock(&permit->lock);
}

static void unmap(struct xpmem_attachment *attachment)
{
	xpmem_attachment_unmap(attachment, attachment->address);
}

static void revoke(struct xpmem_attachment *attachment)
{
	xpmem_space_revoke(xpmem_attachment_space(attachment), attachment->source,
			   attachment->source + attachment->length);
}

/**
 * xpmem_permit_kill() - end a published permit
 * @permit: the caller holds a reference of its own
 * @detach: unmap what the caller's process has attached with it; the caller holds permit->attaching
 * @reason: what listeners are told
 *
 * When this returns no process reaches memory through it any more; what is still mapped raises SIGBUS.
 * Return: whether this call did it.
 */
bool xpmem_permit_kill(struct xpmem_permit *permit, bool detach, enum xpmem_reason reason)
{
	struct xpmem_client *client = permit->client;

	if (detach)
		lockdep_assert_held(&permit->attaching);
	if (!xpmem_registry_withdraw(&xpmem_permits, &permit->object))
		return false;
	/* Whoever attaches now is in the list of attachments and dealt with below, or sees this and gives up. */
	spin_lock(&permit->lock);
	WRITE_ONCE(permit->dead, true);
	spin_unlock(&permit->lock);
	spin_lock(&client->lock);
	list_del(&permit->client_link);
	spin_unlock(&client->lock);
	atomic_dec(&permit->segment->permits);
	if (detach)
		for_each_attachment(permit, unmap);
	for_each_attachment(permit, revoke);
	xpmem_dmabuf_revoke(permit->segment, permit);
	trace_release(permit);
	xpmem_event_gone(XPMEM_PERMIT, &permit->object, reason);
	xpmem_permit_put(permit);
	return true;
}

/* Return: 0, -ENOENT, -EACCES or -EINTR. */
int xpmem_permit_release(s64 id)
{
	struct xpmem_permit *permit = xpmem_permit_find_own(id);
	int error = 0;

	if (IS_ERR(permit))
		return PTR_ERR(permit);
	if (mutex_lock_killable(&permit->attaching)) {
		/* Not amid another thread's attach, which maps over what this would unmap. */
		error = -EINTR;
	} else {
		if (!xpmem_permit_kill(permit, true, XPMEM_REASON_REMOVED))
			error = -ENOENT;
		mutex_unlock(&permit->attaching);
	}
	xpmem_permit_put(permit);
	return error;
}
