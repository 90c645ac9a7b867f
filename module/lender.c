// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lending and borrowing of an exporter's mmap_lock.
 *
 * ptrace, /proc/PID/mem and some pins fault without FAULT_FLAG_ALLOW_RETRY: they hold the
 * attacher's mmap_lock for reading, cannot drop it, and must wait for the exporter's. Two processes
 * that attach each other can deadlock, each behind a writer that waits for the lock that the other
 * holds. But a task that waits here holds its own mmap_lock for the whole wait. So it lends the
 * lock: another task that needs it uses it as if it had taken it, and the lender waits until the
 * borrower returns it.
 *
 * A task lends before it looks for a lender, both under lenders_lock. So the last task of a cycle
 * to do so finds that the lock it needs is lent, and does not wait. Hence a lender may wait in the
 * queue of the exporter's lock, where writers that follow one another cannot overtake it. Only
 * lenders wait for an mmap_lock while they hold another.
 *
 * A borrower holds the lock for one fault of the exporter, and does not drop it in between.
 */
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/rwsem.h>
#include <linux/wait.h>

#include "lender.h"
#include "xpmem.h"

static LIST_HEAD(lenders);
static DEFINE_SPINLOCK(lenders_lock);	/* lenders, and borrowers of each */
static DECLARE_WAIT_QUEUE_HEAD(returned);

/**
 * xpmem_lender_begin() - lend an mmap_lock
 * @lender: on the caller's stack
 * @mm: the mm whose mmap_lock the caller holds for reading until xpmem_lender_end()
 */
void xpmem_lender_begin(struct xpmem_lender *lender, struct mm_struct *mm)
{
	lockdep_assert_held(&mm->mmap_lock);
	lender->mm = mm;
	lender->borrowers = 0;
	spin_lock(&lenders_lock);
	list_add(&lender->link, &lenders);
	spin_unlock(&lenders_lock);
}

static bool lender_is_idle(struct xpmem_lender *lender)
{
	bool idle;

	spin_lock(&lenders_lock);
	idle = !lender->borrowers;
	spin_unlock(&lenders_lock);
	return idle;
}

/* Waits until all borrowers have returned the lock. Each serves one fault. */
void xpmem_lender_end(struct xpmem_lender *lender)
{
	lockdep_assert_held(&lender->mm->mmap_lock);
	spin_lock(&lenders_lock);
	list_del(&lender->link);
	spin_unlock(&lenders_lock);
	wait_event(returned, lender_is_idle(lender));
}

static struct xpmem_lender *lender_borrow(struct mm_struct *mm)
{
	struct xpmem_lender *lender, *found = NULL;

	spin_lock(&lenders_lock);
	list_for_each_entry(lender, &lenders, link) {
		if (lender->mm == mm) {
			lender->borrowers++;
			found = lender;
			break;
		}
	}
	spin_unlock(&lenders_lock);
	return found;
}

/**
 * xpmem_mmap_read_get() - take or borrow an mmap_lock for reading
 * @mm: the mm that owns the lock
 * @waits: whether to wait for the lock; the caller lends the lock that it holds, which
 *	xpmem_lender_begin() asserted
 * @lender: is set to the lender, or to NULL
 *
 * Return: whether the caller got the lock, for xpmem_mmap_read_end(). With @waits, false only if
 * the task was killed.
 */
bool xpmem_mmap_read_get(struct mm_struct *mm, bool waits, struct xpmem_lender **lender)
{
	*lender = NULL;
	if (mmap_read_trylock(mm))
		return true;
	*lender = lender_borrow(mm);
	if (!*lender)
		/* The head of this file says why no cycle of tasks waits here. */
		return waits && !down_read_killable_nested(&mm->mmap_lock, SINGLE_DEPTH_NESTING);
	/* Tells lockdep about the lock, as after a trylock. */
	rwsem_acquire_read(&mm->mmap_lock.dep_map, 0, 1, _THIS_IP_);
	return true;
}

/* Drops or returns a lock from xpmem_mmap_read_get(), which set @lender. */
void xpmem_mmap_read_end(struct mm_struct *mm, struct xpmem_lender *lender)
{
	bool last;

	if (!lender) {
		mmap_read_unlock(mm);
		return;
	}
	rwsem_release(&mm->mmap_lock.dep_map, _THIS_IP_);
	spin_lock(&lenders_lock);
	last = !--lender->borrowers;
	spin_unlock(&lenders_lock);
	if (last)
		wake_up_all(&returned);
}
