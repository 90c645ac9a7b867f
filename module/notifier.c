// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registering mmu notifiers in the caller's address space.
 *
 * mm_take_all_locks() looks for a signal after each lock that it takes and gives up with -EINTR. In
 * a process with many mappings and a timer it would never end. So all signals but SIGKILL wait.
 */
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "xpmem.h"

/* What to do under the mmap_lock: one of three. */
struct request {
	struct mmu_notifier *notifier;			/* to register */
	struct mmu_interval_notifier *interval;		/* to insert, with its ops */
	const struct mmu_interval_notifier_ops *interval_ops;
	const struct mmu_notifier_ops *ops;		/* of a notifier to get */
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
 * What looked like a signal may be gone by now, as a stop that was continued is: then the system
 * call, which would not be restarted, goes on here. Else it starts again after the signal, or the
 * work for the task, was dealt with.
 */
static int request_watch(struct request *request)
{
	int error;

	do {
		error = serve_with_signals_blocked(request);
	} while (error == -EINTR && !signal_pending(current));
	return error == -EINTR ? -ERESTARTNOINTR : error;
}

/**
 * xpmem_notifier_register() - register an ordinary mmu notifier in the caller's address space
 * @notifier: its ops are set
 *
 * The caller holds no lock. mmu_notifier_unregister() undoes it.
 * Return: 0, -ENOMEM or -ERESTARTNOINTR.
 */
int xpmem_notifier_register(struct mmu_notifier *notifier)
{
	struct request request = { .notifier = notifier };

	return request_watch(&request);
}

/**
 * xpmem_notifier_get() - the notifier with some ops that the caller's address space has once
 * @ops: with alloc_notifier and free_notifier
 *
 * The caller holds no lock. mmu_notifier_put() undoes it.
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
 * @notifier: is initialized here
 * @ops: with the callback
 *
 * The caller holds no lock. mmu_interval_notifier_remove() undoes it. Invalidations that go on now
 * may delay the first call of the callback until all of them have ended.
 *
 * Return: 0, -ENOMEM or -ERESTARTNOINTR.
 */
int xpmem_interval_notifier_insert(struct mmu_interval_notifier *notifier,
				   const struct mmu_interval_notifier_ops *ops)
{
	struct request request = { .interval = notifier, .interval_ops = ops };

	return request_watch(&request);
}
