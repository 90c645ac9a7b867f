// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits until a word of exported memory changes, and wakes the waiters.
 *
 * The exporter's mm and the address there identify a waiter. So attachers and the exporter meet,
 * whatever kind of memory it is and wherever each has it mapped.
 */
#include <linux/hash.h>
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "fault.h"
#include "wait.h"
#include "xpmem.h"

/* Like futexes: a fixed array of lists, each with its lock, so that a wait allocates nothing. */
#define BUCKETS 256

struct bucket {
	spinlock_t lock;
	struct list_head waiters;	/* lock; in order of arrival */
} ____cacheline_aligned_in_smp;

static struct bucket buckets[BUCKETS];

/* A word, and the reference that keeps its mm. */
struct wait_key {
	struct mm_struct *mm;  /* the exporter's with an attachment, else the caller's own */
	unsigned long address; /* the word's address there */
	struct xpmem_attachment *attachment;	/* a reference; NULL in the caller's own memory */
};

#define WAITING 1

/* A waiting task, on its stack. */
struct waiter {
	struct list_head link;		/* the bucket's lock; empty when the wait is over */
	struct wait_key key;
	struct task_struct *task;
	int result;			/* set under the bucket's lock: WAITING, 0 or -EIDRM */
};

static struct bucket *bucket_of(const struct mm_struct *mm, unsigned long address)
{
	return &buckets[hash_long((unsigned long)mm + address, ilog2(BUCKETS))];
}

/* Looks up @vaddr. Returns 0 and a key for wait_key_put(), or -EFAULT, -EIDRM or -EINTR. */
static int wait_key_get(struct wait_key *key, unsigned long vaddr)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	int error = 0;

	*key = (struct wait_key){ .mm = mm, .address = vaddr };
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = find_vma(mm, vaddr);
	if (!vma || vma->vm_start > vaddr) {
		error = -EFAULT;
	} else if (xpmem_vma_is_attachment(vma)) {
		struct xpmem_attachment *attachment = vma->vm_private_data;

		if (xpmem_attachment_revoked(attachment)) {
			error = -EIDRM;
		} else if (!xpmem_may_fault(vma)) {
			error = -EFAULT;
		} else {
			refcount_inc(&attachment->object.ref);
			key->attachment = attachment;
			key->mm = xpmem_attachment_exporter(attachment)->mm;
			key->address = (vma->vm_pgoff << PAGE_SHIFT) + vaddr - vma->vm_start;
		}
	}
	mmap_read_unlock(mm);
	return error;
}

static void wait_key_put(struct wait_key *key)
{
	if (key->attachment)
		xpmem_attachment_put(key->attachment);
}

/* The caller holds the bucket's lock. The waiter's task takes it before the waiter goes away. */
static void end_wait(struct bucket *bucket, struct waiter *waiter, int result)
{
	lockdep_assert_held(&bucket->lock);
	list_del_init(&waiter->link);
	WRITE_ONCE(waiter->result, result);
	wake_up_process(waiter->task);
}

/* Compares the word with the expected value. Returns 0, -EAGAIN or -EFAULT. Sleeps. */
static int word_compare(u64 vaddr, u64 expected, bool is_u64)
{
	u64 value = 0;
	u32 value32 = 0;
	int error;

	if (is_u64) {
		error = get_user(value, (u64 __user *)u64_to_user_ptr(vaddr));
	} else {
		error = get_user(value32, (u32 __user *)u64_to_user_ptr(vaddr));
		value = value32;
	}
	if (error)
		return error;
	return value == expected ? 0 : -EAGAIN;
}

/* Returns 0 when the wait is over, -ETIMEDOUT or -ERESTARTSYS. */
static int sleep_until_ended(struct waiter *waiter, u64 deadline)
{
	ktime_t expires = ns_to_ktime(min_t(u64, deadline, KTIME_MAX));
	int error = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(waiter->result) != WAITING)
			break;
		if (signal_pending(current)) {
			error = -ERESTARTSYS;
			break;
		}
		if (!schedule_hrtimeout_range(expires == KTIME_MAX ? NULL : &expires,
					      current->timer_slack_ns, HRTIMER_MODE_ABS)) {
			error = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	return error;
}

/**
 * xpmem_wait() - sleep while a word has the value that the caller expects
 * @vaddr: the word, in the caller's address space
 * @expected: the expected value
 * @deadline: ns of CLOCK_MONOTONIC; XPMEM_DEADLINE_NEVER and values above KTIME_MAX mean never
 * @flags: XPMEM_WAIT_ flags, known to be valid bits
 *
 * Return: 0 when woken, -EINVAL, -EAGAIN, -ETIMEDOUT, -EFAULT, -EIDRM, -EINTR or -ERESTARTSYS.
 */
int xpmem_wait(u64 vaddr, u64 expected, u64 deadline, u32 flags)
{
	bool is_u64 = flags & XPMEM_WAIT_U64;
	struct waiter waiter = { .task = current, .result = WAITING };
	struct xpmem_exporter *exporter = NULL;
	struct bucket *bucket;
	int error;

	if (!IS_ALIGNED(vaddr, is_u64 ? sizeof(u64) : sizeof(u32)) ||
	    (!is_u64 && expected > U32_MAX))
		return -EINVAL;
	error = wait_key_get(&waiter.key, vaddr);
	if (error)
		return error;
	bucket = bucket_of(waiter.key.mm, waiter.key.address);
	if (waiter.key.attachment)
		exporter = xpmem_attachment_exporter(waiter.key.attachment);
	if (exporter)
		atomic_inc(&exporter->waiters);
	spin_lock(&bucket->lock);
	list_add_tail(&waiter.link, &bucket->waiters);
	spin_unlock(&bucket->lock);
	/*
	 * Lists the waiter before the tests. Pairs with xpmem_wake(), whose caller stored the word
	 * before, and with xpmem_wait_revoke().
	 */
	smp_mb();
	xpmem_race_point("wait-listed");
	if (exporter && xpmem_attachment_revoked(waiter.key.attachment))
		error = -EIDRM;
	else
		error = word_compare(vaddr, expected, is_u64);
	xpmem_race_point("wait-compared");
	if (!error)
		error = sleep_until_ended(&waiter, deadline);

	spin_lock(&bucket->lock);
	list_del(&waiter.link);
	spin_unlock(&bucket->lock);
	if (exporter)
		atomic_dec(&exporter->waiters);
	/* A wake overrides every other result, or it would be lost. */
	if (waiter.result != WAITING)
		error = waiter.result;
	wait_key_put(&waiter.key);
	return error;
}

/**
 * xpmem_wake() - wake tasks that wait for a word
 * @vaddr: the word, in the caller's address space
 * @count: number of tasks at most
 *
 * Return: the number of tasks that it woke, -EFAULT, -EIDRM or -EINTR.
 */
long xpmem_wake(u64 vaddr, u32 count)
{
	struct waiter *waiter, *next;
	struct bucket *bucket;
	struct wait_key key;
	long woken = 0;
	int error;

	error = wait_key_get(&key, vaddr);
	if (error)
		return error;
	bucket = bucket_of(key.mm, key.address);
	xpmem_race_point("wake-found");
	/* After the caller's store; pairs with xpmem_wait(). */
	smp_mb();
	spin_lock(&bucket->lock);
	list_for_each_entry_safe(waiter, next, &bucket->waiters, link) {
		if (woken == count)
			break;
		if (waiter->key.mm != key.mm || waiter->key.address != key.address)
			continue;
		end_wait(bucket, waiter, 0);
		woken++;
	}
	spin_unlock(&bucket->lock);
	wait_key_put(&key);
	return woken;
}

/**
 * xpmem_wait_revoke() - end waits through attachments whose segment or permit is dead
 * @exporter: the exporter
 * @start: first source address
 * @end: end of the range; the caller has marked its segment, or a permit for it, dead
 */
void xpmem_wait_revoke(struct xpmem_exporter *exporter, unsigned long start, unsigned long end)
{
	struct waiter *waiter, *next;
	struct bucket *bucket;

	/* The caller set the mark before this test. Pairs with xpmem_wait(). */
	smp_mb();
	if (!atomic_read(&exporter->waiters))
		return;
	for (bucket = buckets; bucket < buckets + BUCKETS; bucket++) {
		spin_lock(&bucket->lock);
		list_for_each_entry_safe(waiter, next, &bucket->waiters, link)
			if (waiter->key.attachment && waiter->key.mm == exporter->mm &&
			    waiter->key.address >= start && waiter->key.address < end &&
			    xpmem_attachment_revoked(waiter->key.attachment))
				end_wait(bucket, waiter, -EIDRM);
		spin_unlock(&bucket->lock);
	}
}

void xpmem_wait_init(void)
{
	struct bucket *bucket;

	for (bucket = buckets; bucket < buckets + BUCKETS; bucket++) {
		spin_lock_init(&bucket->lock);
		INIT_LIST_HEAD(&bucket->waiters);
	}
}
