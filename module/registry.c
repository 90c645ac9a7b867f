// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects by id.
 *
 * An id is (random cookie << INDEX_BITS | index). It is positive. It is hard to guess, because the
 * cookie has all bits that the index leaves of 63. It is not reused soon, because an index waits in
 * a queue before its next use and the cookie differs each time. The index finds the object's slot
 * in three levels of tables, as an address finds a page. The tables stay until the module is
 * unloaded. The registry holds no reference: an object is withdrawn before it is freed.
 *
 * Why the tables are not an XArray: on 2026-11-29, on Linux 6.1.192, `instructions control` counted
 * these instructions with 200,000 live segments, and with an XArray in place of the tables and the
 * queue (xa_alloc_cyclic(), lookups under xa_lock):
 *
 *                      tables   XArray
 *   make and remove      2709     3955 instructions
 *   get and release      3025     4510
 *
 * With 10 segments, the XArray took 3678 and 4452. It allocates and frees a node each time that the
 * cyclic index comes to the next one, and searches its marks for a free index under the one lock.
 */
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/nospec.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "xpmem.h"

#define TABLE_BITS 9
#define TABLE_ENTRIES XPMEM_REGISTRY_TABLE_ENTRIES
#define INDEX_BITS (3 * TABLE_BITS)
#define INDEX_MASK ((1UL << INDEX_BITS) - 1)
#define COOKIE_BITS (63 - INDEX_BITS)

/* Indices wait until so many others wait behind them, unless memory is short. */
#define MIN_WAITING 64

/* A slot holds its object, or FREE and the next index in the queue, or 0 while it is reserved. */
#define FREE 1UL

/* Serialize lookups in a slot with the withdrawal of its object. */
static struct {
	spinlock_t lock;
} ____cacheline_aligned_in_smp slot_locks[64];

static_assert(TABLE_ENTRIES == 1 << TABLE_BITS);

/* About 16 times the permits, or attachments, of 256 processes that all attach to each other. */
#define DEFAULT_LIMIT 1048576

/*
 * The most objects that one user may hold, whatever the limit is set to, so that no user takes all
 * indices of the machine from the others. CAP_SYS_RESOURCE overrides this too: a process with it
 * can exhaust the machine in other ways.
 */
#define HARD_LIMIT (1U << (INDEX_BITS - 3))

#define REGISTRY(noun, kind_of) \
	struct xpmem_registry xpmem_##noun = { \
		.kind = kind_of, \
		.limit = DEFAULT_LIMIT, \
		.lock = __SPIN_LOCK_UNLOCKED(xpmem_##noun.lock), \
	}; \
	module_param_named(max_##noun, xpmem_##noun.limit, uint, 0644); \
	MODULE_PARM_DESC(max_##noun, \
			 "Maximum number of " #noun " of a user without CAP_SYS_RESOURCE (default: " \
			 __stringify(DEFAULT_LIMIT) ", 0: 16777216)")

REGISTRY(segments, XPMEM_SEGMENT);
REGISTRY(permits, XPMEM_PERMIT);
REGISTRY(attachments, XPMEM_ATTACHMENT);

/* Has no limit of its own: there is one exporter for each process that has the device open. */
struct xpmem_registry xpmem_exporters = {
	.kind = XPMEM_EXPORTER,
	.lock = __SPIN_LOCK_UNLOCKED(xpmem_exporters.lock),
};

static int object_charge(struct xpmem_registry *registry, struct xpmem_object *object)
{
	unsigned int limit = READ_ONCE(registry->limit);

	if (registry->kind == XPMEM_EXPORTER)
		return 0;
	return xpmem_user_charge(object->owner->user, registry->kind,
				 limit ? min(limit, HARD_LIMIT) : HARD_LIMIT);
}

static void object_uncharge(struct xpmem_registry *registry, struct xpmem_object *object)
{
	if (registry->kind != XPMEM_EXPORTER)
		xpmem_user_uncharge(object->owner->user, registry->kind);
}

static spinlock_t *slot_lock(u32 index)
{
	return &slot_locks[index % ARRAY_SIZE(slot_locks)].lock;
}

/* Returns the slot of an index whose tables exist. */
static unsigned long *slot_of(const struct xpmem_registry *registry, u32 index)
{
	unsigned long **tables = registry->root[index >> 2 * TABLE_BITS];

	return &tables[(index >> TABLE_BITS) % TABLE_ENTRIES][index % TABLE_ENTRIES];
}

/* Returns the table at @place, which it creates if there is none, or NULL without memory. */
static void *get_table(void *place)
{
	void **table = place, *found = READ_ONCE(*table), *made;

	if (found)
		return found;
	made = kcalloc(TABLE_ENTRIES, sizeof(unsigned long), GFP_KERNEL_ACCOUNT);
	if (!made)
		return NULL;
	found = cmpxchg(table, NULL, made);
	if (!found)
		return made;
	kfree(made);
	return found;
}

/* Creates the tables for the slot of @index. Returns false without memory. */
static bool make_slot(struct xpmem_registry *registry, u32 index)
{
	unsigned long **tables = get_table(&registry->root[index >> 2 * TABLE_BITS]);

	return tables && get_table(&tables[(index >> TABLE_BITS) % TABLE_ENTRIES]);
}

/* Takes the first index that waits. The caller holds the registry's lock. */
static u32 take_free(struct xpmem_registry *registry)
{
	u32 index = registry->first_free;
	unsigned long *slot = slot_of(registry, index);

	lockdep_assert_held(&registry->lock);
	registry->first_free = *slot >> 1;
	registry->free_count--;
	WRITE_ONCE(*slot, 0);
	return index;
}

static void put_free(struct xpmem_registry *registry, u32 index)
{
	spin_lock(&registry->lock);
	if (registry->free_count++)
		WRITE_ONCE(*slot_of(registry, registry->last_free),
			   (unsigned long)index << 1 | FREE);
	else
		registry->first_free = index;
	registry->last_free = index;
	WRITE_ONCE(*slot_of(registry, index), FREE);
	spin_unlock(&registry->lock);
}

/*
 * Returns random bits for an id. Draws them for many ids at once, which takes half the time. The
 * caller holds the registry's lock.
 */
static u64 take_cookie(struct xpmem_registry *registry)
{
	u64 cookie = 0;
	u8 *bytes;

	lockdep_assert_held(&registry->lock);
	BUILD_BUG_ON(COOKIE_BITS > 8 * sizeof(*registry->cookies));
	if (!registry->cookies_left) {
		get_random_bytes(registry->cookies, sizeof(registry->cookies));
		registry->cookies_left = XPMEM_REGISTRY_COOKIES;
	}
	bytes = registry->cookies[--registry->cookies_left];
	memcpy(&cookie, bytes, sizeof(*registry->cookies));
	/* No later reader of the memory learns the id. */
	memset(bytes, 0, sizeof(*registry->cookies));
	return le64_to_cpu((__force __le64)cookie) & ((1UL << COOKIE_BITS) - 1);
}

/*
 * Returns an index whose slot is reserved, and random bits in *@cookie; or 0 and *@error. Takes an
 * index that waited if enough of them wait. Else takes a new one, for which it makes the slot
 * without the lock.
 */
static u32 take_index(struct xpmem_registry *registry, u64 *cookie, int *error)
{
	bool made = false, room = true;
	u32 index = 0, next = 0;

	for (;;) {
		spin_lock(&registry->lock);
		if (registry->free_count > (room ? MIN_WAITING : 0)) {
			index = take_free(registry);
			break;
		}
		if (!room)
			break;
		if (made && registry->last + 1 == next) {
			index = next;
			/* Readers of last must see the tables of its slot. */
			smp_store_release(&registry->last, index);
			break;
		}
		next = registry->last + 1;
		spin_unlock(&registry->lock);
		made = next <= INDEX_MASK && make_slot(registry, next);
		if (!made) {
			*error = next > INDEX_MASK ? -ENOSPC : -ENOMEM;
			room = false;
		}
	}
	if (index)
		*cookie = take_cookie(registry);
	spin_unlock(&registry->lock);
	return index;
}

/**
 * xpmem_registry_reserve() - give an object its id and owner, and charge it to the owner's user
 * @registry: the registry
 * @object: the object; no lookup finds it until it is published
 * @client: of the caller's mm
 *
 * The caller must cancel or publish the object, and drop the reference to its owner in the end.
 * Return: 0, -EDQUOT, -ENOMEM or -ENOSPC.
 */
int xpmem_registry_reserve(struct xpmem_registry *registry, struct xpmem_object *object,
			   struct xpmem_client *client)
{
	u64 cookie;
	u32 index;
	int error;

	object->owner = xpmem_owner_get(client);
	if (!object->owner)
		return -ENOMEM;
	error = object_charge(registry, object);
	if (error)
		goto put_owner;
	index = take_index(registry, &cookie, &error);
	if (!index)
		goto uncharge;
	object->id = (s64)cookie << INDEX_BITS | index;
	object->created = ktime_get_real_seconds();
	return 0;

uncharge:
	object_uncharge(registry, object);
put_owner:
	xpmem_owner_put(object->owner);
	return error;
}

/**
 * xpmem_registry_cancel() - undo xpmem_registry_reserve()
 * @registry: the registry
 * @object: it was never published; the caller drops the reference to its owner
 */
void xpmem_registry_cancel(struct xpmem_registry *registry, struct xpmem_object *object)
{
	put_free(registry, object->id & INDEX_MASK);
	object_uncharge(registry, object);
}

/* Cannot fail. */
void xpmem_registry_publish(struct xpmem_registry *registry, struct xpmem_object *object)
{
	u32 index = object->id & INDEX_MASK;

	spin_lock(slot_lock(index));
	WRITE_ONCE(*slot_of(registry, index), (unsigned long)object);
	spin_unlock(slot_lock(index));
	atomic_long_inc(&registry->live);
}

/**
 * xpmem_registry_withdraw() - remove a published object
 * @registry: the registry
 * @object: the object; the caller holds a reference, or dropped the last one and has not freed it
 *
 * When this returns, no task without a reference uses @object.
 * Return: whether this call removed it, which is true only once.
 */
bool xpmem_registry_withdraw(struct xpmem_registry *registry, struct xpmem_object *object)
{
	u32 index = object->id & INDEX_MASK;
	unsigned long *slot = slot_of(registry, index);
	bool found;

	spin_lock(slot_lock(index));
	found = *slot == (unsigned long)object;
	if (found)
		WRITE_ONCE(*slot, 0);
	spin_unlock(slot_lock(index));
	if (found) {
		xpmem_race_spin("registry-withdrawn");
		put_free(registry, index);
		atomic_long_dec(&registry->live);
		object_uncharge(registry, object);
	}
	return found;
}

/*
 * Returns the object in the slot of a valid index, with a reference for the caller, or NULL. The
 * object must have the id @id, unless that is zero.
 */
static struct xpmem_object *get_object(struct xpmem_registry *registry, u32 index, s64 id)
{
	unsigned long *slot = slot_of(registry, index), value = READ_ONCE(*slot);
	struct xpmem_object *object;

	if (!value || value & FREE)
		return NULL;
	spin_lock(slot_lock(index));
	value = *slot;
	object = value & FREE ? NULL : (struct xpmem_object *)value;
	if (object && ((id && object->id != id) || !refcount_inc_not_zero(&object->ref)))
		object = NULL;
	spin_unlock(slot_lock(index));
	return object;
}

/**
 * xpmem_registry_find() - find a published object by its id
 * @registry: the registry
 * @id: any number; the function counts those that name no object, because they reveal callers that
 *	guess ids
 *
 * Return: the object with a reference for the caller, or NULL.
 */
struct xpmem_object *xpmem_registry_find(struct xpmem_registry *registry, s64 id)
{
	struct xpmem_object *object = NULL;
	u32 end, index = id & INDEX_MASK;

	/* Pairs with take_index(). */
	end = smp_load_acquire(&registry->last) + 1;
	if (id > 0 && index && index < end)
		object = get_object(registry, array_index_nospec(index, end), id);
	if (!object)
		xpmem_stat_add(XPMEM_STAT_UNKNOWN_IDS, 1);
	return object;
}

/**
 * xpmem_registry_next() - walk over all objects; sleeps
 * @registry: the registry
 * @cursor: zero for the first object; the function moves it past the object that it returns
 *
 * A walk returns every object that is published from its first call to its last, and none twice,
 * however many others come and go meanwhile:
 * - An object has one slot for as long as it is published, and the walk visits the slots in the
 *   order of their indices, each once, as *cursor only grows.
 * - The slot's index is not above registry->last at the visit: take_index() raised it before the
 *   object was published, and it never shrinks.
 * - At the visit the slot holds the object, and get_object() cannot fail to take a reference: a
 *   published object has one until its end, which withdraws it or drops the last one.
 *
 * An object that comes or goes during the walk is returned or not. So a dump that takes many calls
 * needs no sign that it was interrupted, and users whose objects come and go cannot spoil the dumps
 * of others.
 *
 * Return: an object with a reference for the caller, or NULL at the end.
 */
struct xpmem_object *xpmem_registry_next(struct xpmem_registry *registry, unsigned long *cursor)
{
	struct xpmem_object *object = NULL;
	unsigned long last, index;

	/* Pairs with take_index(). */
	last = smp_load_acquire(&registry->last);
	for (index = max(*cursor, 1UL); index <= last && !object; index++) {
		object = get_object(registry, index, 0);
		if (index % TABLE_ENTRIES == 0)
			cond_resched();
	}
	*cursor = index;
	return object;
}

void xpmem_registry_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(slot_locks); i++)
		spin_lock_init(&slot_locks[i].lock);
}

static void free_tables(struct xpmem_registry *registry)
{
	unsigned long **tables;
	int i, j;

	for (i = 0; i < TABLE_ENTRIES; i++) {
		tables = registry->root[i];
		for (j = 0; tables && j < TABLE_ENTRIES; j++)
			kfree(tables[j]);
		kfree(tables);
	}
}

/* No object and no lookup is left. */
void xpmem_registry_exit(void)
{
	free_tables(&xpmem_segments);
	free_tables(&xpmem_permits);
	free_tables(&xpmem_attachments);
	free_tables(&xpmem_exporters);
}
