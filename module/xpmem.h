/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private header of the module.
 *
 * An exported address space behaves like a file whose offsets are its virtual addresses. An
 * attachment is a shared mapping of that file. A fault fills it with the pages that the exporter's
 * page tables map. Only dma-bufs (dmabuf.c) pin pages: everywhere else, an mmu notifier takes
 * pages away from attachments before the exporter loses them.
 *
 * Nouns, each in its file, and the references that keep them alive:
 *
 *   client        an open file of /dev/xpmem, for the process that opened it. The file, its
 *                 segments and its permits hold references.
 *   exporter      an address space that exports memory. Its segments and deferred zaps hold
 *                 references, and so do the clients that made a segment, until they close or the
 *                 address space ends.
 *   invalidation  a change of an exporter in progress, between the start and the end that mmu
 *                 notifiers announce.
 *   group         a part of the attachers of an exporter, so that a change looks at few attachers.
 *                 It lives as long as its exporter.
 *   window        2 MiB of an exporter: the pages that attachments may map, and a sequence number
 *                 for faults. The first fault on exported memory creates it. It lives as long as
 *                 its exporter.
 *   segment       a range of an exporter that processes may attach. Its client holds a reference
 *                 until the segment dies; its permits and its descriptors hold references.
 *   permit        the right of one process to attach a segment. Its client holds a reference
 *                 until the permit dies; its attachments and dma-bufs hold references.
 *   attachment    one mapping. Its VMAs hold references.
 *   dma-buf       pinned memory for devices. Its file holds the reference; it references its
 *                 permit.
 *
 * A segment dies (dead = true) when it is removed or revoked, when its client closes, or when its
 * mm ends. A permit dies when it is released or revoked, when its client closes, or when its mm
 * ends. The death revokes all attachments of the segment or permit at once.
 *
 * A is the exporter, B the attacher. Lock order, outermost first:
 *
 *   permit->attaching
 *     B.mmap_lock, or B's VMA lock in a fault
 *       A.mmap_lock (read; a task that holds B's lock only tries, or lends: see below)
 *         exporter->making_window
 *       permit->inserting (read; A.mmap_lock was given up)
 *         window->lock (read)
 *           B's page-table lock
 *   A's notifier, which reclaim may call with page, i_mmap and anon_vma locks held:
 *     window->lock (write; dropped before the next)
 *       i_mmap_rwsem of a group's inode (read; only ever tried: see zap.c)
 *         B's notifiers
 *           B's page-table lock
 *   permit->attaching
 *     permit->inserting (write; dropped before the next)
 *       i_mmap_rwsem of a group's inode (read)
 *         B's notifiers
 *   permit->attaching
 *     segment->dmabufs_lock
 *       dma_buf->resv
 *         page locks
 *   client->watching
 *     the mmap_lock of the client's mm (write)
 *   client->lock
 *     segment->lock or permit->lock
 *   exporter->lock, exporter->active_lock, segment->lock, permit->lock, watch->lock (client.c), and
 *   the locks of the tables of exporters, users, objects, waiters and lenders are innermost
 *   spinlocks. No task takes one of them while it holds another.
 *
 * No task waits for one mmap_lock while it holds another, except callers that cannot drop B's lock:
 * they lend it while they wait for A's, and borrow A's if it is lent (lender.c). No task allocates
 * with reclaim while it holds a window->lock or permit->inserting.
 *
 * Layers of files, lowest first. A file uses only functions and data of files that precede it in
 * this list, which the check "layers" reads. The generated X_gen.c also names the functions of X.c.
 *
 *   basics: trace race coverage stats report event queue notifier lender pfns
 *   objects: user owner registry
 *   exporters: range window retry group deferral zap invalidation exporter
 *   pages: pinnable pte pte_huge pte_no_huge pte_write pte_core snapshot insertion stream source
 *     populate
 *   rights: segment permit attachment
 *   uses: fault access vm_ops wait dmabuf
 *   calls: client legacy ioctl_gen ioctl netlink_gen nl_type netlink main
 *
 * Uses of files that follow, each with its reason:
 *
 *   any file: xpmem_vm_ops, xpmem_vm_ops_untracked, xpmem_vm_ops_pinnable
 *     (tell which VMAs are attachments; no file but vm_ops.c knows the functions in them)
 *   event: xpmem_nl_family, xpmem_nl_types, xpmem_viewer_init_machine
 *     (an event describes an object as a reply to a request does)
 *   group: xpmem_attachment_fops
 *     (the operations of the files that attachments map; the kernel calls them)
 *   deferral: xpmem_exporter_put
 *     (a deferral holds a reference, and may drop the last one)
 *   invalidation: xpmem_exporter_end
 *     (the kernel tells the notifier that the mm has ended)
 *   exporter: xpmem_client_end_segments, xpmem_client_drop_owner, xpmem_client_put
 *     (the end of the mm ends the objects of its clients)
 *   segment: xpmem_permit_stop, xpmem_permit_put, xpmem_wait_revoke, xpmem_dmabuf_revoke,
 *     xpmem_client_close_reason, xpmem_client_put
 *     (the end of a segment ends its faults, waits and dma-bufs, and a segment holds its client)
 *   permit: xpmem_attachment_unmap, xpmem_attachment_put, xpmem_wait_revoke, xpmem_dmabuf_revoke,
 *     xpmem_client_watch, xpmem_client_close_reason, xpmem_client_put
 *     (the same for a permit, which also ends with the mm of its client)
 */
#ifndef XPMEM_H
#define XPMEM_H

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/oom.h>
#include <linux/pid.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#include "../uapi/linux/xpmem.h"
#include "ioctl_gen.h"
#include "race.h"
#include "stats_gen.h"

#define XPMEM_VERSION_MAJOR 3
#define XPMEM_VERSION_MINOR 0
#define XPMEM_VERSION_PATCH 0
#define XPMEM_VERSION_CODE \
	((XPMEM_VERSION_MAJOR << 16) | (XPMEM_VERSION_MINOR << 12) | XPMEM_VERSION_PATCH)
#define XPMEM_VERSION_STRING \
	__stringify(XPMEM_VERSION_MAJOR) "." __stringify(XPMEM_VERSION_MINOR) "." \
	__stringify(XPMEM_VERSION_PATCH)

/* 2 MiB, which one page table maps with 4 KiB pages. A fault fills a part of one table. */
#define XPMEM_WINDOW_SHIFT 21
#define XPMEM_WINDOW_SIZE (1UL << XPMEM_WINDOW_SHIFT)
#define XPMEM_WINDOW_PAGES (XPMEM_WINDOW_SIZE >> PAGE_SHIFT)

/* Upper limit of addresses, for functions that take a loff_t. */
#define XPMEM_END_OF_SPACE (LONG_MAX & PAGE_MASK)

/* user.c: the number of objects that each user holds */

enum xpmem_kind {
	XPMEM_SEGMENT,
	XPMEM_PERMIT,
	XPMEM_ATTACHMENT,
	XPMEM_KIND_COUNT,
	XPMEM_EXPORTER = XPMEM_KIND_COUNT,	/* charged to no user */
};

/* A user of one user namespace. */
struct xpmem_user {
	refcount_t ref;			/* owners of this user, and users it pays for */
	kuid_t uid;
	struct user_namespace *user_ns;
	struct xpmem_user *payer;	/* owner of user_ns, in its parent; NULL in the first */
	struct hlist_node link;
	atomic_long_t held[XPMEM_KIND_COUNT];
};

struct xpmem_user *xpmem_user_get(void);
void xpmem_user_put(struct xpmem_user *user);
int xpmem_user_charge(struct xpmem_user *user, enum xpmem_kind kind, unsigned int limit);
void xpmem_user_uncharge(struct xpmem_user *user, enum xpmem_kind kind);

/* report.c: how often the log and the events report what the module refused to a user */

enum xpmem_report {
	XPMEM_REPORT_LIMIT_LOG,
	XPMEM_REPORT_LIMIT_EVENT,
	XPMEM_REPORT_DENIAL_LOG,
	XPMEM_REPORT_DENIAL_EVENT,
	XPMEM_REPORT_COUNT,
};

bool xpmem_report_allowed(enum xpmem_report report);
void xpmem_reports_exit(void);

/* stats.c: counters since the module was loaded */

struct xpmem_attachment;
struct xpmem_client;
struct xpmem_exporter;
struct xpmem_owner;

void xpmem_stat_add(enum xpmem_stat stat, u64 n);
void xpmem_stat_add_refusal(enum xpmem_stat stat);
void xpmem_stat_add_fault(struct xpmem_attachment *attachment, enum xpmem_stat stat, u64 n);
void xpmem_stat_add_change(struct xpmem_exporter *exporter, enum xpmem_stat stat, u64 n);
u64 xpmem_stat_read(enum xpmem_stat stat);
time64_t xpmem_stat_last_refusal(enum xpmem_stat stat);

/* queue.c */

enum xpmem_queue {
	XPMEM_QUEUE_ZAP,	/* deferred zaps, which keep pages until they are done */
	XPMEM_QUEUE_PUT,	/* drops these pages, and may wait for their locks */
	XPMEM_QUEUE_EXIT,	/* ends of address spaces, and kills of their objects */
	XPMEM_QUEUE_FREE,
	XPMEM_QUEUE_COUNT,
};

void xpmem_queue(enum xpmem_queue queue, struct work_struct *work);
int xpmem_queues_init(void);
void xpmem_queues_drain(void);
void xpmem_queues_exit(void);

/* registry.c: objects that users name by id */

struct xpmem_object {
	refcount_t ref;
	s64 id;
	time64_t created;		/* seconds since 1970 */
	/*
	 * Holds a reference. Its user is charged from reservation until the object is cancelled or
	 * withdrawn, except for exporters.
	 */
	struct xpmem_owner *owner;
};

/* Entries of a table of slots, and of a table of tables. */
#define XPMEM_REGISTRY_TABLE_ENTRIES 512
/* Ids whose random bits are drawn at a time. */
#define XPMEM_REGISTRY_COOKIES 64

struct xpmem_registry {
	enum xpmem_kind kind;
	unsigned int limit;	/* objects per user; a module parameter, 0: HARD_LIMIT */
	spinlock_t lock;
	u32 last;		/* lock; the greatest index ever handed out */
	u32 first_free;		/* lock; head of the queue of returned indices */
	u32 last_free;		/* lock */
	u32 free_count;		/* lock */
	u32 cookies_left;	/* lock */
	u8 cookies[XPMEM_REGISTRY_COOKIES][5];	/* lock; random bytes for ids */
	/* Three levels of tables, down to the slots. Each table is created once. */
	unsigned long **root[XPMEM_REGISTRY_TABLE_ENTRIES];
	atomic_long_t live;
};

extern struct xpmem_registry xpmem_segments, xpmem_permits, xpmem_attachments, xpmem_exporters;

void xpmem_registry_init(void);
void xpmem_registry_exit(void);
int xpmem_registry_reserve(struct xpmem_registry *registry, struct xpmem_object *object,
			   struct xpmem_client *client);
void xpmem_registry_cancel(struct xpmem_registry *registry, struct xpmem_object *object);
void xpmem_registry_publish(struct xpmem_registry *registry, struct xpmem_object *object);
bool xpmem_registry_withdraw(struct xpmem_registry *registry, struct xpmem_object *object);
struct xpmem_object *xpmem_registry_find(struct xpmem_registry *registry, s64 id);
struct xpmem_object *xpmem_registry_next(struct xpmem_registry *registry, unsigned long *cursor);

/* owner.c: the process that created objects, for access checks and listings */

/* Immutable. */
struct xpmem_owner {
	refcount_t ref;			/* objects, and the client */
	kuid_t uid;
	kgid_t gid;
	struct pid *pid;
	struct ns_common *ipc_ns;
	struct user_namespace *user_ns;	/* of its exec; capabilities in it cover the process */
	struct xpmem_user *user;	/* charged for objects */
};

struct xpmem_owner *xpmem_owner_get(struct xpmem_client *client);
void xpmem_owner_put(struct xpmem_owner *owner);
int xpmem_owner_refusal(const struct xpmem_owner *owner);
bool xpmem_ids_are_equal(const struct cred *cred, const struct cred *theirs);
enum xpmem_denial xpmem_owner_denial(const struct xpmem_owner *owner, const struct mm_struct *mm,
				     const struct cred *cred, bool any_user);
enum xpmem_reason xpmem_owner_end(const struct xpmem_owner *owner);
bool xpmem_owner_same_scope(const struct xpmem_owner *owner, const struct ns_common *ipc_ns);

extern bool xpmem_global_ids;	/* a parameter; also reported */

/* client.c */

struct xpmem_client {
	refcount_t ref;
	struct mm_struct *mm;		/* identity only: mmgrab */
	struct xpmem_owner *owner;	/* of the first object; holds a reference */
	struct mutex watching;
	struct xpmem_watch *watch;	/* watching; set by the first permit; ends permits */
	struct list_head watch_link;	/* watch->lock */
	struct work_struct exit_work;
	unsigned int group;		/* index of this client's group in each exporter */
	u32 __user *close_word;		/* in mm; NULL: none */
	bool closed;			/* a descriptor was closed since close_word was set */
	struct xpmem_exporter *exporter;	/* holds a reference; NULL before a segment */
	struct list_head exporter_link;	/* exporter->lock */
	spinlock_t lock;
	struct hlist_head segments;	/* lock */
	struct hlist_head permits;	/* lock */
	void *spare_segment;		/* memory for the next one, or NULL: see spare.h */
	void *spare_permit;		/* likewise */
};

struct xpmem_client *xpmem_client_create(void);
int xpmem_client_watch(struct xpmem_client *client);
int xpmem_client_set_close_word(struct xpmem_client *client, u64 vaddr);
void xpmem_client_flush(struct xpmem_client *client);
void xpmem_client_end_segments(struct xpmem_client *client);
void xpmem_client_drop_owner(struct xpmem_client *client);
void xpmem_client_close(struct xpmem_client *client);
enum xpmem_reason xpmem_client_close_reason(const struct xpmem_client *client,
					    const struct xpmem_owner *owner);
void xpmem_client_put(struct xpmem_client *client);

/* group.c: a part of the attachers of an exporter */

/* Enough for a change to skip most unrelated attachers. More groups take more memory. */
#define XPMEM_GROUPS 32

struct xpmem_group;

struct file *xpmem_group_file(struct xpmem_exporter *exporter, unsigned int number, bool writable);
void xpmem_group_yield(struct xpmem_exporter *exporter, unsigned int number);
typedef bool xpmem_attachment_test(const struct xpmem_attachment *attachment, const void *data);

void xpmem_groups_revoke(struct xpmem_exporter *exporter, unsigned long groups,
			 xpmem_attachment_test *wanted, const void *data, unsigned long start,
			 unsigned long end);
void xpmem_groups_close(struct xpmem_exporter *exporter);
void xpmem_groups_destroy(struct xpmem_exporter *exporter);
void xpmem_groups_exit(void);

/* exporter.c */

/*
 * Invalidations of one exporter that are tracked by range at a time. Each one above this number
 * counts as an invalidation of the whole exporter.
 */
#define XPMEM_ACTIVE_RANGES 16

struct xpmem_active_range {
	const struct mmu_notifier_range *range;	/* identity only; NULL: free */
	unsigned long start;
	unsigned long end;
};

#define XPMEM_RETRY_BITS 6

struct xpmem_exporter {
	struct xpmem_object object;	/* an exporter, in the control ABI */
	struct mm_struct *mm;		/* mmgrab */
	bool published;
	atomic_t ended;			/* the mm has ended, and no attachment maps any of it */
	atomic_t segment_count;
	atomic_long_t stats[XPMEM_EXPORTER_STATS];
	struct hlist_node link;
	struct xpmem_group *groups[XPMEM_GROUPS];	/* created by the first attacher */
	struct mmu_notifier notifier;	/* reports invalidations, and the end of the mm */
	struct mmu_interval_notifier veto_notifier;
	struct mmu_interval_notifier snapshot_notifier;	/* for hmm_range_fault(); never inserted */
	spinlock_t active_lock;
	struct xpmem_active_range active[XPMEM_ACTIVE_RANGES];	/* active_lock */
	unsigned int active_ranges;	/* active_lock; used entries of @active */
	unsigned int active_beyond;	/* active_lock; invalidations that do not fit in @active */
	struct list_head deferrals;	/* active_lock; see deferral.c */
	wait_queue_head_t quiet;	/* woken when an invalidation or a deferral ends */
	struct work_struct exit_work;
	struct work_struct free_work;
	struct mutex making_window;
	struct xpmem_window_table *windows;	/* making_window to write */
	spinlock_t lock;
	struct list_head clients;	/* lock; those that hold a reference */
	struct list_head builders;	/* lock; see attachment.c */
	struct hlist_head retries[1 << XPMEM_RETRY_BITS];	/* lock; see retry.c, by task */
	atomic_t waiters;		/* tasks in xpmem_wait() through an attachment */
};

void xpmem_exporter_exit(void);
struct xpmem_exporter *xpmem_exporter_get(struct xpmem_client *client);
void xpmem_exporter_drop(struct xpmem_client *client);
void xpmem_exporter_put(struct xpmem_exporter *exporter);
void xpmem_exporter_end(struct xpmem_exporter *exporter);

/* Returns false once the OOM reaper may have freed memory of the exporter. */
static inline bool xpmem_exporter_is_stable(struct xpmem_exporter *exporter)
{
	return !check_stable_address_space(exporter->mm);
}

/* pinnable.c */

bool xpmem_pinnable_supported(void);

/* segment.c */

struct xpmem_segment {
	struct xpmem_object object;
	struct xpmem_client *client;
	struct xpmem_exporter *exporter;
	struct hlist_node client_link;	/* client->lock, or the task that closes the client */
	struct mutex dmabufs_lock;
	struct list_head dmabufs;	/* dmabufs_lock */
	spinlock_t lock;
	struct hlist_head permit_list;	/* lock */
	unsigned long start;
	unsigned long length;
	unsigned int mode;
	bool rdonly;
	bool no_ptrace_check;		/* the mode alone decides which processes get a permit */
	bool no_gup;			/* no attachment allows get_user_pages() */
	bool dead;			/* set under lock */
	bool ended;			/* all access has ended; killers wait for this */
	atomic_t permits;		/* live permits */
	atomic_long_t stats[XPMEM_FAULT_STATS];
	char name[XPMEM_NAME_SIZE];
};

/*
 * Whether the segment was removed, or its address space has ended. In the latter case a worker
 * removes it soon. The caller holds a reference.
 */
static inline bool xpmem_segment_gone(const struct xpmem_segment *segment)
{
	return READ_ONCE(segment->dead) || !atomic_read(&segment->exporter->mm->mm_users);
}

int xpmem_segment_init(void);
void xpmem_segment_exit(void);
void xpmem_segment_free_spare(struct xpmem_client *client);
struct xpmem_segment *xpmem_segment_create(struct xpmem_client *client, u64 vaddr, u64 length,
					   u32 mode, u32 flags, const u8 *name);
void xpmem_segment_publish(struct xpmem_segment *segment);
struct xpmem_segment *xpmem_segment_find(s64 id);
void xpmem_segment_put(struct xpmem_segment *segment);
bool xpmem_segment_kill(struct xpmem_segment *segment, enum xpmem_reason reason);
void xpmem_segments_close(struct xpmem_client *client);
int xpmem_segment_remove(s64 id);
struct file *xpmem_segment_file(s64 id, u32 flags);
struct xpmem_segment *xpmem_segment_from_fd(int fd, u32 flags);

/* permit.c */

extern unsigned short xpmem_mode_mask;	/* a parameter; also reported */

struct xpmem_permit {
	struct xpmem_object object;
	struct xpmem_client *client;
	struct xpmem_segment *segment;
	struct hlist_node client_link;	/* client->lock, or the task that closes the client */
	struct hlist_node segment_link;	/* segment->lock; linked until the permit is freed */
	struct mutex attaching;
	struct rw_semaphore inserting;	/* read: insert into attachments. write: drain inserters */
	spinlock_t lock;
	struct hlist_head attachments;	/* lock */
	atomic_t attachment_count;
	atomic_t dmabuf_count;
	atomic_long_t dmabuf_pages;
	bool rdonly;
	bool dead;			/* set under lock */
	bool ended;			/* all access has ended; killers wait for this */
};

int xpmem_permit_init(void);
void xpmem_permit_exit(void);
void xpmem_permit_free_spare(struct xpmem_client *client);
struct xpmem_permit *xpmem_permit_create(struct xpmem_client *client, s64 segid, int fd, u32 flags);
void xpmem_permit_publish(struct xpmem_permit *permit);
struct xpmem_permit *xpmem_permit_find_range(s64 id, u64 offset, u64 length);
void xpmem_permit_put(struct xpmem_permit *permit);
unsigned long xpmem_permit_stop(struct xpmem_permit *permit);
bool xpmem_permit_kill(struct xpmem_permit *permit, bool detach, enum xpmem_reason reason);
void xpmem_permits_close(struct xpmem_client *client);
int xpmem_permit_release(s64 id);

/* attachment.c */

/* Number of streams of faults that are tracked per attachment. */
#define XPMEM_STREAMS 4

struct xpmem_attachment {
	struct xpmem_object object;
	struct xpmem_permit *permit;
	struct hlist_node permit_link;	/* permit->lock */
	unsigned long address;		/* in B, at attach time */
	unsigned long source;		/* in A */
	unsigned long length;
	bool touched;			/* permit->inserting; a fault may have inserted an entry */
	bool huge;			/* permit->inserting; the same for a huge entry */
	bool rdonly;
	bool pinnable;
	/*
	 * The creator maps the VMAs. Its faults are refused: after mlockall(), mmap() would have
	 * the exporter bring in all pages, with permit->attaching held.
	 */
	bool building;
	/*
	 * The task that maps the VMAs, or populates them: then its faults map only present pages,
	 * and do not wait. NULL: none.
	 */
	struct task_struct *creator;
	/* A record of each stream, which stream.c describes. Faults race for them. */
	unsigned long streams[XPMEM_STREAMS];
	unsigned int next_stream;
	/* While it populates, the source address where its last fault ended; 0: no progress. */
	unsigned long populated;
	enum xpmem_reason reason;	/* why the last VMA closed */
	atomic_t pinnable_vmas;		/* VMAs of its mm, not of a child, that are pinnable now */
	atomic_long_t stats[XPMEM_FAULT_STATS];
};

extern const struct file_operations xpmem_attachment_fops;

int xpmem_attachment_init(void);
void xpmem_attachment_exit(void);
struct xpmem_attachment *xpmem_attachment_create(s64 apid, u64 offset, u64 length, u64 vaddr,
						 u32 flags);
void xpmem_attachment_put(struct xpmem_attachment *attachment);
void xpmem_attachment_open(struct vm_area_struct *vma);
void xpmem_attachment_close(struct vm_area_struct *vma);
int xpmem_attachment_unmap(struct xpmem_attachment *attachment, unsigned long address);

/* An attachment that a task is about to unmap. The task owns the struct. */
struct xpmem_detach {
	struct xpmem_attachment *attachment;	/* referenced, or NULL: nothing is mapped there */
	unsigned long start, end;		/* adjacent VMAs around the address to detach */
};

int xpmem_detach_begin(struct xpmem_detach *detach, u64 vaddr);
int xpmem_detach_end(struct xpmem_detach *detach, bool unmap);

static inline struct xpmem_exporter *
xpmem_attachment_exporter(const struct xpmem_attachment *attachment)
{
	return attachment->permit->segment->exporter;
}

/*
 * Whether some VMA is pinnable at this moment, for readers that hold no lock. The VMA keeps its
 * kind as long as the caller holds the attacher's mmap_lock.
 */
static inline bool xpmem_attachment_is_pinnable(const struct xpmem_attachment *attachment)
{
	return atomic_read(&attachment->pinnable_vmas);
}

/* Never becomes false again. Faults insert only if it is false under permit->inserting. */
static inline bool xpmem_attachment_revoked(const struct xpmem_attachment *attachment)
{
	return READ_ONCE(attachment->permit->dead) || READ_ONCE(attachment->permit->segment->dead);
}

/* netlink.c */

int xpmem_netlink_init(void);
void xpmem_netlink_exit(void);

/* event.c */

void xpmem_event_created(enum xpmem_kind kind, struct xpmem_object *object);
void xpmem_event_gone(enum xpmem_kind kind, struct xpmem_object *object, enum xpmem_reason reason);
void xpmem_event_limit(enum xpmem_kind kind, kuid_t uid, unsigned int limit);
void xpmem_event_refused(const struct xpmem_segment *segment, enum xpmem_denial denial);

#endif
