/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much a fault maps, and how much the exporter brings in, depends on the faults before it: much
 * where an attacher goes through memory, and little elsewhere.
 */
#include <stdio.h>
#include <unistd.h>

#include "device.h"

#define WINDOW HUGE_PAGE
#define LENGTH (64 * MIB)

static struct peer *attacher;
static long page, at;

static void share(long memory, long length)
{
	page = memory;
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, length), 0, length));
}

static void begin(void)
{
	CHECK_OK(device_open());
	attacher = peer_start();
}

static long small_pages(long length)
{
	long memory = map_aligned(length, WINDOW);

	use_small_pages(memory, length);
	return memory;
}

static long do_load_forwards(const long *address_length)
{
	long offset;

	for (offset = 0; offset < address_length[1]; offset += PAGE)
		load(address_length[0] + offset);
	return 0;
}

static long do_load_backwards(const long *address_length)
{
	long offset;

	for (offset = address_length[1] - PAGE; offset >= 0; offset -= PAGE)
		load(address_length[0] + offset);
	return 0;
}

/* Loads from both halves, in turn. */
static long do_load_halves(const long *address_length)
{
	long offset, half = address_length[1] / 2;

	for (offset = 0; offset < half; offset += PAGE) {
		load(address_length[0] + offset);
		load(address_length[0] + half + offset);
	}
	return 0;
}

static long do_store_forwards(const long *address_length)
{
	long offset, error = 0;

	for (offset = 0; offset < address_length[1] && !error; offset += PAGE)
		error = store(address_length[0] + offset, 1);
	return error;
}

static long do_store_backwards(const long *address_length)
{
	long offset, error = 0;

	for (offset = address_length[1] - PAGE; offset >= 0 && !error; offset -= PAGE)
		error = store(address_length[0] + offset, 1);
	return error;
}

/* The first time, the peer faults for itself. */
static void warm_up(operation *touches)
{
	share(map_shared(4 * PAGE), 4 * PAGE);
	CHECK_OK(on(attacher, touches, at, 4 * PAGE));
	on(attacher, do_count_faults, 0);
}

/*
 * A fault maps 64 KiB, the next one of a stream twice as much, and so on up to 2 MiB. A stream may
 * take as many more faults as it is to get there.
 */
static void check_streams(operation *touches, int streams)
{
	long memory, before, faults;

	begin();
	warm_up(touches);
	memory = small_pages(LENGTH);
	fill(memory, LENGTH, 1);
	share(memory, LENGTH);
	before = on(attacher, do_count_faults, 0);
	CHECK_OK(on(attacher, touches, at, LENGTH));
	faults = on(attacher, do_count_faults, 0) - before;
	printf("%ld faults\n", faults);
	CHECK(faults >= LENGTH / WINDOW);
	CHECK(faults <= LENGTH / WINDOW + 6 * streams);
}

CASE(forwards)
{
	check_streams(do_load_forwards, 1);
}

CASE(backwards)
{
	check_streams(do_load_backwards, 1);
}

CASE(two_in_turn)
{
	check_streams(do_load_halves, 2);
}

/* Each of 32 touches maps little. The suite looks at how much. */
CASE(scattered)
{
	long offset;

	begin();
	page = small_pages(LENGTH);
	fill(page, LENGTH, 1);
	share(page, LENGTH);
	for (offset = 0; offset < LENGTH; offset += WINDOW)
		CHECK_OK(on(attacher, do_load, at + offset));
}

/* Returns how many pages of a range this process has, or its file if it maps one. */
static long resident(long address, long length)
{
	static unsigned char present[16 * MIB / PAGE];
	long pages = 0, i;

	CHECK_OK(answer(mincore((void *)address, length, present)));
	for (i = 0; i < length / PAGE; i++)
		pages += present[i] & 1;
	return pages;
}

/*
 * Memory that no process has touched: an attacher that goes through it has the exporter bring in
 * more with each fault, up to 256 KiB, and at most twice as much as it touches.
 */
static void check_untouched(long memory, operation *touches)
{
	const long length = 16 * MIB, touched = 10;

	share(memory, length);
	CHECK_EQ(on(attacher, do_store, at + 100 * PAGE, 1), 0);
	CHECK_EQ(resident(page, length), 1);
	CHECK_EQ(on(attacher, touches, at + 9 * MIB, touched * PAGE), 0);
	CHECK(resident(page, length) > 1 + touched);
	CHECK(resident(page, length) <= 1 + 2 * touched);
	CHECK_EQ(on(attacher, touches, at, 8 * MIB), 0);
	CHECK_EQ(resident(page, 8 * MIB), 8 * MIB / PAGE);
	CHECK(resident(page, length) <= 8 * MIB / PAGE + 2 * touched + 64);
}

CASE(untouched)
{
	begin();
	check_untouched(small_pages(16 * MIB), do_store_forwards);
	check_untouched(small_pages(16 * MIB), do_store_backwards);
	check_untouched(map_shared(16 * MIB), do_store_forwards);
}

/* Where the exporter has said that it reads at random, nothing comes ahead. */
CASE(untouched_at_random)
{
	begin();
	page = map_shared(MIB);
	CHECK_OK(answer(madvise((void *)page, MIB, MADV_RANDOM)));
	share(page, MIB);
	CHECK_EQ(on(attacher, do_store_forwards, at, 5 * PAGE), 0);
	CHECK_EQ(resident(page, MIB), 5);
}

/* The exporter brings in nothing around what is attached, however fast a stream gets there. */
CASE(around_an_attachment)
{
	const long before = 20 * PAGE, length = 23 * PAGE;
	long memory, apid;

	begin();
	memory = small_pages(MIB);
	apid = CHECK_OK(on(attacher, do_get, export_range(memory, MIB), XPMEM_GET_RDWR));
	at = CHECK_OK(on(attacher, do_attach, apid, before, length));
	CHECK_EQ(on(attacher, do_store_forwards, at, length), 0);
	CHECK_EQ(resident(memory, MIB), length / PAGE);
	CHECK_OK(answer(madvise((void *)memory, MIB, MADV_DONTNEED)));
	CHECK_EQ(on(attacher, do_store_backwards, at, length), 0);
	CHECK_EQ(resident(memory, MIB), length / PAGE);
}

/* A write copies a page of a private mapping. No page that it does not touch is copied. */
CASE(private_mapping_of_a_file)
{
	const long length = 64 * PAGE;
	int file = memory_file(length);
	long value = 7, i;

	begin();
	page = map_file(file, length, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	share(page, length);
	CHECK_EQ(on(attacher, do_store_forwards, at, 10 * PAGE), 0);
	for (i = 0; i < length / PAGE; i++)
		CHECK_EQ(pwrite(file, &value, sizeof(value), i * PAGE), sizeof(value));
	for (i = 0; i < length / PAGE; i++)
		CHECK_EQ(load(page + i * PAGE), i < 10 ? 1 : value);
}
