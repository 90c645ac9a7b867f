// SPDX-License-Identifier: GPL-2.0-only
/*
 * 2 MiB of an exporter: the pages that attachments may map, and a sequence that tells a fault
 * whether the exporter changed any of them since its snapshot.
 *
 * Each window has a sequence of its own, so a fault retries only for changes in its own window.
 */
#include <linux/hash.h>
#include <linux/lockdep.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "change.h"
#include "xpmem.h"

/*
 * The windows of an exporter by address: a hash table with open addressing that is at most half
 * full. Windows are never removed, and a table that became too small stays as long as the exporter,
 * so readers need no lock.
 *
 * Why the table is no XArray: on 2026-11-29, on Linux 6.1.192, `./vm bench` counted this with the
 * table, and with an XArray of windows, which needs five levels for addresses of user space:
 *
 *                                                       table   XArray
 *   discard of an exported page that no attacher maps    3972     4064 instructions
 *   first read of one word in each 2 MiB, a touch       13426    13826
 *   reads of pages that the exporter makes one by one    6339     6749
 */
struct xpmem_window_table {
	struct xpmem_window_table *smaller;	/* the table that this one replaced */
	unsigned int bits;
	unsigned long count;			/* making_window */
	struct xpmem_window *slots[];
};

#define FIRST_TABLE_BITS 3

static struct xpmem_window_table *window_table_create(unsigned int bits)
{
	struct xpmem_window_table *table;

	table = kvzalloc(struct_size(table, slots, 1UL << bits), GFP_KERNEL_ACCOUNT);
	if (table)
		table->bits = bits;
	return table;
}

/* First index to test for the window that starts at @start; next_index() gives the others. */
static unsigned long first_index(const struct xpmem_window_table *table, unsigned long start)
{
	return hash_long(start >> XPMEM_WINDOW_SHIFT, table->bits);
}

static unsigned long next_index(const struct xpmem_window_table *table, unsigned long index)
{
	return (index + 1) & ((1UL << table->bits) - 1);
}

/* Returns the window that starts at @start, or NULL. */
static struct xpmem_window *window_table_find(const struct xpmem_window_table *table,
					      unsigned long start)
{
	struct xpmem_window *window;
	unsigned long index;

	for (index = first_index(table, start);; index = next_index(table, index)) {
		window = READ_ONCE(table->slots[index]);
		if (!window || window->start == start)
			return window;
	}
}

static struct xpmem_window *window_find(const struct xpmem_exporter *exporter, unsigned long start)
{
	struct xpmem_window_table *table = READ_ONCE(exporter->windows);

	return table ? window_table_find(table, start) : NULL;
}

/* The caller holds making_window. The table has room. */
static void window_table_add(struct xpmem_window_table *table, struct xpmem_window *window)
{
	unsigned long index;

	lockdep_assert_held(&window->exporter->making_window);
	index = first_index(table, window->start);
	while (table->slots[index])
		index = next_index(table, index);
	table->count++;
	/* Lockless readers of the pointer must see a complete window. */
	smp_store_release(&table->slots[index], window);
}

/*
 * Makes room for one more window in the table of @exporter. Returns false without memory. The
 * caller holds making_window.
 */
static bool make_room(struct xpmem_exporter *exporter)
{
	struct xpmem_window_table *table = exporter->windows, *larger;
	unsigned long i;

	lockdep_assert_held(&exporter->making_window);
	if (table && table->count < 1UL << (table->bits - 1))
		return true;
	larger = window_table_create(table ? table->bits + 1 : FIRST_TABLE_BITS);
	if (!larger)
		return false;
	for (i = 0; table && i < 1UL << table->bits; i++)
		if (table->slots[i])
			window_table_add(larger, table->slots[i]);
	larger->smaller = table;
	/* Lockless readers of the pointer must see a filled table. */
	smp_store_release(&exporter->windows, larger);
	return true;
}

static struct xpmem_window *window_create(struct xpmem_exporter *exporter, unsigned long start)
{
	struct xpmem_window *window = kzalloc(sizeof(*window), GFP_KERNEL_ACCOUNT);

	if (window) {
		window->exporter = exporter;
		window->start = start;
		init_rwsem(&window->lock);
		/* Tells lockdep from the start that reclaim takes the lock. */
		fs_reclaim_acquire(GFP_KERNEL);
		might_lock(&window->lock);
		fs_reclaim_release(GFP_KERNEL);
	}
	return window;
}

/**
 * xpmem_window_get() - get the window that a source address lies in, or create it
 * @exporter: the exporter; the caller holds a reference and has raised mm_users of its mm
 * @source: the address
 *
 * The caller holds the exporter's mmap_lock and has found memory there, which bounds the number of
 * windows.
 * Return: the window, which lives as long as @exporter, or an error pointer.
 */
struct xpmem_window *xpmem_window_get(struct xpmem_exporter *exporter, unsigned long source)
{
	unsigned long start = source & ~(XPMEM_WINDOW_SIZE - 1);
	struct xpmem_window *window = window_find(exporter, start);

	lockdep_assert_held(&exporter->mm->mmap_lock);
	if (window)
		return window;
	if (mutex_lock_killable(&exporter->making_window))
		return ERR_PTR(-EINTR);
	window = window_find(exporter, start);
	if (window)
		goto unlock;
	window = make_room(exporter) ? window_create(exporter, start) : NULL;
	if (window)
		window_table_add(exporter->windows, window);
	else
		window = ERR_PTR(-ENOMEM);
unlock:
	mutex_unlock(&exporter->making_window);
	return window;
}

/* A walk over the windows that overlap a range, in any order. */
struct walk {
	const struct xpmem_window_table *table;
	unsigned long start;		/* of windows */
	unsigned long end;
	unsigned long index;		/* of the table, with by_slot */
	bool by_slot;			/* there are fewer slots than windows in the range */
};

static void walk_begin(struct walk *walk, const struct xpmem_exporter *exporter,
		       unsigned long start, unsigned long end)
{
	walk->table = READ_ONCE(exporter->windows);
	walk->start = start & ~(XPMEM_WINDOW_SIZE - 1);
	walk->end = end;
	walk->index = 0;
	walk->by_slot = walk->table &&
			(end - walk->start) >> XPMEM_WINDOW_SHIFT >> walk->table->bits;
}

/* Returns the next window, or NULL. May miss windows that are created meanwhile. */
static struct xpmem_window *walk_next(struct walk *walk)
{
	const struct xpmem_window_table *table = walk->table;
	struct xpmem_window *window;

	if (!table)
		return NULL;
	if (walk->by_slot) {
		while (walk->index < 1UL << table->bits) {
			window = READ_ONCE(table->slots[walk->index++]);
			if (window && window->start >= walk->start && window->start < walk->end)
				return window;
		}
		return NULL;
	}
	while (walk->start < walk->end) {
		window = window_table_find(table, walk->start);
		walk->start += XPMEM_WINDOW_SIZE;
		if (window)
			return window;
	}
	return NULL;
}

/* Clips a range to a window, as page numbers in the window. */
static void pages_in(const struct xpmem_window *window, unsigned long start, unsigned long end,
		     unsigned long *first, unsigned long *last)
{
	start = max(start, window->start);
	end = min(end, window->start + XPMEM_WINDOW_SIZE);
	*first = (start - window->start) >> PAGE_SHIFT;
	*last = (end - window->start) >> PAGE_SHIFT;
}

/* The caller holds the window's lock. */
static unsigned long count_mapped(const struct xpmem_window *window, unsigned long start,
				  unsigned long end)
{
	unsigned long count = 0, first, last, word, mask;

	lockdep_assert_held(&window->lock);
	pages_in(window, start, end, &first, &last);
	for (word = BIT_WORD(first); word < BITS_TO_LONGS(last); word++) {
		mask = ~0UL;
		if (word == BIT_WORD(first))
			mask &= BITMAP_FIRST_WORD_MASK(first);
		if (word == BIT_WORD(last))
			mask &= BITMAP_LAST_WORD_MASK(last);
		count += hweight_long(READ_ONCE(window->mapped[word]) & mask);
	}
	return count;
}

/**
 * xpmem_window_sample() - begin a snapshot of a part of a window
 * @window: the window
 * @start: first source address
 * @end: end of the part
 * @seq: set for xpmem_window_changed()
 *
 * Return: false while an invalidation of the part is in progress, because a snapshot would be of no
 * use.
 */
bool xpmem_window_sample(struct xpmem_window *window, unsigned long start, unsigned long end,
			 unsigned long *seq)
{
	/* Samples the sequence first: see invalidation.c. */
	*seq = READ_ONCE(window->seq);
	return !xpmem_range_is_active(window->exporter, start, end) &&
	       xpmem_exporter_is_stable(window->exporter);
}

/**
 * xpmem_window_mark_mapped() - mark pages that the notifier has to zap
 * @window: the window; the caller, like other tasks at the same time, holds its lock for reading
 * @index: word of the bitmap
 * @mask: bits of this word, one for each page
 */
void xpmem_window_mark_mapped(struct xpmem_window *window, unsigned long index, unsigned long mask)
{
	lockdep_assert_held(&window->lock);
	if (mask & ~READ_ONCE(window->mapped[index]))
		atomic_long_or(mask, (atomic_long_t *)&window->mapped[index]);
}

/**
 * xpmem_window_mark_group() - mark the group of an attacher that is about to map pages
 * @window: the window; the caller holds its lock for reading
 * @attachment: the attacher's
 */
void xpmem_window_mark_group(struct xpmem_window *window, const struct xpmem_attachment *attachment)
{
	unsigned long bit = BIT(attachment->permit->client->group);

	lockdep_assert_held(&window->lock);
	if (!(READ_ONCE(window->groups) & bit))
		atomic_long_or(bit, (atomic_long_t *)&window->groups);
}

/**
 * xpmem_window_changed() - whether any of a window was invalidated since a sample
 * @window: the window; the caller holds its lock
 * @seq: from xpmem_window_sample()
 *
 * Return: true if it was.
 */
bool xpmem_window_changed(const struct xpmem_window *window, unsigned long seq)
{
	lockdep_assert_held(&window->lock);
	return window->seq != seq;
}

/*
 * Raises the sequence. Returns the number of pages in the range that attachments may map, and adds
 * the groups that may map them to *@groups.
 */
static unsigned long window_invalidate(struct xpmem_window *window, unsigned long start,
				       unsigned long end, unsigned long *groups)
{
	unsigned long mapped;

	down_write(&window->lock);
	window->seq++;
	mapped = count_mapped(window, start, end);
	if (mapped)
		*groups |= window->groups;
	up_write(&window->lock);
	return mapped;
}

static void clear_mapped(struct xpmem_window *window, unsigned long start, unsigned long end)
{
	unsigned long first, last;

	pages_in(window, start, end, &first, &last);
	down_write(&window->lock);
	bitmap_clear(window->mapped, first, last - first);
	if (bitmap_empty(window->mapped, XPMEM_WINDOW_PAGES))
		window->groups = 0;
	up_write(&window->lock);
}

/**
 * xpmem_windows_raise() - tell faults that the exporter changes a range
 * @exporter: the exporter
 * @start: first source address
 * @end: end of the range, which is active, or the mm has ended
 * @groups: gets a bit more for each group whose attachments may map any of it
 *
 * The caller may hold the locks of reclaim.
 *
 * Return: the number of pages that attachments may map.
 */
unsigned long xpmem_windows_raise(struct xpmem_exporter *exporter, unsigned long start,
				  unsigned long end, unsigned long *groups)
{
	struct xpmem_window *window;
	unsigned long mapped = 0;
	struct walk walk;

	walk_begin(&walk, exporter, start, end);
	while ((window = walk_next(&walk))) {
		mapped += window_invalidate(window, start, end, groups);
		cond_resched();
	}
	return mapped;
}

/* Notes that no attachment maps any of a range, after the zap. The range is still active. */
void xpmem_windows_clear(struct xpmem_exporter *exporter, unsigned long start, unsigned long end)
{
	struct xpmem_window *window;
	struct walk walk;

	walk_begin(&walk, exporter, start, end);
	while ((window = walk_next(&walk))) {
		clear_mapped(window, start, end);
		cond_resched();
	}
}

/**
 * xpmem_windows_untouched() - whether no attachment may map any page of a range; does not sleep
 * @exporter: the exporter
 * @start: first source address
 * @end: end of the range
 *
 * The end of a segment leaves the bits of windows set. So this function does not look at them while
 * the exporter has no segment.
 *
 * Return: true if none may; false also if the function cannot tell at once.
 */
bool xpmem_windows_untouched(struct xpmem_exporter *exporter, unsigned long start,
			     unsigned long end)
{
	struct xpmem_window *window;
	struct walk walk;
	bool untouched;

	if (!atomic_read(&exporter->segment_count))
		return true;
	walk_begin(&walk, exporter, start, end);
	while ((window = walk_next(&walk))) {
		if (!down_write_trylock(&window->lock))
			return false;
		untouched = !count_mapped(window, start, end);
		up_write(&window->lock);
		if (!untouched)
			return false;
	}
	return true;
}

/**
 * xpmem_windows_for_each_mapped() - visit pages of a range that may be mapped
 * @exporter: the exporter
 * @start: first source address
 * @end: end of the range
 * @visit: called with the address of each page; returns false to end the walk
 * @data: passed to @visit
 *
 * The range is active, so no page is added.
 */
void xpmem_windows_for_each_mapped(struct xpmem_exporter *exporter, unsigned long start,
				   unsigned long end,
				   bool (*visit)(unsigned long source, void *data), void *data)
{
	unsigned long first, last, index;
	struct xpmem_window *window;
	struct walk walk;

	walk_begin(&walk, exporter, start, end);
	while ((window = walk_next(&walk))) {
		pages_in(window, start, end, &first, &last);
		for (index = find_next_bit(window->mapped, last, first); index < last;
		     index = find_next_bit(window->mapped, last, index + 1))
			if (!visit(window->start + (index << PAGE_SHIFT), data))
				return;
		cond_resched();
	}
}

/* The exporter has no reference left, and the kernel announces no more invalidations of it. */
void xpmem_windows_destroy(struct xpmem_exporter *exporter)
{
	struct xpmem_window_table *table = exporter->windows, *smaller;
	unsigned long i;

	for (i = 0; table && i < 1UL << table->bits; i++)
		kfree(table->slots[i]);
	for (; table; table = smaller) {
		smaller = table->smaller;
		kvfree(table);
	}
}
