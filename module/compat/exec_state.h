/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether a task is dumpable, and the user namespace that its program was executed in. Both are in
 * the mm, and on later kernels in an object of the task that exec replaces together with the mm.
 */
#ifndef XPMEM_COMPAT_EXEC_STATE_H
#define XPMEM_COMPAT_EXEC_STATE_H

#include <linux/sched.h>
#include <linux/sched/coredump.h>
#include <linux/user_namespace.h>

#include "features.h"

#ifdef XPMEM_HAVE_TASK_EXEC_STATE
#include <linux/sched/exec_state.h>

/* The caller holds the task_lock() of @task, which has an mm. */
static inline bool xpmem_task_is_dumpable(struct task_struct *task)
{
	bool dumpable;

	lockdep_assert_held(&task->alloc_lock);
	rcu_read_lock();
	dumpable = READ_ONCE(rcu_dereference(task->exec_state)->dumpable) == TASK_DUMPABLE_OWNER;
	rcu_read_unlock();
	return dumpable;
}

/* Returns the namespace with a reference. */
static inline struct user_namespace *xpmem_exec_user_ns_get(void)
{
	struct user_namespace *user_ns;

	rcu_read_lock();
	user_ns = get_user_ns(rcu_dereference(current->exec_state)->user_ns);
	rcu_read_unlock();
	return user_ns;
}
#else
/* The caller holds the task_lock() of @task, which has an mm. */
static inline bool xpmem_task_is_dumpable(struct task_struct *task)
{
	lockdep_assert_held(&task->alloc_lock);
	return get_dumpable(task->mm) == SUID_DUMP_USER;
}

/* Returns the namespace with a reference. */
static inline struct user_namespace *xpmem_exec_user_ns_get(void)
{
	return get_user_ns(current->mm->user_ns);
}
#endif

#endif
