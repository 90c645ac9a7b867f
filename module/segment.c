// SPDX-License-Identifier: GPL-2.0-only
/* A range of an exporter that processes may attach. */
#include <linux/anon_inodes.h>
#include <linux/ctype.h>
#include <linux/file.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "dmabuf.h"
#include "race.h"
#include "spare.h"
#include "trace.h"
#include "wait.h"
#include "xpmem.h"

static struct kmem_cache *segment_cache;

/*
 * Sets the fields that have the same state again when the segment is freed. xpmem_segment_create()
 * sets all others: the kernel does not clear objects of a cache that has a constructor.
 */
static void segment_construct(void *memory)
{
	struct xpmem_segment *segment = memory;

	mutex_init(&segment->dmabufs_lock);
	INIT_LIST_HEAD(&segment->dmabufs);
	spin_lock_init(&segment->lock);
	INIT_HLIST_HEAD(&segment->permit_list);
}

int xpmem_segment_init(void)
{
	segment_cache = kmem_cache_create("xpmem_segment", sizeof(struct xpmem_segment), 0,
					  SLAB_HWCACHE_ALIGN | SLAB_ACCOUNT, segment_construct);
	return segment_cache ? 0 : -ENOMEM;
}

void xpmem_segment_exit(void)
{
	kmem_cache_destroy(segment_cache);
}

void xpmem_segment_free_spare(struct xpmem_client *client)
{
	xpmem_spare_free(segment_cache, client->spare_segment);
}

static bool valid_name(const u8 *name)
{
	u64 words[XPMEM_NAME_SIZE / sizeof(u64)];
	size_t i, length;

	BUILD_BUG_ON(ARRAY_SIZE(words) != 4);
	memcpy(words, name, sizeof(words));
	if (!(words[0] | words[1] | words[2] | words[3]))
		return true;
	length = strnlen(name, XPMEM_NAME_SIZE);
	if (length == XPMEM_NAME_SIZE)
		return false;
	for (i = 0; i < length; i++)
		if (!isascii(name[i]) || !isprint(name[i]))
			return false;
	return !memchr_inv(name + length, 0, XPMEM_NAME_SIZE - length);
}

static bool valid_range(u64 vaddr, u64 *length)
{
	u64 end;

	if (!PAGE_ALIGNED(vaddr) || vaddr >= TASK_SIZE)
		return false;
	if (*length == XPMEM_LENGTH_MAX)
		*length = TASK_SIZE - vaddr;
	return *length && PAGE_ALIGNED(*length) && !check_add_overflow(vaddr, *length, &end) &&
	       end <= TASK_SIZE;
}

/**
 * xpmem_segment_create() - create a segment of the caller's address space
 * @client: the owner of the segment
 * @vaddr: first byte
 * @length: bytes, or XPMEM_LENGTH_MAX
 * @mode: permission bits
 * @flags: XPMEM_MAKE_ flags, known to be valid
 * @name: XPMEM_NAME_SIZE bytes, or NULL
 *
 * Return: the segment, which has its id but is not found until it is published, or an error
 * pointer. xpmem_segment_put() undoes it.
 */
struct xpmem_segment *xpmem_segment_create(struct xpmem_client *client, u64 vaddr, u64 length,
					   u32 mode, u32 flags, const u8 *name)
{
	struct xpmem_segment *segment;
	int error, i;

	if (!valid_range(vaddr, &length) || mode & ~0777 || (name && !valid_name(name)))
		return ERR_PTR(-EINVAL);

	segment = xpmem_spare_alloc(segment_cache, &client->spare_segment);
	if (!segment)
		return ERR_PTR(-ENOMEM);
	refcount_set(&segment->object.ref, 1);
	segment->start = vaddr;
	segment->length = length;
	segment->mode = mode;
	segment->rdonly = flags & XPMEM_MAKE_RDONLY;
	segment->no_ptrace_check = flags & XPMEM_MAKE_NO_PTRACE_CHECK;
	segment->no_gup = flags & XPMEM_MAKE_NO_GUP;
	segment->dead = false;
	segment->ended = false;
	atomic_set(&segment->permits, 0);
	for (i = 0; i < XPMEM_FAULT_STATS; i++)
		atomic_long_set(&segment->stats[i], 0);
	if (name)
		memcpy(segment->name, name, XPMEM_NAME_SIZE);
	else
		memset(segment->name, 0, XPMEM_NAME_SIZE);
	error = xpmem_registry_reserve(&xpmem_segments, &segment->object, client);
	if (error)
		goto free;
	segment->exporter = xpmem_exporter_get(client);
	if (IS_ERR(segment->exporter)) {
		error = PTR_ERR(segment->exporter);
		goto cancel;
	}
	segment->client = client;
	refcount_inc(&client->ref);
	return segment;

cancel:
	xpmem_registry_cancel(&xpmem_segments, &segment->object);
	xpmem_owner_put(segment->object.owner);
free:
	xpmem_spare_keep(segment_cache, &client->spare_segment, segment);
	return ERR_PTR(error);
}

/*
 * Cannot fail. The client takes over the creator's reference. Once the registry knows the segment,
 * another thread may remove it, so the function does not touch it afterwards.
 */
void xpmem_segment_publish(struct xpmem_segment *segment)
{
	struct xpmem_client *client = segment->client;

	spin_lock(&client->lock);
	hlist_add_head(&segment->client_link, &client->segments);
	spin_unlock(&client->lock);
	atomic_inc(&segment->exporter->segment_count);
	xpmem_event_created(XPMEM_SEGMENT, &segment->object);
	trace_make(segment);
	pr_debug("segment %llx created\n", segment->object.id);
	xpmem_registry_publish(&xpmem_segments, &segment->object);
	xpmem_race_point("segment-published");
}

/* The caller may hold the mmap_lock of an attacher. */
void xpmem_segment_put(struct xpmem_segment *segment)
{
	struct xpmem_client *client = segment->client;

	if (!refcount_dec_and_test(&segment->object.ref))
		return;
	if (!segment->dead)
		xpmem_registry_cancel(&xpmem_segments, &segment->object);
	xpmem_owner_put(segment->object.owner);
	xpmem_exporter_put(segment->exporter);
	pr_debug("segment %llx destroyed\n", segment->object.id);
	xpmem_spare_keep(segment_cache, &client->spare_segment, segment);
	xpmem_client_put(client);
}

/* Returns the segment with a reference for the caller, or NULL. */
struct xpmem_segment *xpmem_segment_find(s64 id)
{
	struct xpmem_object *object = xpmem_registry_find(&xpmem_segments, id);

	return object ? container_of(object, struct xpmem_segment, object) : NULL;
}

/*
 * Waits for faults through all permits that began before the segment was marked dead. Returns a bit
 * for each group whose attachments may map something. A permit stays in the list until it is freed,
 * so the walk can continue from one that it holds a reference to. Tasks that add permits meanwhile
 * see that the segment is dead.
 */
static unsigned long stop_permits(struct xpmem_segment *segment)
{
	struct xpmem_permit *permit, *before = NULL;
	unsigned long groups = 0;

	spin_lock(&segment->lock);
	hlist_for_each_entry(permit, &segment->permit_list, segment_link) {
		if (!refcount_inc_not_zero(&permit->object.ref))
			continue;
		spin_unlock(&segment->lock);
		if (before)
			xpmem_permit_put(before);
		groups |= xpmem_permit_stop(permit);
		cond_resched();
		before = permit;
		spin_lock(&segment->lock);
	}
	spin_unlock(&segment->lock);
	if (before)
		xpmem_permit_put(before);
	return groups;
}

static bool is_of_segment(const struct xpmem_attachment *attachment, const void *segment)
{
	return attachment->permit->segment == segment;
}

/* Marks a segment dead. Returns false if it was dead already. */
static bool segment_mark(struct xpmem_segment *segment)
{
	bool first;

	spin_lock(&segment->lock);
	first = !segment->dead;
	WRITE_ONCE(segment->dead, true);
	spin_unlock(&segment->lock);
	return first;
}

/*
 * Ends a segment whose attachments map nothing any more. The caller has marked it dead. Drops the
 * client's reference.
 */
static void segment_end(struct xpmem_segment *segment, enum xpmem_reason reason)
{
	struct xpmem_client *client = segment->client;

	xpmem_wait_revoke(segment->exporter, segment->start, segment->start + segment->length);
	xpmem_dmabuf_revoke(segment, NULL);
	/* Not earlier: until now, other calls that end the segment find it by its id, and wait. */
	xpmem_registry_withdraw(&xpmem_segments, &segment->object);
	spin_lock(&client->lock);
	hlist_del(&segment->client_link);
	spin_unlock(&client->lock);
	WRITE_ONCE(segment->ended, true);
	/* Pairs with the waiter, which queues itself before it tests. */
	smp_mb();
	wake_up_var(&segment->ended);
	atomic_dec(&segment->exporter->segment_count);
	trace_remove(segment);
	xpmem_event_gone(XPMEM_SEGMENT, &segment->object, reason);
	xpmem_segment_put(segment);
}

/**
 * xpmem_segment_kill() - end a published segment
 * @segment: the caller holds a reference of its own
 * @reason: the reason to tell listeners
 *
 * When this returns, no process reaches memory through the segment, even if another call ends it,
 * unless the caller's task was killed meanwhile.
 * Return: whether this call ended the segment.
 */
bool xpmem_segment_kill(struct xpmem_segment *segment, enum xpmem_reason reason)
{
	struct xpmem_exporter *exporter = segment->exporter;
	unsigned long end = segment->start + segment->length, groups;

	if (!segment_mark(segment)) {
		wait_var_event_killable(&segment->ended, READ_ONCE(segment->ended));
		return false;
	}
	xpmem_race_point("segment-dead");
	groups = stop_permits(segment);
	/* After the end of the mm, no attachment maps any of it. */
	if (groups && !atomic_read(&exporter->ended))
		xpmem_groups_revoke(exporter, groups, is_of_segment, segment, segment->start, end);
	segment_end(segment, reason);
	return true;
}

static bool is_of_maker(const struct xpmem_attachment *attachment, const void *client)
{
	return attachment->permit->segment->client == client;
}

/**
 * xpmem_segments_close() - end the segments of a client, except those that other tasks end
 * @client: the caller closes it, so no task creates segments
 *
 * All segments are dead before the first of them ends. Walks once over the attachments, for all
 * segments together.
 */
void xpmem_segments_close(struct xpmem_client *client)
{
	struct xpmem_exporter *exporter = NULL;
	struct xpmem_segment *segment;
	unsigned long groups = 0;
	struct hlist_node *next;
	HLIST_HEAD(dead);

	/* Other tasks end the segments that stay in the client's list, and take them off. */
	spin_lock(&client->lock);
	hlist_for_each_entry_safe(segment, next, &client->segments, client_link)
		if (segment_mark(segment)) {
			hlist_del(&segment->client_link);
			hlist_add_head(&segment->client_link, &dead);
		}
	spin_unlock(&client->lock);
	xpmem_race_point("segments-dead");
	hlist_for_each_entry(segment, &dead, client_link) {
		groups |= stop_permits(segment);
		/* All segments of a client are of one exporter. */
		exporter = segment->exporter;
	}
	if (groups && !atomic_read(&exporter->ended))
		xpmem_groups_revoke(exporter, groups, is_of_maker, client, 0,
				    XPMEM_END_OF_SPACE);
	hlist_for_each_entry_safe(segment, next, &dead, client_link) {
		segment_end(segment, xpmem_client_close_reason(client, segment->object.owner));
		cond_resched();
	}
}

/* Returns the caller's own segment with a reference, or -ENOENT or -EACCES. */
static struct xpmem_segment *segment_find_own(s64 id)
{
	struct xpmem_segment *segment = xpmem_segment_find(id);
	int error;

	if (!segment)
		return ERR_PTR(-ENOENT);
	if (segment->client->mm != current->mm) {
		error = xpmem_owner_refusal(segment->object.owner);
		xpmem_segment_put(segment);
		return ERR_PTR(error);
	}
	return segment;
}

/**
 * xpmem_segment_remove() - end a segment of the caller
 * @id: the segment
 *
 * Return: 0, -ENOENT or -EACCES.
 */
int xpmem_segment_remove(s64 id)
{
	struct xpmem_segment *segment = segment_find_own(id);
	bool killed;

	if (IS_ERR(segment))
		return PTR_ERR(segment);
	killed = xpmem_segment_kill(segment, XPMEM_REASON_REMOVED);
	xpmem_segment_put(segment);
	return killed ? 0 : -ENOENT;
}

/* A file that stands for a segment. Its access mode limits the permits that it grants. */

static int fd_release(struct inode *inode, struct file *file)
{
	xpmem_segment_put(file->private_data);
	return 0;
}

static const struct file_operations fd_fops = {
	.owner = THIS_MODULE,
	.release = fd_release,
	.llseek = noop_llseek,
};

/**
 * xpmem_segment_file() - create a file that stands for a segment of the caller
 * @id: the segment
 * @flags: XPMEM_GET_RDONLY or XPMEM_GET_RDWR
 *
 * Return: the file, or -EINVAL, -ENOENT, -EACCES, -ENFILE or -ENOMEM.
 */
struct file *xpmem_segment_file(s64 id, u32 flags)
{
	struct xpmem_segment *segment;
	struct file *file = ERR_PTR(-EACCES);

	if (!(flags & XPMEM_GET_RDONLY) == !(flags & XPMEM_GET_RDWR))
		return ERR_PTR(-EINVAL);
	segment = segment_find_own(id);
	if (IS_ERR(segment))
		return ERR_CAST(segment);
	if (!segment->rdonly || flags & XPMEM_GET_RDONLY)
		file = anon_inode_getfile("[xpmem-segment]", &fd_fops, segment,
					  flags & XPMEM_GET_RDWR ? O_RDWR : O_RDONLY);
	if (IS_ERR(file))
		xpmem_segment_put(segment);
	return file;
}

/**
 * xpmem_segment_from_fd() - get the segment that a descriptor stands for
 * @fd: a descriptor of the caller
 * @flags: the access that the caller wants, XPMEM_GET_RDONLY or XPMEM_GET_RDWR
 *
 * Return: the segment with a reference for the caller, or -EBADF, -EINVAL (another kind of file),
 * -EACCES or -ENOENT (the segment is gone).
 */
struct xpmem_segment *xpmem_segment_from_fd(int fd, u32 flags)
{
	struct xpmem_segment *segment;
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	segment = ERR_PTR(-EINVAL);
	if (file->f_op != &fd_fops)
		goto put;
	segment = ERR_PTR(-EACCES);
	if (flags & XPMEM_GET_RDWR && !(file->f_mode & FMODE_WRITE))
		goto put;
	segment = file->private_data;
	if (xpmem_segment_gone(segment))
		segment = ERR_PTR(-ENOENT);
	else
		refcount_inc(&segment->object.ref);
put:
	fput(file);
	return segment;
}
