// SPDX-License-Identifier: GPL-2.0-only
/* How many objects a user holds, and how many it may. */
#include <linux/capability.h>
#include <linux/hashtable.h>
#include <linux/slab.h>
#include <linux/uidgid.h>

#include "xpmem.h"

static DEFINE_HASHTABLE(users, 8);	/* by uid; users_lock */
static DEFINE_SPINLOCK(users_lock);

static struct xpmem_user *find(kuid_t uid)
{
	struct xpmem_user *user;

	lockdep_assert_held(&users_lock);
	hash_for_each_possible(users, user, link, __kuid_val(uid))
		if (uid_eq(user->uid, uid)) {
			refcount_inc(&user->ref);
			return user;
		}
	return NULL;
}

/* The user that the caller acts as, with a reference, or NULL without memory. */
static struct xpmem_user *find_or_create(void)
{
	struct xpmem_user *user, *made;
	kuid_t uid = current_euid();

	spin_lock(&users_lock);
	user = find(uid);
	spin_unlock(&users_lock);
	if (user)
		return user;

	made = kzalloc(sizeof(*made), GFP_KERNEL_ACCOUNT);
	if (!made)
		return NULL;
	refcount_set(&made->ref, 1);
	made->uid = uid;
	spin_lock(&users_lock);
	user = find(uid);
	if (!user)
		hash_add(users, &made->link, __kuid_val(uid));
	spin_unlock(&users_lock);
	if (!user)
		return made;
	kfree(made);
	return user;
}

static void put(struct xpmem_user *user)
{
	bool last;

	spin_lock(&users_lock);
	last = refcount_dec_and_test(&user->ref);
	if (last)
		hash_del(&user->link);
	spin_unlock(&users_lock);
	if (last)
		kfree(user);
}

/**
 * xpmem_user_charge() - count one more object to the user that the caller acts as
 * @kind: of what
 * @limit: how many a user may hold who has not CAP_SYS_RESOURCE; 0: any number
 *
 * Return: the user, for xpmem_user_uncharge(), or -EDQUOT or -ENOMEM.
 */
struct xpmem_user *xpmem_user_charge(enum xpmem_kind kind, unsigned int limit)
{
	struct xpmem_user *user = find_or_create();
	long held;

	if (!user)
		return ERR_PTR(-ENOMEM);
	held = atomic_long_inc_return(&user->held[kind]);
	if (!limit || held <= limit || capable(CAP_SYS_RESOURCE))
		return user;
	xpmem_user_uncharge(user, kind);
	return ERR_PTR(-EDQUOT);
}

/* May be called with the mmap_lock of an attacher held. */
void xpmem_user_uncharge(struct xpmem_user *user, enum xpmem_kind kind)
{
	atomic_long_dec(&user->held[kind]);
	put(user);
}
