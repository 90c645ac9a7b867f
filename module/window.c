// SPDX-License-Identifier: GPL-2.0-only
/*
 * 2 MiB of a space, and the notifier that watches it.
 *
 * A notifier a window keeps changes elsewhere in the exporter free of cost, and makes a fault retry
 * for changes in its own window alone.
 */
#include <linux/hash.h>
#include <linux/lockdep.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "trace.h"
#include "xpmem.h"

static unsigned long count_mapped(const struct xpmem_window *window, unsigned long first, unsigned long last)
{
	unsigned long count = 0, word, mask;

	for (word = BIT_WORD(first); word < BITS_TO_LONGS(last); word++) {
		mask = ~0UL;
		if (word == BIT_WORD(first))
			mask &= BITMAP_FIRST_WORD_MASK(first);
		if (word == BIT_WORD(last))
			mask &= BITMAP_LAST_WORD_MASK(last);
		count += hweight_long(window->mapped[word] & mask);
	}
	return count;
}

/*
 * The exporter is about to change [range->start, range->end). Called with whatever the changer
 * holds, down to page and i_mmap locks in reclaim. It may not allocate, and may not wait for
 * an mmap_lock.
 */
static bool invalidate(struct mmu_interval_notifier *notifier, const struct mmu_notifier_range *range,
		       unsigned long seq)
{
	struct xpmem_window *window = container_of(notifier, struct xpmem_window, notifier);
	unsigned long start = max(range->start & PAGE_MASK, window->start);
	unsigned long end = min(PAGE_ALIGN(range->end) ?: ULONG_MAX, window->start + XPMEM_WINDOW_SIZE);
	unsigned long first = (start - window->start) >> PAGE_SHIFT;
	unsigned long last = (end - window->start) >> PAGE_SHIFT;
	bool blockable = mmu_notifier_range_blockable(range);
	unsigned long mapped, shards;

	if (blockable)
		down_write(&window->lock);
	else if (!down_write_trylock(&window->lock))
		return false;
	mapped = count_mapped(window, first, last);
	if (mapped && !blockable) {
		up_write(&window->lock);
		return false;
	}
	mmu_interval_set_seq(notifier, seq);
	bitmap_clear(window->mapped, first, last - first);
	shards = window->shards;
	if (bitmap_empty(window->mapped, XPMEM_WINDOW_PAGES))
		window->shards = 0;
	up_write(&window->lock);
	if (!mapped)
		return true;

	xpmem_stat_add_change(window->space, XPMEM_STAT_INVALIDATIONS, 1);
	xpmem_stat_add_change(window->space, XPMEM_STAT_ZAPS, mapped);
	trace_invalidate(window->space, start, end, mapped);
	/*
	 * The zap notifies the attachers' own mms, which lockdep takes for recursion into the
	 * invalidation that is running. It ends there: an attachment is never a source, so no window
	 * of theirs has a page of it mapped, and their callbacks return above.
	 */
	lockdep_off();
	xpmem_shards_zap(window->space, shards, start, end);
	lockdep_on();
	return true;
}

static const struct mmu_interval_notifier_ops notifier_ops = { .invalidate = invalidate };

/*
 * Tells lockdep the order of xpmem.h from the start, not when reclaim and another's zap first come by:
 * both may hold what they hold when they take the window's lock.
 */
static void teach_lock_order(struct xpmem_window *window)
{
#ifdef CONFIG_LOCKDEP
	struct rw_semaphore *i_mmap = xpmem_shards_lock(window->space);

	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&window->lock);
	might_lock_read(i_mmap);
	fs_reclaim_release(GFP_KERNEL);
	rwsem_acquire_read(&i_mmap->dep_map, 0, 0, _THIS_IP_);
	might_lock(&window->lock);
	rwsem_release(&i_mmap->dep_map, _THIS_IP_);
#endif
}

static struct xpmem_window *create(struct xpmem_space *space, unsigned long start)
{
	struct xpmem_window *window = kzalloc(sizeof(*window), GFP_KERNEL_ACCOUNT);
	int error;

	if (!window)
		return ERR_PTR(-ENOMEM);
	window->space = space;
	window->start = start;
	init_rwsem(&window->lock);
	teach_lock_order(window);
	/*
	 * lockdep takes the mmap_lock that this might take for the one the caller holds. It is never
	 * taken: the space's exit notifier was inserted before, so the mm is set up for notifiers.
	 */
	lockdep_off();
	error = mmu_interval_notifier_insert(&window->notifier, space->mm, start, XPMEM_WINDOW_SIZE, &notifier_ops);
	lockdep_on();
	if (error) {
		kfree(window);
		return ERR_PTR(error);
	}
	return window;
}

/*
 * The windows of a space by address: a hash table with open addressing that is never more than half full. Nothing is
 * taken out, and a table that became too small is kept as long as the space, so it is read without a lock.
 */
struct xpmem_window_table {
	struct xpmem_window_table *smaller;	/* what it took the place of */
	unsigned int bits;
	unsigned long count;			/* making_window */
	struct xpmem_window *slots[];
};

#define FIRST_TABLE_BITS 3

static struct xpmem_window_table *create_table(unsigned int bits)
{
	struct xpmem_window_table *table = kvzalloc(struct_size(table, slots, 1UL << bits), GFP_KERNEL_ACCOUNT);

	if (table)
		table->bits = bits;
	return table;
}

/* Where to look first for the window that starts at @start, and where next. */
static unsigned long first_index(const struct xpmem_window_table *table, unsigned long start)
{
	return hash_long(start >> XPMEM_WINDOW_SHIFT, table->bits);
}

static unsigned long next_index(const struct xpmem_window_table *table, unsigned long index)
{
	return (index + 1) & ((1UL << table->bits) - 1);
}

/* The window that starts at @start, or NULL. */
static struct xpmem_window *find_in(const struct xpmem_window_table *table, unsigned long start)
{
	struct xpmem_window *window;
	unsigned long index;

	for (index = first_index(table, start);; index = next_index(table, index)) {
		window = READ_ONCE(table->slots[index]);
		if (!window || window->start == start)
			return window;
	}
}

static struct xpmem_window *find(const struct xpmem_space *space, unsigned long start)
{
	struct xpmem_window_table *table = READ_ONCE(space->windows);

	return table ? find_in(table, start) : NULL;
}

/* The caller has making_window, or is the only one who knows the table, which has room. */
static void add(struct xpmem_window_table *table, struct xpmem_window *window)
{
	unsigned long index;

	for (index = first_index(table, window->start); table->slots[index]; index = next_index(table, index))
		;
	table->count++;
	/* Whoever reads the pointer finds a window that is complete. */
	smp_store_release(&table->slots[index], window);
}

/* Sees to it that the table of @space has room for one more; false without memory. The caller has making_window. */
static bool make_room(struct xpmem_space *space)
{
	struct xpmem_window_table *table = space->windows, *larger;
	unsigned long i;

	if (table && table->count < 1UL << (table->bits - 1))
		return true;
	larger = create_table(table ? table->bits + 1 : FIRST_TABLE_BITS);
	if (!larger)
		return false;
	for (i = 0; table && i < 1UL << table->bits; i++)
		if (table->slots[i])
			add(larger, table->slots[i]);
	larger->smaller = table;
	/* Whoever reads the pointer finds what is in the table. */
	smp_store_release(&space->windows, larger);
	return true;
}

/**
 * xpmem_window_get() - the window that a source address lies in
 * @space: the space; the caller holds a reference and has its mm_users raised
 * @source: the address
 *
 * The caller holds the exporter's mmap_lock, and found memory there: so windows cannot be made without end.
 * Return: the window, which lives as long as @space, or an error pointer.
 */
struct xpmem_window *xpmem_window_get(struct xpmem_space *space, unsigned long source)
{
	unsigned long start = source & ~(XPMEM_WINDOW_SIZE - 1);
	struct xpmem_window *window = find(space, start);

	lockdep_assert_held(&space->mm->mmap_lock);
	if (window)
		return window;
	if (mutex_lock_killable(&space->making_window))
		return ERR_PTR(-EINTR);
	window = find(space, start);
	if (window)
		goto unlock;
	window = make_room(space) ? create(space, start) : ERR_PTR(-ENOMEM);
	if (!IS_ERR(window))
		add(space->windows, window);
	/* Pairs with xpmem_windows_revoke(): either it finds the window, or who inserts there sees its mark. */
	smp_mb();
unlock:
	mutex_unlock(&space->making_window);
	return window;
}

/* After this no fault in the window that began before still inserts. Returns the shards that may map any of it. */
static unsigned long wait_for_inserts(struct xpmem_window *window)
{
	unsigned long shards;

	down_write(&window->lock);
	shards = window->shards;
	up_write(&window->lock);
	return shards;
}

/**
 * xpmem_windows_revoke() - wait until nobody inserts who did not see that something is dead
 * @space: the space
 * @start: first source address
 * @end: end of the range
 *
 * The caller has marked a segment or permit dead.
 * Return: a bit for each shard that may map any of the range.
 */
unsigned long xpmem_windows_revoke(struct xpmem_space *space, unsigned long start, unsigned long end)
{
	struct xpmem_window_table *table;
	struct xpmem_window *window;
	unsigned long shards = 0, i;

	/* The mark before the look; pairs with xpmem_window_get(). */
	smp_mb();
	table = READ_ONCE(space->windows);
	if (!table)
		return 0;
	start &= ~(XPMEM_WINDOW_SIZE - 1);
	if ((end - start) >> (XPMEM_WINDOW_SHIFT + table->bits)) {
		for (i = 0; i < 1UL << table->bits; i++) {
			window = READ_ONCE(table->slots[i]);
			if (window && window->start >= start && window->start < end)
				shards |= wait_for_inserts(window);
		}
		return shards;
	}
	for (; start < end; start += XPMEM_WINDOW_SIZE) {
		window = find_in(table, start);
		if (window)
			shards |= wait_for_inserts(window);
	}
	return shards;
}

/* No one refers to the space. Sleeps; the caller holds no lock. */
void xpmem_windows_destroy(struct xpmem_space *space)
{
	struct xpmem_window_table *table = space->windows, *smaller;
	unsigned long i;

	for (i = 0; table && i < 1UL << table->bits; i++) {
		if (!table->slots[i])
			continue;
		mmu_interval_notifier_remove(&table->slots[i]->notifier);
		kfree(table->slots[i]);
	}
	for (; table; table = smaller) {
		smaller = table->smaller;
		kvfree(table);
	}
}
