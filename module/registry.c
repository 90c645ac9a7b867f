// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects by id.
 *
 * An id is (random cookie << 31 | index): positive in 63 bits, hard to guess, and not
 * reused soon, since indices are handed out in a circle and the cookie differs each time.
 * The registry holds no reference: an object is withdrawn before its last one goes, and its
 * memory is freed after an RCU grace period.
 */
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/random.h>

#include "xpmem.h"

#define INDEX_BITS 31
#define INDEX_MASK ((1UL << INDEX_BITS) - 1)

/* 16 times what 256 processes hold that attach to each other, 65,280 of each. */
#define DEFAULT_LIMIT 1048576

#define REGISTRY(noun, kind_of) \
	struct xpmem_registry xpmem_##noun = { \
		.kind = kind_of, \
		.limit = DEFAULT_LIMIT, \
		.objects = XARRAY_INIT(xpmem_##noun.objects, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT), \
	}; \
	module_param_named(max_##noun, xpmem_##noun.limit, uint, 0644); \
	MODULE_PARM_DESC(max_##noun, "Most " #noun " of a user without CAP_SYS_RESOURCE (default: " __stringify(DEFAULT_LIMIT) ", 0: no limit)")

REGISTRY(segments, XPMEM_SEGMENT);
REGISTRY(permits, XPMEM_PERMIT);
REGISTRY(attachments, XPMEM_ATTACHMENT);

/* No more than there are segments. */
struct xpmem_registry xpmem_exporters = {
	.kind = XPMEM_EXPORTER,
	.objects = XARRAY_INIT(xpmem_exporters.objects, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT),
};

static int charge(struct xpmem_registry *registry, struct xpmem_object *object)
{
	unsigned int limit = READ_ONCE(registry->limit);

	object->user = NULL;
	if (registry->kind == XPMEM_EXPORTER)
		return 0;
	object->user = xpmem_user_charge(registry->kind, limit);
	if (!IS_ERR(object->user))
		return 0;
	if (PTR_ERR(object->user) == -EDQUOT) {
		xpmem_stat_add(XPMEM_STAT_LIMIT_HITS, 1);
		xpmem_event_limit(registry->kind, limit);
	}
	return PTR_ERR(object->user);
}

static void uncharge(struct xpmem_registry *registry, struct xpmem_object *object)
{
	if (object->user)
		xpmem_user_uncharge(object->user, registry->kind);
}

/**
 * xpmem_registry_reserve() - give an object its id, and charge it to the user that the caller acts as
 * @registry: where
 * @object: what; nobody finds it until it is published
 *
 * The caller must cancel or publish. Return: 0, -EDQUOT, -ENOMEM or -ENOSPC.
 */
int xpmem_registry_reserve(struct xpmem_registry *registry, struct xpmem_object *object)
{
	u32 index;
	int error;

	error = charge(registry, object);
	if (error)
		return error;
	error = xa_alloc_cyclic(&registry->objects, &index, NULL, XA_LIMIT(1, INDEX_MASK), &registry->next,
				GFP_KERNEL_ACCOUNT);
	if (error < 0) {
		uncharge(registry, object);
		return error == -EBUSY ? -ENOSPC : error;
	}
	object->id = (s64)get_random_u32() << INDEX_BITS | index;
	object->created = ktime_get_real_seconds();
	return 0;
}

/* For an object that was reserved and never published. */
void xpmem_registry_cancel(struct xpmem_registry *registry, struct xpmem_object *object)
{
	xa_erase(&registry->objects, object->id & INDEX_MASK);
	uncharge(registry, object);
}

/* Cannot fail: the slot was made by the reservation. */
void xpmem_registry_publish(struct xpmem_registry *registry, struct xpmem_object *object)
{
	xa_store(&registry->objects, object->id & INDEX_MASK, object, GFP_NOWAIT);
	atomic_inc(&registry->generation);
	atomic_long_inc(&registry->live);
}

/**
 * xpmem_registry_withdraw() - take a published object out
 * @registry: where
 * @object: what; the caller holds a reference
 *
 * Return: whether this call did it, which is true once only.
 */
bool xpmem_registry_withdraw(struct xpmem_registry *registry, struct xpmem_object *object)
{
	unsigned long index = object->id & INDEX_MASK;
	bool found;

	xa_lock(&registry->objects);
	found = xa_load(&registry->objects, index) == object;
	if (found)
		__xa_erase(&registry->objects, index);
	xa_unlock(&registry->objects);
	if (found) {
		atomic_inc(&registry->generation);
		atomic_long_dec(&registry->live);
		uncharge(registry, object);
	}
	return found;
}

/* The object with a reference for the caller, or NULL. */
struct xpmem_object *xpmem_registry_find(struct xpmem_registry *registry, s64 id)
{
	struct xpmem_object *object;

	if (id <= 0)
		return NULL;
	rcu_read_lock();
	object = xa_load(&registry->objects, id & INDEX_MASK);
	if (object && (object->id != id || !refcount_inc_not_zero(&object->ref)))
		object = NULL;
	rcu_read_unlock();
	return object;
}

/**
 * xpmem_registry_next() - walk over all objects
 * @registry: where
 * @cursor: zero for the first; moved past the object that is returned
 *
 * Return: an object with a reference for the caller, or NULL at the end.
 */
struct xpmem_object *xpmem_registry_next(struct xpmem_registry *registry, unsigned long *cursor)
{
	struct xpmem_object *object;
	unsigned long index = *cursor;

	rcu_read_lock();
	for (object = xa_find(&registry->objects, &index, INDEX_MASK, XA_PRESENT); object;
	     object = xa_find_after(&registry->objects, &index, INDEX_MASK, XA_PRESENT))
		if (refcount_inc_not_zero(&object->ref))
			break;
	rcu_read_unlock();
	*cursor = index + 1;
	return object;
}
