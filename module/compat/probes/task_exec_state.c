// SPDX-License-Identifier: GPL-2.0-only
/* 7.3 and later: tasks, not address spaces, say whether they are dumpable. */
#include <linux/sched.h>
#include <linux/sched/exec_state.h>

enum task_dumpable probe(struct task_struct *task);
enum task_dumpable probe(struct task_struct *task)
{
	return rcu_dereference(task->exec_state)->dumpable;
}
