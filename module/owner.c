// SPDX-License-Identifier: GPL-2.0-only
/* Who made a segment or a permit. */
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "xpmem.h"
#include "compat/ipc_namespace.h"

/* Takes references; xpmem_owner_destroy() returns them. */
void xpmem_owner_init(struct xpmem_owner *owner)
{
	owner->pid = get_pid(task_tgid(current));
	owner->ipc_ns = xpmem_ipc_ns_get();
	owner->uid = current_euid();
	owner->gid = current_egid();
}

void xpmem_owner_destroy(struct xpmem_owner *owner)
{
	put_pid(owner->pid);
	xpmem_ipc_ns_put(owner->ipc_ns);
}

/* Why the address space of @owner ended: its process lives on only when it executed another program. */
enum xpmem_reason xpmem_owner_end(const struct xpmem_owner *owner)
{
	struct task_struct *task = get_pid_task(owner->pid, PIDTYPE_TGID);
	bool lives = task && atomic_read(&task->signal->live);

	if (task)
		put_task_struct(task);
	return lives ? XPMEM_REASON_EXEC : XPMEM_REASON_EXITED;
}

/* Whether ids of @owner's objects mean anything in @ipc_ns. */
bool xpmem_owner_same_scope(const struct xpmem_owner *owner, const struct ns_common *ipc_ns)
{
	return READ_ONCE(xpmem_global_ids) || owner->ipc_ns == ipc_ns;
}

/* How another process is refused an object: where ids of @owner mean nothing, it is not there. */
int xpmem_owner_refusal(const struct xpmem_owner *owner)
{
	return xpmem_owner_same_scope(owner, xpmem_ipc_ns_current()) ? -EACCES : -ENOENT;
}
