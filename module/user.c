// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts and limits the objects that a user holds.
 *
 * A user that creates a user namespace has many uids in it. As the kernel does for its own limits
 * (ucounts), the module charges an object made there also to the owner of the namespace, and to the
 * owners of the namespaces around it. None of them may exceed the limit, so subordinate uids share
 * the limit of the user that they belong to.
 */
#include <linux/capability.h>
#include <linux/hashtable.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "xpmem.h"

static DEFINE_HASHTABLE(users, 8);	/* by uid; users_lock */
static DEFINE_SPINLOCK(users_lock);

static struct xpmem_user *lookup_user(const struct user_namespace *user_ns, kuid_t uid)
{
	struct xpmem_user *user;

	lockdep_assert_held(&users_lock);
	hash_for_each_possible(users, user, link, __kuid_val(uid))
		if (uid_eq(user->uid, uid) && user->user_ns == user_ns) {
			refcount_inc(&user->ref);
			return user;
		}
	return NULL;
}

/* Drops a reference to @user, and with the last one its reference to its payer, and so on. */
static void put_user_and_payers(struct xpmem_user *user)
{
	struct xpmem_user *payer;
	bool last;

	for (; user; user = payer) {
		spin_lock(&users_lock);
		last = refcount_dec_and_test(&user->ref);
		if (last)
			hash_del(&user->link);
		spin_unlock(&users_lock);
		if (!last)
			break;
		payer = user->payer;
		put_user_ns(user->user_ns);
		kfree(user);
	}
}

/*
 * Returns the user with a reference, or NULL without memory. Takes over the reference to @payer,
 * which @user_ns and @uid determine.
 */
static struct xpmem_user *find_or_create_user(struct user_namespace *user_ns, kuid_t uid,
					      struct xpmem_user *payer)
{
	struct xpmem_user *user, *made;

	spin_lock(&users_lock);
	user = lookup_user(user_ns, uid);
	spin_unlock(&users_lock);
	if (user)
		goto put_payer;

	made = kzalloc(sizeof(*made), GFP_KERNEL_ACCOUNT);
	if (!made)
		goto put_payer;
	refcount_set(&made->ref, 1);
	made->uid = uid;
	made->user_ns = get_user_ns(user_ns);
	made->payer = payer;
	spin_lock(&users_lock);
	user = lookup_user(user_ns, uid);
	if (!user)
		hash_add(users, &made->link, __kuid_val(uid));
	spin_unlock(&users_lock);
	if (!user)
		return made;
	put_user_ns(user_ns);
	kfree(made);

put_payer:
	put_user_and_payers(payer);
	return user;
}

/**
 * xpmem_user_get() - get the user that the caller acts as, in its user namespace
 *
 * Payers are created first.
 * Return: the user with a reference for the caller, or NULL without memory.
 */
struct xpmem_user *xpmem_user_get(void)
{
	struct user_namespace *user_ns;
	struct xpmem_user *user = NULL;
	int level;
	kuid_t uid;

	for (level = 0; level <= current_user_ns()->level; level++) {
		uid = current_euid();
		for (user_ns = current_user_ns(); user_ns->level > level; user_ns = user_ns->parent)
			uid = user_ns->owner;
		user = find_or_create_user(user_ns, uid, user);
		if (!user)
			break;
	}
	return user;
}

/* The caller may hold the mmap_lock of an attacher. */
void xpmem_user_put(struct xpmem_user *user)
{
	put_user_and_payers(user);
}

/**
 * xpmem_user_charge() - charge an object to a user and its payers
 * @user: the user that the caller acts as
 * @kind: kind of the object
 * @limit: objects that a user may hold; CAP_SYS_RESOURCE overrides it
 *
 * Return: 0, or -EDQUOT with nothing charged.
 */
int xpmem_user_charge(struct xpmem_user *user, enum xpmem_kind kind, unsigned int limit)
{
	static const char *const names[] = {
		[XPMEM_SEGMENT] = "segment",
		[XPMEM_PERMIT] = "permit",
		[XPMEM_ATTACHMENT] = "attachment",
	};
	struct xpmem_user *payer, *full = NULL;

	for (payer = user; payer; payer = payer->payer)
		if (atomic_long_inc_return(&payer->held[kind]) > limit)
			full = payer;
	if (!full || capable(CAP_SYS_RESOURCE))
		return 0;
	xpmem_stat_add_refusal(XPMEM_STAT_LIMIT_HITS);
	xpmem_event_limit(kind, full->uid, limit);
	if (xpmem_report_allowed(XPMEM_REPORT_LIMIT_LOG))
		pr_notice(
			"xpmem: refused a %s to pid %d: uid %u holds %u, its limit; end some, or raise max_%ss\n",
			names[kind], task_tgid_nr(current),
			from_kuid_munged(&init_user_ns, full->uid), limit, names[kind]);
	xpmem_user_uncharge(user, kind);
	return -EDQUOT;
}

/* The caller keeps the user. */
void xpmem_user_uncharge(struct xpmem_user *user, enum xpmem_kind kind)
{
	struct xpmem_user *payer;

	for (payer = user; payer; payer = payer->payer)
		atomic_long_dec(&payer->held[kind]);
}
