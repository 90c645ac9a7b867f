/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Questions about the mmap_lock and the per-VMA locks that no kernel function answers, and a way to
 * take a lock that no kernel function offers. Both use the fields of struct rw_semaphore and struct
 * vm_area_struct. Read for 5.10, 6.1, 6.12, 7.2 and 7.3, with and without CONFIG_PREEMPT_RT; the
 * probes refuse other layouts.
 */
#ifndef XPMEM_COMPAT_MM_LOCKS_H
#define XPMEM_COMPAT_MM_LOCKS_H

#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/sched.h>

#include "features.h"

#if defined(CONFIG_PREEMPT_RT)
/* A positive count is WRITER_BIAS, or the number of readers that a writer waits for. */
static inline bool xpmem_rwsem_overtake(struct rw_semaphore *sem)
{
	int readers = atomic_read(&sem->rwbase.readers);

	do {
		if (readers == WRITER_BIAS || !readers)
			return false;
	} while (!atomic_try_cmpxchg_acquire(&sem->rwbase.readers, &readers, readers + 1));
	return true;
}

/* A waiting reader may own the lock inside, so an owner that is another task proves nothing. */
static inline bool xpmem_rwsem_may_be_mine(struct rw_semaphore *sem)
{
	return rwsem_is_locked(sem);
}

/* Like the other form, below. The lowest bit of the owner is set if tasks wait. */
static inline struct task_struct *xpmem_rwsem_writer(const struct rw_semaphore *sem)
{
	if (atomic_read(&sem->rwbase.readers) != WRITER_BIAS)
		return NULL;
	return (struct task_struct *)((unsigned long)READ_ONCE(sem->rwbase.rtmutex.owner) & ~1UL);
}
#elif defined(XPMEM_HAVE_RWSEM_WRITER_LOCKED) || defined(XPMEM_HAVE_RWSEM_COUNT_OWNER)
#ifdef XPMEM_HAVE_RWSEM_WRITER_LOCKED
#define XPMEM_RWSEM_WRITER RWSEM_WRITER_LOCKED
#else
/* These kernels define it in kernel/locking/rwsem.c. */
#define XPMEM_RWSEM_WRITER 1UL
#endif
/* The owner has at most three flags, because task_structs have a larger alignment. */
#define XPMEM_RWSEM_OWNER_FLAGS 7UL
/* kernel/locking/rwsem.c counts readers from bit 8 on. The bits below are flags. */
#define XPMEM_RWSEM_READER 256L
/* Flags of the owner: it is a reader, and writers do not spin. */
#define XPMEM_RWSEM_READER_OWNED 1L
#define XPMEM_RWSEM_NONSPINNABLE 2L

static inline bool xpmem_rwsem_overtake(struct rw_semaphore *sem)
{
	long count = atomic_long_read(&sem->count);
	bool free;

	/* A writer spins while a lock that is taken has no owner. */
	preempt_disable();
	do {
		/* Negative if there are too many readers. */
		free = count >= XPMEM_RWSEM_READER && !(count & XPMEM_RWSEM_WRITER);
	} while (free && !atomic_long_try_cmpxchg_acquire(&sem->count, &count,
							  count + XPMEM_RWSEM_READER));
	/* Marks the lock as owned by a reader, as the kernel does for each reader. */
	if (free)
		atomic_long_set(&sem->owner, (long)current | XPMEM_RWSEM_READER_OWNED |
			(atomic_long_read(&sem->owner) & XPMEM_RWSEM_NONSPINNABLE));
	preempt_enable();
	return free;
}

/*
 * While this task holds @sem, it sees a count that is not zero. As a reader it never sees the
 * writer bit, because no writer gets the lock before all readers have dropped it. As the writer it
 * sees itself as the owner: down_write() stores the owner before it returns, earlier readers stored
 * theirs before they dropped the lock, and other tasks only clear flags in the owner of a
 * write-locked lock. This task's own accesses need no barriers for that. So the lock belongs to
 * another task if the writer bit is set and the owner is another task, the mark of a former reader,
 * or NULL. The owner is NULL while a writer comes or goes.
 */
static inline bool xpmem_rwsem_may_be_mine(struct rw_semaphore *sem)
{
	long count = atomic_long_read(&sem->count);
	unsigned long owner;

	if (!(count & XPMEM_RWSEM_WRITER))
		return count != RWSEM_UNLOCKED_VALUE;
	owner = atomic_long_read(&sem->owner);
	return (owner & ~XPMEM_RWSEM_OWNER_FLAGS) == (unsigned long)current;
}

/*
 * Returns the task that holds @sem for writing at this instant, or NULL if there is none or the
 * function cannot tell. The task_struct stays until the caller leaves its RCU read-side critical
 * section, because a task drops the lock before it ends.
 */
static inline struct task_struct *xpmem_rwsem_writer(const struct rw_semaphore *sem)
{
	unsigned long owner = atomic_long_read(&sem->owner);

	/* Readers leave a mark in the owner, with the lowest bit set. */
	if (owner & 1 || !(atomic_long_read(&sem->count) & XPMEM_RWSEM_WRITER))
		return NULL;
	return (struct task_struct *)(owner & ~XPMEM_RWSEM_OWNER_FLAGS);
}
#else
#error "struct rw_semaphore of this kernel has a form that xpmem does not know"
#endif

static inline bool xpmem_rwsem_is_mine_to_write(const struct rw_semaphore *sem)
{
	return xpmem_rwsem_writer(sem) == current;
}

/**
 * xpmem_rwsem_join() - take a rw_semaphore for reading that another task may hold for reading
 * @sem: the caller drops it with up_read()
 *
 * Does not wait, and does not respect the queue: it also succeeds while a writer waits for the
 * readers to go. That writer goes on waiting until all readers are gone, as it does if a reader
 * came just before it.
 *
 * Return: whether the caller got the lock. False if a task holds it for writing; may be false if no
 * task holds it.
 */
static inline bool xpmem_rwsem_join(struct rw_semaphore *sem)
{
	bool joined = xpmem_rwsem_overtake(sem);

	if (joined)
		rwsem_acquire_read(&sem->dep_map, 0, 1, _THIS_IP_);
	return joined;
}

/*
 * Whether the caller may hold the mmap_lock of @mm. False only if it certainly does not: the lock
 * is free at this instant, or another task holds it for writing.
 */
static inline bool xpmem_mmap_lock_may_be_mine(struct mm_struct *mm)
{
	return xpmem_rwsem_may_be_mine(&mm->mmap_lock);
}

#ifndef CONFIG_PER_VMA_LOCK
static inline bool xpmem_vma_has_readers(const struct vm_area_struct *vma)
{
	return false;
}
#elif defined(XPMEM_HAVE_VMA_LOCK_RWSEM)
/* Also true while a writer holds the lock, which takes a few instructions only. */
static inline bool xpmem_vma_has_readers(const struct vm_area_struct *vma)
{
	return rwsem_is_locked(&vma->vm_lock->lock);
}
#elif defined(XPMEM_HAVE_VMA_REFCNT_LOCK_OFFSET) || defined(XPMEM_HAVE_VMA_REFCNT_EXCLUDE_READERS)
#ifdef XPMEM_HAVE_VMA_REFCNT_LOCK_OFFSET
#define XPMEM_VMA_REFCNT_WRITER VMA_LOCK_OFFSET
#else
#define XPMEM_VMA_REFCNT_WRITER VM_REFCNT_EXCLUDE_READERS_FLAG
#endif

/* The count is one for an attached VMA, and one more for each reader. */
static inline bool xpmem_vma_has_readers(const struct vm_area_struct *vma)
{
	return (refcount_read(&vma->vm_refcnt) & ~XPMEM_VMA_REFCNT_WRITER) > 1;
}
#else
#error "the per-VMA lock of this kernel has a form that xpmem does not know"
#endif

/*
 * Whether writes to @vma copy its pages. A shared mapping of a file that is open for reading only
 * has neither flag.
 */
static inline bool xpmem_vma_is_private(const struct vm_area_struct *vma)
{
	return (READ_ONCE(vma->vm_flags) & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/*
 * Tests the VMA of @mm at @address without a lock. Returns false if there is none, and on kernels
 * that free VMAs or the nodes of their tree without a grace period: before 6.1, in early 6.1, and
 * in exit_mmap(). Until the grace period ends, a freed VMA is still a VMA: its memory is reused
 * after call_rcu() with its rwsem, or comes from a cache with SLAB_TYPESAFE_BY_RCU. On 6.1, where
 * neither is true, the caller keeps the VMA.
 */
static inline bool xpmem_vma_test(struct mm_struct *mm, unsigned long address,
				  bool (*test)(const struct vm_area_struct *vma))
{
	bool result = false;
#ifdef MTREE_INIT
	struct vm_area_struct *vma;

	rcu_read_lock();
	vma = mt_in_rcu(&mm->mm_mt) ? mtree_load(&mm->mm_mt, address) : NULL;
	result = vma && test(vma);
	rcu_read_unlock();
#endif
	return result;
}

#endif
