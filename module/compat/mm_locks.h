/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Questions about the mmap_lock and the per-VMA locks that the kernel has no function for. The
 * answers come from the fields of struct rw_semaphore and struct vm_area_struct. Read for 5.10,
 * 6.1, 6.12, 7.2 and 7.3, with and without CONFIG_PREEMPT_RT; the probes refuse other layouts.
 */
#ifndef XPMEM_COMPAT_MM_LOCKS_H
#define XPMEM_COMPAT_MM_LOCKS_H

#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/sched.h>

#include "features.h"

#if defined(CONFIG_PREEMPT_RT)
/* Its lock does not say whether the owner is a writer. */
static inline bool xpmem_rwsem_may_be_mine(struct rw_semaphore *sem)
{
	return rwsem_is_locked(sem);
}
#elif defined(XPMEM_HAVE_RWSEM_WRITER_LOCKED) || defined(XPMEM_HAVE_RWSEM_COUNT_OWNER)
#ifdef XPMEM_HAVE_RWSEM_WRITER_LOCKED
#define XPMEM_RWSEM_WRITER RWSEM_WRITER_LOCKED
#else
/* kernel/locking/rwsem.c has the definition on these kernels. */
#define XPMEM_RWSEM_WRITER 1UL
#endif
/* Flags in the owner, at most three: task_structs have a larger alignment. */
#define XPMEM_RWSEM_OWNER_FLAGS 7UL

/*
 * While this task holds @sem, it sees a count that is not zero. As a reader it never sees the
 * writer bit, since no writer gets the lock before all readers are gone. As the writer it sees
 * itself as the owner: down_write() stores the owner before it returns, earlier readers stored
 * theirs before they released the lock, and other tasks change the owner of a write-locked lock
 * in no way but to clear flags. This task's own accesses need no barriers for that. So the lock
 * belongs to another task if the writer bit is set and the owner is another task, the mark of a
 * former reader, or NULL, which it is while a writer comes or goes.
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
#else
#error "struct rw_semaphore of this kernel has a form that xpmem does not know"
#endif

/*
 * Whether the caller may hold the mmap_lock of @mm: false only when it certainly does not, i.e.
 * the lock is free at this instant, or is write-locked by another task.
 */
static inline bool xpmem_mmap_lock_may_be_mine(struct mm_struct *mm)
{
	return xpmem_rwsem_may_be_mine(&mm->mmap_lock);
}

#ifdef CONFIG_PER_VMA_LOCK
#if defined(XPMEM_HAVE_VMA_LOCK_RWSEM)
/* Also true while a writer holds the lock, which it does for a few instructions only. */
static inline bool xpmem_vma_has_readers(struct vm_area_struct *vma)
{
	return rwsem_is_locked(&vma->vm_lock->lock);
}
#elif defined(XPMEM_HAVE_VMA_REFCNT_LOCK_OFFSET) || defined(XPMEM_HAVE_VMA_REFCNT_EXCLUDE_READERS)
#ifdef XPMEM_HAVE_VMA_REFCNT_LOCK_OFFSET
#define XPMEM_VMA_REFCNT_WRITER VMA_LOCK_OFFSET
#else
#define XPMEM_VMA_REFCNT_WRITER VM_REFCNT_EXCLUDE_READERS_FLAG
#endif

/* An attached VMA counts as one, and each reader as one more. */
static inline bool xpmem_vma_has_readers(struct vm_area_struct *vma)
{
	return (refcount_read(&vma->vm_refcnt) & ~XPMEM_VMA_REFCNT_WRITER) > 1;
}
#else
#error "the per-VMA lock of this kernel has a form that xpmem does not know"
#endif
#endif

/*
 * Whether any task holds the per-VMA lock for reading of the VMA of @mm at @address. No lock
 * needed; takes rcu_read_lock() itself. @mm has users: exit_mmap() frees VMAs and the nodes of
 * their tree without a grace period.
 *
 * The answer is never false while the caller holds that lock, since a VMA with a reader is not
 * detached, and so is neither changed in the tree nor freed. It may be true for no reader, while
 * a task tries to become one. Until the grace period ends, a freed VMA is still a VMA: its memory
 * comes back after call_rcu() with its rwsem, or from a cache with SLAB_TYPESAFE_BY_RCU.
 */
static inline bool xpmem_vma_is_read_locked(struct mm_struct *mm, unsigned long address)
{
#ifdef CONFIG_PER_VMA_LOCK
	struct vm_area_struct *vma;
	bool locked;

	rcu_read_lock();
	vma = mtree_load(&mm->mm_mt, address);
	locked = vma && xpmem_vma_has_readers(vma);
	rcu_read_unlock();
	return locked;
#else
	return false;
#endif
}

#endif
