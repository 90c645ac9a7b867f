/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exported memory can be swapped out, and what an attacher wrote is not lost by it. Needs swap. */
#include <unistd.h>

#include "device.h"

#define LENGTH (2 * MIB)

static struct peer *attacher;
static long page, at;

static void share(long memory)
{
	CHECK_OK(device_open());
	page = memory;
	/* filled after the fork: pages shared with a child are not paged out */
	attacher = peer_start();
	fill(page, LENGTH, 1);
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, LENGTH), 0, LENGTH));
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
}

static long private_memory(void)
{
	long memory = map_aligned(LENGTH, 2 * MIB);

	use_small_pages(memory, LENGTH);
	return memory;
}

/* asks for reclaim until nearly all pages have left; pages on a per-processor list stay */
static void page_out(void)
{
	long i, left = LENGTH / PAGE;
	int turn;

	for (turn = 0; turn < 20 && left > LENGTH / PAGE / 10; turn++) {
		CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_PAGEOUT)));
		for (left = i = 0; i < LENGTH; i += PAGE)
			left += page_number(page + i) != 0;
	}
	if (left > LENGTH / PAGE / 10)
		FAIL("%ld of %ld pages were not reclaimed", left, LENGTH / PAGE);
}

CASE(written_by_the_attacher)
{
	share(private_memory());
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	page_out();
	CHECK_EQ(verify(page, LENGTH, 2), 0);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 2), 0);
}

CASE(read_back_by_the_attacher)
{
	share(private_memory());
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	page_out();
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 2), 0);
	page_out();
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 2), 0);
	CHECK_EQ(verify(page, LENGTH, 2), 0);
}

/* the exporter's own page is clean after the swap-in: only the attacher makes it dirty */
CASE(written_after_swap_in)
{
	share(private_memory());
	page_out();
	CHECK_EQ(verify(page, LENGTH, 1), 0);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	page_out();
	CHECK_EQ(verify(page, LENGTH, 2), 0);
}

/* pages that the exporter gave back, and that the attacher has written since */
CASE(written_after_madvise_free)
{
	share(private_memory());
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_FREE)));
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	page_out();
	CHECK_EQ(verify(page, LENGTH, 2), 0);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 2), 0);
}

/* mapped for writing before the exporter gave them back: writes without a fault must count too */
CASE(written_before_and_after_madvise_free)
{
	share(private_memory());
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_FREE)));
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 3));
	page_out();
	CHECK_EQ(verify(page, LENGTH, 3), 0);
}

/* The zap for the reclaim may be late, but no later than the munmap() that follows. */
CASE(unmapped_after_reclaim)
{
	long offset;

	CHECK_OK(device_open());
	page = private_memory();
	fill(page, LENGTH, 1);
	at = CHECK_OK(here(do_attach_segment, export_range(page, LENGTH), 0, LENGTH));
	for (offset = 0; offset < LENGTH; offset += PAGE) {
		CHECK_OK(load(at + offset));
		CHECK_OK(answer(madvise((void *)(page + offset), PAGE, MADV_PAGEOUT)));
		unmap(page + offset, PAGE);
		CHECK_EQ(load(at + offset), GOT_SIGBUS);
	}
}

CASE(swapped_out_before_attach)
{
	CHECK_OK(device_open());
	page = private_memory();
	fill(page, LENGTH, 1);
	page_out();
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, LENGTH), 0, LENGTH));
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	CHECK_EQ(verify(page, LENGTH, 2), 0);
}
