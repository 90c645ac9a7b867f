/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an attacher writes to a shared file reaches the disk, whenever it was written back before.
 * The file is on the file system that XPMEM_TEST_DISK names.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"

#define LENGTH (16 * PAGE)

static struct peer *attacher;
static long page, at;
static int file;

static void share(void)
{
	CHECK_OK(device_open());
	file = temporary_file("content", LENGTH / PAGE);
	page = map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, LENGTH), 0, LENGTH));
}

/* what is on the disk, not what the page cache has */
static void check_disk(long seed)
{
	static long content[LENGTH / 8] __attribute__((aligned(PAGE)));
	char path[64];
	int direct;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	direct = CHECK_OK(answer(open(path, O_RDONLY | O_DIRECT | O_CLOEXEC)));
	CHECK_EQ(answer(read(direct, content, LENGTH)), LENGTH);
	close(direct);
	CHECK_EQ(verify((long)content, LENGTH, seed), 0);
}

static void require_disk(void)
{
	if (!getenv("XPMEM_TEST_DISK"))
		SKIP("XPMEM_TEST_DISK names no file system");
}

CASE(written_back_each_time)
{
	int turn;

	require_disk();
	share();
	/* the entries stay mapped and clean in between: each write must be noticed anew */
	for (turn = 1; turn <= 10; turn++) {
		CHECK_OK(on(attacher, do_fill, at, LENGTH, turn));
		CHECK_OK(answer(fdatasync(file)));
		check_disk(turn);
	}
}

CASE(read_before_written)
{
	require_disk();
	share();
	CHECK_OK(on(attacher, do_load, at));
	CHECK_OK(answer(fdatasync(file)));
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 3));
	CHECK_OK(answer(fdatasync(file)));
	check_disk(3);
}

CASE(both_write)
{
	int turn;

	require_disk();
	share();
	for (turn = 1; turn <= 10; turn++) {
		fill(page, LENGTH / 2, turn);
		CHECK_OK(answer(msync((void *)page, LENGTH, turn % 2 ? MS_SYNC : MS_ASYNC)));
		CHECK_OK(on(attacher, do_fill, at, LENGTH, 100 + turn));
		CHECK_EQ(verify(page, LENGTH, 100 + turn), 0);
		CHECK_OK(answer(fdatasync(file)));
		check_disk(100 + turn);
	}
}

CASE(after_the_exporter_unmapped)
{
	require_disk();
	share();
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 4));
	unmap(page, LENGTH);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_OK(answer(fdatasync(file)));
	check_disk(4);
}

CASE(after_the_attacher_was_killed)
{
	require_disk();
	share();
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 5));
	peer_end(attacher, SIGKILL);
	CHECK_EQ(verify(page, LENGTH, 5), 0);
	CHECK_OK(answer(fdatasync(file)));
	check_disk(5);
}

CASE(caches_dropped)
{
	int turn;

	require_disk();
	share();
	for (turn = 1; turn <= 5; turn++) {
		CHECK_OK(on(attacher, do_fill, at, LENGTH, turn));
		sync();
		CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_DONTNEED)));
		CHECK_OK(write_file("/proc/sys/vm/drop_caches", "3"));
		CHECK_EQ(on(attacher, do_verify, at, LENGTH, turn), 0);
		CHECK_EQ(verify(page, LENGTH, turn), 0);
		check_disk(turn);
	}
}

/* One instruction that reads the page and then writes it. */
static long do_move(const long *address)
{
#ifdef __x86_64__
	long from = address[0], to = address[0] + 8;

	__asm__ volatile("movsq" : "+S"(from), "+D"(to) : : "memory");
	return 0;
#else
	return __atomic_fetch_add((long *)address[0], 1, __ATOMIC_SEQ_CST);
#endif
}

/* The exporter's entry is read-only after each write to the disk. */
CASE(instruction_on_a_page)
{
	int turn;

	require_disk();
	share();
	for (turn = 1; turn <= 5; turn++) {
		CHECK_OK(store(page, turn));
		CHECK_OK(answer(fdatasync(file)));
		CHECK_OK(on(attacher, do_move, at));
#ifdef __x86_64__
		CHECK_EQ(load(page + 8), turn);
#else
		CHECK_EQ(load(page), turn + 1);
#endif
	}
}

/* the disk is written all the time; the last word of the attacher counts */
CASE(counted_while_written_back)
{
	long i, value;
	int turn;

	require_disk();
	share();
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_OK(store(page + i, 0));
	peer_tell(attacher, do_count, ARGUMENTS(at, LENGTH, 20000));
	for (turn = 0; turn < 30; turn++)
		CHECK_OK(answer(fdatasync(file)));
	CHECK_OK(peer_answer(attacher));
	CHECK_OK(answer(fdatasync(file)));
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_DONTNEED)));
	CHECK_OK(answer(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)));
	for (i = 0; i < LENGTH; i += PAGE) {
		CHECK_EQ(pread(file, &value, sizeof(value), i), sizeof(value));
		CHECK_EQ(value, 20000);
	}
}
