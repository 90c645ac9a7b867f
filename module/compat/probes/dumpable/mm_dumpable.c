// SPDX-License-Identifier: GPL-2.0-only
/* before 7.3 */
#include <linux/sched.h>
#include <linux/sched/coredump.h>

bool probe(struct task_struct *task);
bool probe(struct task_struct *task)
{
	struct user_namespace *user_ns = task->mm->user_ns;

	return user_ns && get_dumpable(task->mm) == SUID_DUMP_USER;
}
