/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the exporter's madvise does to memory shows in its attachments: merging, holes, populating,
 * splitting.
 */
#include <linux/mman.h>
#include <stdio.h>
#include <unistd.h>

#include "device.h"
#include "merging.h"

#define LENGTH (64 * PAGE)

static struct peer *attacher;
static long page, at;

static void share(long memory, long length)
{
	CHECK_OK(device_open());
	page = memory;
	/* before the memory is filled: pages shared with a child are not merged */
	attacher = peer_start();
	fill(page, length, 1);
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, length), 0, length));
	CHECK_EQ(on(attacher, do_verify, at, length, 1), 0);
}

/* the same in all pages, merged into one of the kernel's */
static void merge(void)
{
	long i;

	share(map_anonymous(LENGTH), LENGTH);
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_OK(on(attacher, do_fill, at + i, PAGE, 2));
	start_merging();
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_MERGEABLE)));
	await_merged(page, page + 3 * PAGE);
	await_merged(page, page + LENGTH - PAGE);
	stop_merging();
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_EQ(on(attacher, do_verify, at + i, PAGE, 2), 0);
}

static void check_others(long but)
{
	long i;

	for (i = 0; i < LENGTH; i += PAGE) {
		if (i == but)
			continue;
		CHECK_EQ(verify(page + i, PAGE, 2), 0);
		CHECK_EQ(on(attacher, do_verify, at + i, PAGE, 2), 0);
	}
}

CASE(merged_attacher_writes)
{
	merge();
	CHECK_OK(on(attacher, do_store, at + 3 * PAGE, 7));
	CHECK_EQ(load(page + 3 * PAGE), 7);
	CHECK(!are_merged(page, page + 3 * PAGE));
	check_others(3 * PAGE);
}

CASE(merged_exporter_writes)
{
	merge();
	CHECK_OK(store(page + 3 * PAGE, 7));
	CHECK_EQ(on(attacher, do_load, at + 3 * PAGE), 7);
	check_others(3 * PAGE);
}

CASE(unmerged)
{
	merge();
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_UNMERGEABLE)));
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 3));
	CHECK_EQ(verify(page, LENGTH, 3), 0);
}

/*
 * Has the attacher count until so many merged pages were written to. Returns how often. The pause
 * grows until the kernel, which merges only pages that stay the same for a while, has merged some.
 */
static long count_until_copied(long copies)
{
	long turns = 0, pause = 5000, copied = read_counter("/proc/vmstat", "cow_ksm"), before;
	const long end = copied + copies;

	while (copied < end) {
		before = copied;
		CHECK_OK(on(attacher, do_count, at, LENGTH, 1));
		turns++;
		usleep(turns % 4 * pause);
		copied = read_counter("/proc/vmstat", "cow_ksm");
		if (copied == before) {
			pause *= 2;
		} else {
			pause = 5000;
			harness_renew();
		}
	}
	return turns;
}

/* merged again and again while the attacher writes */
CASE(counted_while_merging)
{
	long turns, i;

	merge();
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_OK(store(page + i, 0));
	if (read_counter("/proc/vmstat", "cow_ksm") < 0)
		SKIP("this kernel does not say how many merged pages were written to");
	start_merging();
	turns = count_until_copied(10 * LENGTH / PAGE);
	printf("%ld turns\n", turns);
	undo_merging();
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_EQ(load(page + i), turns);
}

CASE(removed)
{
	share(map_shared(LENGTH), LENGTH);
	CHECK_OK(answer(madvise((void *)(page + PAGE), PAGE, MADV_REMOVE)));
	CHECK_EQ(on(attacher, do_load, at + PAGE), 0);
	CHECK_EQ(on(attacher, do_verify, at, PAGE, 1), 0);
	CHECK_OK(on(attacher, do_store, at + PAGE, 5));
	CHECK_EQ(load(page + PAGE), 5);
}

static void check_populated(long memory)
{
	share(memory, LENGTH);
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_DONTNEED)));
	if (madvise((void *)page, LENGTH, MADV_POPULATE_READ))
		SKIP("this kernel does not populate on advice");
	CHECK_EQ(on(attacher, do_load, at), load(page));
	CHECK_OK(on(attacher, do_store, at, 5));
	CHECK_EQ(load(page), 5);
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_POPULATE_WRITE)));
	CHECK_EQ(on(attacher, do_load, at), 5);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 6));
	CHECK_EQ(verify(page, LENGTH, 6), 0);
}

/* the kernel's thread makes huge pages of small ones while the attacher writes */
CASE(counted_while_collapsing)
{
	static const char *const knobs = "/sys/kernel/mm/transparent_hugepage/khugepaged/%s";
	long length = 4 * MIB, collapsed = read_counter("/proc/vmstat", "thp_collapse_alloc");
	long turns = 0, i;
	char path[128];

	snprintf(path, sizeof(path), knobs, "scan_sleep_millisecs");
	if (collapsed < 0 || write_file(path, "20") < 0)
		SKIP("this kernel does not collapse pages");
	snprintf(path, sizeof(path), knobs, "alloc_sleep_millisecs");
	CHECK_OK(write_file(path, "20"));
	page = map_aligned(length, 2 * MIB);
	use_small_pages(page, length);
	share(page, length);
	for (i = 0; i < length; i += PAGE)
		CHECK_OK(store(page + i, 0));
	use_huge_pages(page, length);
	do {
		CHECK_OK(on(attacher, do_count, at, length, 1));
		/* That thread has the lowest priority. */
		if (++turns % 16 == 0)
			usleep(10000);
	} while (read_counter("/proc/vmstat", "thp_collapse_alloc") < collapsed + 2);
	printf("%ld turns\n", turns);
	for (i = 0; i < length; i += PAGE)
		CHECK_EQ(load(page + i), turns);
}

CASE(populated)
{
	check_populated(map_anonymous(LENGTH));
}

CASE(populated_shared_memory)
{
	check_populated(map_shared(LENGTH));
}

/* one page of a huge one leaves it, in each way; the rest is as the attacher wrote it */
static void split(void (*change)(long address))
{
	long memory = map_huge(2 * MIB), middle = MIB, value;

	share(memory, 2 * MIB);
	CHECK_OK(on(attacher, do_fill, at, 2 * MIB, 2));
	change(page + middle);
	CHECK_EQ(verify(page, middle, 2), 0);
	CHECK_EQ(on(attacher, do_verify, at, middle, 2), 0);
	CHECK_EQ(on(attacher, do_load, at + middle + PAGE), load(page + middle + PAGE));
	CHECK_OK(on(attacher, do_fill, at, middle, 3));
	CHECK_EQ(verify(page, middle, 3), 0);
	value = load(page + middle);
	/* what is not mapped any more is SIGSEGV for the exporter, SIGBUS in an attachment */
	CHECK_EQ(on(attacher, do_load, at + middle), value == GOT_SIGSEGV ? GOT_SIGBUS : value);
}

static void change_unmap(long address)
{
	unmap(address, PAGE);
}

CASE(huge_page_split_by_munmap)
{
	split(change_unmap);
}

static void change_drop(long address)
{
	CHECK_OK(answer(madvise((void *)address, PAGE, MADV_DONTNEED)));
}

CASE(huge_page_split_by_dontneed)
{
	split(change_drop);
}

static void change_free(long address)
{
	CHECK_OK(answer(madvise((void *)address, PAGE, MADV_FREE)));
}

CASE(huge_page_split_by_free)
{
	split(change_free);
}

static void change_move(long address)
{
	long target = map_anonymous(PAGE);

	CHECK(mremap((void *)address, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)target) ==
	      (void *)target);
}

CASE(huge_page_split_by_mremap)
{
	split(change_move);
}

static void change_split_all(long address)
{
	(void)address;
	if (write_file("/sys/kernel/debug/split_huge_pages", "1") < 0)
		SKIP("this kernel does not split huge pages on request");
}

CASE(huge_page_split_on_request)
{
	split(change_split_all);
}
