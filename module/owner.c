// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process that created objects, and the conditions for others to access its memory.
 */
#include <linux/capability.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "compat/exec_state.h"
#include "compat/ipc_namespace.h"
#include "xpmem.h"

bool xpmem_global_ids;
module_param_named(global_ids, xpmem_global_ids, bool, 0644);
MODULE_PARM_DESC(global_ids, "Ids are valid in every ipc namespace (default: N)");

static struct xpmem_owner *owner_create(void)
{
	struct xpmem_owner *owner = kmalloc(sizeof(*owner), GFP_KERNEL_ACCOUNT);

	if (!owner)
		return NULL;
	owner->user = xpmem_user_get();
	if (!owner->user) {
		kfree(owner);
		return NULL;
	}
	refcount_set(&owner->ref, 1);
	owner->uid = current_euid();
	owner->gid = current_egid();
	owner->pid = get_pid(task_tgid(current));
	owner->ipc_ns = xpmem_ipc_ns_get();
	owner->user_ns = xpmem_exec_user_ns_get();
	return owner;
}

/* May be called with the mmap_lock of an attacher held. */
void xpmem_owner_put(struct xpmem_owner *owner)
{
	if (!refcount_dec_and_test(&owner->ref))
		return;
	put_pid(owner->pid);
	put_user_ns(owner->user_ns);
	xpmem_ipc_ns_put(owner->ipc_ns);
	xpmem_user_put(owner->user);
	kfree(owner);
}

/* The caller runs in the mm of the owner's client, so it is in the owner's exec. */
static bool owner_is_caller(const struct xpmem_owner *owner)
{
	return owner->pid == task_tgid(current) && uid_eq(owner->uid, current_euid()) &&
	       gid_eq(owner->gid, current_egid()) && owner->ipc_ns == xpmem_ipc_ns_current() &&
	       owner->user->user_ns == current_user_ns();
}

/**
 * xpmem_owner_get() - get an owner that describes the caller
 * @client: of the caller's mm; keeps the owner of its first object for the following ones
 *
 * Return: the owner with a reference for the caller, or NULL without memory.
 */
struct xpmem_owner *xpmem_owner_get(struct xpmem_client *client)
{
	/* Pairs with the cmpxchg() below, which follows the initialization. */
	struct xpmem_owner *owner = READ_ONCE(client->owner), *made;

	if (owner && owner_is_caller(owner)) {
		refcount_inc(&owner->ref);
		return owner;
	}
	made = owner_create();
	if (!made || owner)
		return made;
	/* Takes the client's reference before another task can use the owner. */
	refcount_inc(&made->ref);
	if (cmpxchg(&client->owner, NULL, made))
		refcount_dec(&made->ref);
	return made;
}

/**
 * xpmem_owner_end() - tell why the address space of an owner ended
 * @owner: the owner; if its process still lives, it has called exec
 *
 * Return: XPMEM_REASON_EXEC or XPMEM_REASON_EXITED.
 */
enum xpmem_reason xpmem_owner_end(const struct xpmem_owner *owner)
{
	struct task_struct *task = get_pid_task(owner->pid, PIDTYPE_TGID);
	bool lives = task && atomic_read(&task->signal->live);

	if (task)
		put_task_struct(task);
	return lives ? XPMEM_REASON_EXEC : XPMEM_REASON_EXITED;
}

/* Whether ids of @owner's objects are valid in @ipc_ns. */
bool xpmem_owner_same_scope(const struct xpmem_owner *owner, const struct ns_common *ipc_ns)
{
	return READ_ONCE(xpmem_global_ids) || owner->ipc_ns == ipc_ns;
}

/**
 * xpmem_owner_refusal() - tell the error for a process that names an object of another
 * @owner: owner of the object
 *
 * Return: -EACCES; or -ENOENT where ids of @owner are not valid.
 */
int xpmem_owner_refusal(const struct xpmem_owner *owner)
{
	return xpmem_owner_same_scope(owner, xpmem_ipc_ns_current()) ? -EACCES : -ENOENT;
}

/*
 * Returns a thread of @owner's process that still has the address space @mm, with a reference.
 * Prefers the first thread.
 */
static struct task_struct *get_thread(const struct xpmem_owner *owner, const struct mm_struct *mm)
{
	struct task_struct *first, *thread, *found = NULL;

	rcu_read_lock();
	first = pid_task(owner->pid, PIDTYPE_TGID);
	if (first)
		for_each_thread(first, thread)
			if (READ_ONCE(thread->mm) == mm) {
				found = get_task_struct(thread);
				break;
			}
	rcu_read_unlock();
	return found;
}

static bool user_ns_contains(const struct user_namespace *outer, const struct user_namespace *inner)
{
	while (inner && inner != outer)
		inner = inner->parent;
	return inner;
}

/* Whether all ids of @theirs are the effective ones of @cred. */
bool xpmem_ids_are_equal(const struct cred *cred, const struct cred *theirs)
{
	return uid_eq(theirs->uid, cred->euid) && uid_eq(theirs->euid, cred->euid) &&
	       uid_eq(theirs->suid, cred->euid) && gid_eq(theirs->gid, cred->egid) &&
	       gid_eq(theirs->egid, cred->egid) && gid_eq(theirs->sgid, cred->egid);
}

/*
 * Whether @cred has all capabilities that @theirs has. Capabilities in a user namespace that the
 * user of @cred created, and that @cred is not in, give no power beyond that of this user.
 */
static bool has_capabilities(const struct cred *cred, const struct cred *theirs)
{
	const struct user_namespace *user_ns;

	if (cap_isclear(theirs->cap_permitted))
		return true;
	if (theirs->user_ns == cred->user_ns)
		return cap_issubset(theirs->cap_permitted, cred->cap_permitted);
	for (user_ns = theirs->user_ns; !user_ns_contains(user_ns, cred->user_ns);
	     user_ns = user_ns->parent)
		if (uid_eq(user_ns->owner, cred->euid))
			return true;
	return false;
}

/**
 * xpmem_owner_denial() - tell why ptrace would keep the memory of a process from another
 * @owner: of an object of the other process
 * @mm: the address space that the object belongs to
 * @cred: credentials of the process that asks
 * @any_user: the object is for other users, too: the other process only has to be dumpable
 *
 * This makes the checks of __ptrace_may_access(), which modules cannot call. The differences are:
 * - the ids must be the effective ones of @cred, as for files, not the real ones;
 * - the permitted capabilities of @cred count, as for PTRACE_ATTACH;
 * - ptrace refuses across user namespaces. Here processes of one user in namespaces of that user
 *   pass, since containers that a user starts would not reach each other otherwise;
 * - it asks no security module. One of them, Yama, would by its ptrace_scope keep processes from
 *   attaching memory of their siblings, which MPI programs need;
 * - the caller tests for CAP_SYS_PTRACE in @owner->user_ns, which overrides all of it.
 *
 * Return: 0, or the reason.
 */
enum xpmem_denial xpmem_owner_denial(const struct xpmem_owner *owner, const struct mm_struct *mm,
				     const struct cred *cred, bool any_user)
{
	struct task_struct *thread = get_thread(owner, mm);
	enum xpmem_denial denial = 0;
	const struct cred *theirs;

	if (!thread)
		return XPMEM_DENIAL_GONE;
	task_lock(thread);
	rcu_read_lock();
	theirs = __task_cred(thread);
	if (!any_user && !xpmem_ids_are_equal(cred, theirs))
		denial = XPMEM_DENIAL_IDS;
	else if (!any_user && !has_capabilities(cred, theirs))
		denial = XPMEM_DENIAL_CAPABILITIES;
	rcu_read_unlock();
	/*
	 * commit_creds() makes a thread undumpable before it changes its ids. Pairs with
	 * commit_creds(): if this task saw new ids above, it sees the new dumpable below.
	 */
	smp_rmb();
	/* exec_mmap() changes the mm and whether the task is dumpable under this lock. */
	if (thread->mm != mm)
		denial = XPMEM_DENIAL_GONE;
	else if (!denial && !xpmem_task_is_dumpable(thread))
		denial = XPMEM_DENIAL_DUMPABLE;
	task_unlock(thread);
	put_task_struct(thread);
	return denial;
}
