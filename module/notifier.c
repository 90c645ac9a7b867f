// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers mmu notifiers in the caller's address space.
 *
 * mm_take_all_locks() tests for a signal after each lock that it takes, and gives up with -EINTR. A
 * process with many mappings and a timer might never register a notifier, nor might one with much
 * task work, for example from io_uring. So this file blocks all signals but SIGKILL meanwhile, and
 * hides task work.
 */
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "compat/notify_signal.h"
#include "notifier.h"
#include "xpmem.h"

/* An operation under the mmap_lock. The caller sets one of notifier, interval and ops. */
struct request {
	struct mmu_notifier *notifier;			/* to register */
	struct mmu_interval_notifier *interval;		/* to insert, with interval_ops */
	const struct mmu_interval_notifier_ops *interval_ops;
	const struct mmu_notifier_ops *ops;		/* of the notifier to get */
	struct mmu_notifier *found;
};

static int request_serve(struct request *request, struct mm_struct *mm)
{
	if (request->notifier)
		return __mmu_notifier_register(request->notifier, mm);
	if (request->interval)
		return mmu_interval_notifier_insert_locked(request->interval, mm, 0, ULONG_MAX,
							   request->interval_ops);
	request->found = mmu_notifier_get_locked(request->ops, mm);
	return PTR_ERR_OR_ZERO(request->found);
}

static int serve_with_signals_blocked(struct request *request)
{
	struct mm_struct *mm = current->mm;
	sigset_t blocked, old;
	int error;

	siginitsetinv(&blocked, sigmask(SIGKILL));
	sigprocmask(SIG_BLOCK, &blocked, &old);
	error = mmap_write_lock_killable(mm);
	if (!error) {
		error = request_serve(request, mm);
		mmap_write_unlock(mm);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return error;
}

/*
 * The signal may be gone when the registration fails, for example after a stop and a continue. Then
 * the system call would not restart, so this function tries again, as it does when new task work
 * was added. Otherwise the system call restarts after the task has handled the signal.
 */
static int request_watch(struct request *request)
{
	bool hidden = false;
	int error;

	might_lock(&current->mm->mmap_lock);
	do {
		hidden |= xpmem_task_work_hide();
		error = serve_with_signals_blocked(request);
	} while (error == -EINTR && !xpmem_signal_waits());
	if (hidden)
		xpmem_task_work_show();
	return error == -EINTR ? -ERESTARTNOINTR : error;
}

/**
 * xpmem_notifier_register() - register an ordinary mmu notifier in the caller's address space
 * @notifier: the caller has set its ops
 *
 * The caller holds no mmap_lock. mmu_notifier_unregister() undoes it.
 * Return: 0, -ENOMEM or -ERESTARTNOINTR.
 */
int xpmem_notifier_register(struct mmu_notifier *notifier)
{
	struct request request = { .notifier = notifier };

	return request_watch(&request);
}

/**
 * xpmem_notifier_get() - get the one notifier with given ops in the caller's address space
 * @ops: must have alloc_notifier and free_notifier
 *
 * The caller holds no mmap_lock. mmu_notifier_put() undoes it.
 * Return: the notifier, or -ENOMEM or -ERESTARTNOINTR.
 */
struct mmu_notifier *xpmem_notifier_get(const struct mmu_notifier_ops *ops)
{
	struct request request = { .ops = ops };
	int error = request_watch(&request);

	return error ? ERR_PTR(error) : request.found;
}

/**
 * xpmem_interval_notifier_insert() - watch all of the caller's address space
 * @notifier: the function initializes it
 * @ops: must have the callback
 *
 * The caller holds no mmap_lock. mmu_interval_notifier_remove() undoes it. Invalidations that have
 * begun may delay the first callback until all of them have ended.
 *
 * Return: 0, -ENOMEM or -ERESTARTNOINTR.
 */
int xpmem_interval_notifier_insert(struct mmu_interval_notifier *notifier,
				   const struct mmu_interval_notifier_ops *ops)
{
	struct request request = { .interval = notifier, .interval_ops = ops };

	return request_watch(&request);
}
