// SPDX-License-Identifier: GPL-2.0-only
/* The right of one process to attach a segment. */
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "compat/ipc_namespace.h"
#include "dmabuf.h"
#include "race.h"
#include "spare.h"
#include "trace.h"
#include "wait.h"
#include "xpmem.h"

static struct kmem_cache *permit_cache;

/* Programs often export with mode 0666, so the administrator decides about other users. */
unsigned short xpmem_mode_mask = 0700;

static int set_mode_mask(const char *value, const struct kernel_param *param)
{
	unsigned short mask;
	int error = kstrtou16(value, 8, &mask);

	if (error)
		return error;
	if (mask & ~0777)
		return -EINVAL;
	WRITE_ONCE(xpmem_mode_mask, mask);
	return 0;
}

static int get_mode_mask(char *buffer, const struct kernel_param *param)
{
	return scnprintf(buffer, PAGE_SIZE, "0%03o\n", READ_ONCE(xpmem_mode_mask));
}

static const struct kernel_param_ops mode_mask_ops = { .set = set_mode_mask, .get = get_mode_mask };
module_param_cb(mode_mask, &mode_mask_ops, NULL, 0644);
MODULE_PARM_DESC(mode_mask,
		 "Permission bits of segments that are honoured, octal (default: 0700, the same user only)");

/*
 * Sets the fields that have the same state again when the permit is freed. xpmem_permit_create()
 * sets all others: the kernel does not clear objects of a cache that has a constructor.
 */
static void permit_construct(void *memory)
{
	struct xpmem_permit *permit = memory;

	mutex_init(&permit->attaching);
	init_rwsem(&permit->inserting);
	spin_lock_init(&permit->lock);
	INIT_HLIST_HEAD(&permit->attachments);
}

int xpmem_permit_init(void)
{
	permit_cache = kmem_cache_create("xpmem_permit", sizeof(struct xpmem_permit), 0,
					 SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, permit_construct);
	return permit_cache ? 0 : -ENOMEM;
}

void xpmem_permit_exit(void)
{
	kmem_cache_destroy(permit_cache);
}

void xpmem_permit_free_spare(struct xpmem_client *client)
{
	xpmem_spare_free(permit_cache, client->spare_permit);
}

/* Reports a result of xpmem_owner_denial() to administrators: a counter, an event, the log. */
static int permit_refuse(const struct xpmem_segment *segment, enum xpmem_denial denial)
{
	static const char *const texts[] = {
		[XPMEM_DENIAL_IDS] = "its real, effective and saved ids are not all the caller's",
		[XPMEM_DENIAL_CAPABILITIES] = "it has capabilities that the caller lacks",
		[XPMEM_DENIAL_DUMPABLE] = "it is not dumpable",
		[XPMEM_DENIAL_GONE] = "it has ended, and another process keeps its memory",
	};

	xpmem_stat_add_refusal(XPMEM_STAT_PTRACE_DENIALS);
	xpmem_event_refused(segment, denial);
	if (xpmem_report_allowed(XPMEM_REPORT_DENIAL_LOG))
		pr_notice(
			"xpmem: uid %u, pid %d may not attach memory of pid %d: %s; the exporter can allow it with XPMEM_MAKE_NO_PTRACE_CHECK or a segment descriptor, the administrator with CAP_SYS_PTRACE\n",
			from_kuid_munged(&init_user_ns, current_euid()), task_tgid_nr(current),
			pid_nr(segment->object.owner->pid), texts[denial]);
	return -EACCES;
}

/* Tells administrators that the machine refuses what the exporter's mode allows. */
static void report_mask(const struct xpmem_segment *segment, unsigned int mask,
			unsigned int needed)
{
	unsigned int wider = needed & 0700 ? 0700 : needed & 0070 ? 0070 : 0077;

	if (xpmem_report_allowed(XPMEM_REPORT_DENIAL_LOG))
		pr_notice(
			"xpmem: uid %u, pid %d may not attach memory of uid %u, pid %d: mode_mask %04o forbids what the mode %04o allows; the exporter can allow it with a segment descriptor, the administrator with mode_mask %04o\n",
			from_kuid_munged(&init_user_ns, current_euid()), task_tgid_nr(current),
			from_kuid_munged(&init_user_ns, segment->object.owner->uid),
			pid_nr(segment->object.owner->pid), mask, segment->mode, mask | wider);
}

/*
 * Does the check that ptrace does, with capabilities over the user namespace of the exporter's
 * exec, whichever namespaces the exporter has joined since.
 */
static int check_ptrace(const struct xpmem_segment *segment, bool any_user)
{
	enum xpmem_denial denial;

	if (segment->no_ptrace_check || segment->exporter->mm == current->mm)
		return 0;
	denial = xpmem_owner_denial(segment->object.owner, segment->exporter->mm, current_cred(),
				    any_user);
	if (!denial || ns_capable(segment->object.owner->user_ns, CAP_SYS_PTRACE))
		return 0;
	/* The segment ends with its address space, which may have ended meanwhile. */
	if (xpmem_segment_gone(segment))
		return -ENOENT;
	return permit_refuse(segment, denial);
}

/*
 * Checks the mode as System V IPC does, with the bits that this machine honours, and then does the
 * ptrace check.
 */
static int check_access(const struct xpmem_segment *segment, u32 flags)
{
	unsigned int needed = flags & XPMEM_GET_RDWR ? 06 : 04, mask = READ_ONCE(xpmem_mode_mask);
	bool any_user = false;

	if (uid_eq(current_euid(), segment->object.owner->uid)) {
		needed <<= 6;
	} else {
		/* The mode admits processes whose ids differ from the exporter's. */
		any_user = true;
		if (in_group_p(segment->object.owner->gid))
			needed <<= 3;
	}
	if (needed & ~(segment->mode & mask)) {
		any_user = false;
		if (!ns_capable(segment->object.owner->user_ns, CAP_IPC_OWNER)) {
			if (!(needed & ~segment->mode))
				report_mask(segment, mask, needed);
			return -EACCES;
		}
	}
	return check_ptrace(segment, any_user);
}

/* Returns the segment that @segid names to the caller, with a reference, or -ENOENT or -EACCES. */
static struct xpmem_segment *find_allowed(s64 segid, u32 flags)
{
	struct xpmem_segment *segment = xpmem_segment_find(segid);
	int error = -ENOENT;

	if (!segment)
		return ERR_PTR(error);
	if (!xpmem_segment_gone(segment) &&
	    xpmem_owner_same_scope(segment->object.owner, xpmem_ipc_ns_current()))
		error = check_access(segment, flags);
	if (!error)
		return segment;
	xpmem_segment_put(segment);
	return ERR_PTR(error);
}

/**
 * xpmem_permit_create() - create a permit for the caller
 * @client: the owner of the permit
 * @segid: the segment, or zero if @flags has XPMEM_GET_FD
 * @fd: a descriptor of the segment if @flags has XPMEM_GET_FD, else zero
 * @flags: XPMEM_GET_ flags, known to be valid bits
 *
 * Return: the permit, which has its id but is not found until it is published, or an error
 * pointer. xpmem_permit_put() undoes it.
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
	error = xpmem_client_watch(client);
	if (error)
		return ERR_PTR(error);
	segment = flags & XPMEM_GET_FD ? xpmem_segment_from_fd(fd, flags)
				       : find_allowed(segid, flags);
	if (IS_ERR(segment))
		return ERR_CAST(segment);
	error = -EACCES;
	if (segment->rdonly && flags & XPMEM_GET_RDWR)
		goto put_segment;

	error = -ENOMEM;
	permit = xpmem_spare_alloc(permit_cache, &client->spare_permit);
	if (!permit)
		goto put_segment;
	refcount_set(&permit->object.ref, 1);
	permit->rdonly = flags & XPMEM_GET_RDONLY;
	permit->dead = false;
	permit->ended = false;
	atomic_set(&permit->attachment_count, 0);
	atomic_set(&permit->dmabuf_count, 0);
	atomic_long_set(&permit->dmabuf_pages, 0);
	error = xpmem_registry_reserve(&xpmem_permits, &permit->object, client);
	if (error)
		goto free;
	permit->segment = segment;
	atomic_inc(&segment->permits);
	permit->client = client;
	refcount_inc(&client->ref);
	spin_lock(&segment->lock);
	hlist_add_head(&permit->segment_link, &segment->permit_list);
	spin_unlock(&segment->lock);
	return permit;

free:
	xpmem_spare_keep(permit_cache, &client->spare_permit, permit);
put_segment:
	xpmem_segment_put(segment);
	return ERR_PTR(error);
}

/*
 * Cannot fail. The client takes over the creator's reference. Once the registry knows the permit,
 * another thread may release it, so the function does not touch it afterwards.
 */
void xpmem_permit_publish(struct xpmem_permit *permit)
{
	struct xpmem_client *client = permit->client;

	spin_lock(&client->lock);
	hlist_add_head(&permit->client_link, &client->permits);
	spin_unlock(&client->lock);
	xpmem_event_created(XPMEM_PERMIT, &permit->object);
	trace_get(permit);
	pr_debug("permit %llx created\n", permit->object.id);
	xpmem_registry_publish(&xpmem_permits, &permit->object);
	xpmem_race_point("permit-published");
}

/* The caller may hold the mmap_lock of the attacher. */
void xpmem_permit_put(struct xpmem_permit *permit)
{
	struct xpmem_client *client = permit->client;

	if (!refcount_dec_and_test(&permit->object.ref))
		return;
	if (!permit->dead) {
		xpmem_registry_cancel(&xpmem_permits, &permit->object);
		atomic_dec(&permit->segment->permits);
	}
	spin_lock(&permit->segment->lock);
	hlist_del(&permit->segment_link);
	spin_unlock(&permit->segment->lock);
	xpmem_owner_put(permit->object.owner);
	xpmem_segment_put(permit->segment);
	pr_debug("permit %llx destroyed\n", permit->object.id);
	xpmem_spare_keep(permit_cache, &client->spare_permit, permit);
	xpmem_client_put(client);
}

/* Returns the permit with a reference for the caller, or NULL. */
static struct xpmem_permit *permit_find(s64 id)
{
	struct xpmem_object *object = xpmem_registry_find(&xpmem_permits, id);

	return object ? container_of(object, struct xpmem_permit, object) : NULL;
}

/* Returns the caller's own permit with a reference, or -ENOENT or -EACCES. */
static struct xpmem_permit *permit_find_own(s64 id)
{
	struct xpmem_permit *permit = permit_find(id);
	int error;

	if (!permit)
		return ERR_PTR(-ENOENT);
	if (permit->client->mm != current->mm) {
		error = xpmem_owner_refusal(permit->object.owner);
		xpmem_permit_put(permit);
		return ERR_PTR(error);
	}
	return permit;
}

/**
 * xpmem_permit_find_range() - find the caller's permit for a part of a segment
 * @id: the permit
 * @offset: first byte, from the segment's start
 * @length: bytes
 *
 * Return: the permit with a reference, -EINVAL if the range is no pages of the segment, -ENOENT or
 * -EACCES.
 */
struct xpmem_permit *xpmem_permit_find_range(s64 id, u64 offset, u64 length)
{
	struct xpmem_permit *permit;
	int error = 0;
	u64 end;

	if (!PAGE_ALIGNED(offset) || !PAGE_ALIGNED(length) || !length)
		return ERR_PTR(-EINVAL);
	permit = permit_find_own(id);
	if (IS_ERR(permit))
		return permit;
	if (xpmem_segment_gone(permit->segment))
		error = -ENOENT;
	else if (check_add_overflow(offset, length, &end) || end > permit->segment->length)
		error = -EINVAL;
	if (error) {
		xpmem_permit_put(permit);
		return ERR_PTR(error);
	}
	return permit;
}

/*
 * Calls @visit for each attachment, and returns the OR of the results. An attachment stays in the
 * list until it is freed, so the walk can continue from one that it holds a reference to. Tasks
 * that add attachments meanwhile see that the permit or segment is dead.
 */
static unsigned long
for_each_attachment(struct xpmem_permit *permit,
		    unsigned long (*visit)(struct xpmem_attachment *attachment))
{
	struct xpmem_attachment *attachment, *before = NULL;
	unsigned long result = 0;

	spin_lock(&permit->lock);
	hlist_for_each_entry(attachment, &permit->attachments, permit_link) {
		if (!refcount_inc_not_zero(&attachment->object.ref))
			continue;
		spin_unlock(&permit->lock);
		if (before)
			xpmem_attachment_put(before);
		result |= visit(attachment);
		cond_resched();
		before = attachment;
		spin_lock(&permit->lock);
	}
	spin_unlock(&permit->lock);
	if (before)
		xpmem_attachment_put(before);
	return result;
}

static unsigned long attachment_unmap(struct xpmem_attachment *attachment)
{
	xpmem_attachment_unmap(attachment, attachment->address);
	return 0;
}

/*
 * Returns a bit for the group if the attachment may map something. Faults insert nothing any more.
 */
static unsigned long touched_group(struct xpmem_attachment *attachment)
{
	return attachment->touched ? BIT(attachment->permit->client->group) : 0;
}

/**
 * xpmem_permit_stop() - wait for faults that began before the permit or its segment was marked dead
 * @permit: the caller holds a reference, and no lock but @permit->attaching
 *
 * A fault that holds permit->inserting may have missed the mark. A fault that takes it later sees
 * the mark.
 * Return: a bit for each group where attachments of the permit may have something mapped.
 */
unsigned long xpmem_permit_stop(struct xpmem_permit *permit)
{
	might_lock(&permit->client->mm->mmap_lock);
	down_write(&permit->inserting);
	up_write(&permit->inserting);
	xpmem_race_point("permit-stopped");
	return for_each_attachment(permit, touched_group);
}

static bool is_of_permit(const struct xpmem_attachment *attachment, const void *permit)
{
	return attachment->permit == permit;
}

/*
 * Marks a permit dead. Returns false if it was dead already.
 *
 * A task that attaches now is in the list already, or it sees this mark and gives up. Faults and
 * waiters hold references to an attachment, which stays in the list as long. So a list that is
 * empty afterwards stays empty.
 */
static bool permit_mark(struct xpmem_permit *permit)
{
	bool first;

	spin_lock(&permit->lock);
	first = !permit->dead;
	WRITE_ONCE(permit->dead, true);
	spin_unlock(&permit->lock);
	return first;
}

/*
 * Ends a permit whose attachments map nothing any more. The caller has marked it dead. Drops the
 * client's reference.
 */
static void permit_end(struct xpmem_permit *permit, enum xpmem_reason reason)
{
	struct xpmem_segment *segment = permit->segment;
	struct xpmem_client *client = permit->client;

	atomic_dec(&segment->permits);
	if (!hlist_empty(&permit->attachments))
		xpmem_wait_revoke(segment->exporter, segment->start,
				  segment->start + segment->length);
	xpmem_dmabuf_revoke(segment, permit);
	/* Not earlier: until now, other calls that end the permit find it by its id, and wait. */
	xpmem_registry_withdraw(&xpmem_permits, &permit->object);
	spin_lock(&client->lock);
	hlist_del(&permit->client_link);
	spin_unlock(&client->lock);
	WRITE_ONCE(permit->ended, true);
	/* Pairs with the waiter, which queues itself before it tests. */
	smp_mb();
	wake_up_var(&permit->ended);
	trace_release(permit);
	xpmem_event_gone(XPMEM_PERMIT, &permit->object, reason);
	xpmem_permit_put(permit);
}

/**
 * xpmem_permit_kill() - end a published permit
 * @permit: the caller holds a reference of its own
 * @detach: also unmap the attachments of the caller's process; the caller holds permit->attaching
 * @reason: the reason to tell listeners
 *
 * When this returns, no process reaches memory through the permit, even if another call ends it,
 * unless the caller's task was killed meanwhile. Touching an attachment that stays raises SIGBUS.
 * Return: whether this call ended the permit.
 */
bool xpmem_permit_kill(struct xpmem_permit *permit, bool detach, enum xpmem_reason reason)
{
	struct xpmem_segment *segment = permit->segment;
	unsigned long end = segment->start + segment->length, groups;

	if (detach)
		lockdep_assert_held(&permit->attaching);
	if (!permit_mark(permit)) {
		wait_var_event_killable(&permit->ended, READ_ONCE(permit->ended));
		return false;
	}
	if (detach)
		for_each_attachment(permit, attachment_unmap);
	xpmem_race_point("permit-dead");
	if (!hlist_empty(&permit->attachments)) {
		groups = xpmem_permit_stop(permit);
		xpmem_groups_revoke(segment->exporter, groups, is_of_permit, permit,
				    segment->start, end);
	}
	permit_end(permit, reason);
	return true;
}

static bool is_of_getter(const struct xpmem_attachment *attachment, const void *client)
{
	return attachment->permit->client == client;
}

/*
 * The caller holds client->lock, or it closes the client and the permit is in a list on its stack.
 * So nothing can be asserted here.
 */
static void permit_move(struct xpmem_permit *permit, struct hlist_head *list)
{
	hlist_del(&permit->client_link);
	hlist_add_head(&permit->client_link, list);
}

/*
 * Takes all memory away from the attachments of a client, whose permits are dead. This task ends
 * those in @dead. Walks once over the attachments of each exporter, for all permits together.
 */
static void revoke_all(struct xpmem_client *client, struct hlist_head *dead)
{
	struct xpmem_exporter *exporter;
	struct xpmem_permit *permit;
	struct hlist_node *next;
	HLIST_HEAD(mapped);
	HLIST_HEAD(revoked);
	bool touched;

	hlist_for_each_entry_safe(permit, next, dead, client_link) {
		touched = !hlist_empty(&permit->attachments) && xpmem_permit_stop(permit);
		permit_move(permit, touched ? &mapped : &revoked);
		cond_resched();
	}
	while (!hlist_empty(&mapped)) {
		permit = hlist_entry(mapped.first, struct xpmem_permit, client_link);
		exporter = permit->segment->exporter;
		xpmem_groups_revoke(exporter, BIT(client->group), is_of_getter, client, 0,
				    XPMEM_END_OF_SPACE);
		hlist_for_each_entry_safe(permit, next, &mapped, client_link) {
			if (permit->segment->exporter == exporter)
				permit_move(permit, &revoked);
			cond_resched();
		}
	}
	hlist_move_list(&revoked, dead);
}

/**
 * xpmem_permits_close() - end the permits of a client, except those that other tasks end
 * @client: the caller closes it, so no task creates permits
 *
 * All permits are dead before the first of them ends.
 */
void xpmem_permits_close(struct xpmem_client *client)
{
	struct xpmem_permit *permit;
	struct hlist_node *next;
	HLIST_HEAD(dead);

	/* Other tasks end the permits that stay in the client's list, and take them off. */
	spin_lock(&client->lock);
	hlist_for_each_entry_safe(permit, next, &client->permits, client_link)
		if (permit_mark(permit))
			permit_move(permit, &dead);
	spin_unlock(&client->lock);
	xpmem_race_point("permits-dead");
	revoke_all(client, &dead);
	hlist_for_each_entry_safe(permit, next, &dead, client_link) {
		permit_end(permit, xpmem_client_close_reason(client, permit->object.owner));
		cond_resched();
	}
}

/**
 * xpmem_permit_release() - end a permit of the caller, and unmap its attachments
 * @id: the permit
 *
 * Return: 0, -ENOENT, -EACCES or -EINTR.
 */
int xpmem_permit_release(s64 id)
{
	struct xpmem_permit *permit = permit_find_own(id);
	int error = 0;

	if (IS_ERR(permit))
		return PTR_ERR(permit);
	if (mutex_lock_killable(&permit->attaching)) {
		/* Another thread may be mapping an attachment where this call would unmap one. */
		error = -EINTR;
	} else {
		if (!xpmem_permit_kill(permit, true, XPMEM_REASON_REMOVED))
			error = -ENOENT;
		mutex_unlock(&permit->attaching);
	}
	xpmem_permit_put(permit);
	return error;
}
