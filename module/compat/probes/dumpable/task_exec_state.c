// SPDX-License-Identifier: GPL-2.0-only
/* 7.3 and later: tasks, not address spaces, say whether they are dumpable. */
#include <linux/sched.h>
#include <linux/sched/exec_state.h>

bool probe(struct task_struct *task);
bool probe(struct task_struct *task)
{
	struct user_namespace *user_ns = rcu_dereference(task->exec_state)->user_ns;

	return user_ns && rcu_dereference(task->exec_state)->dumpable == TASK_DUMPABLE_OWNER;
}
