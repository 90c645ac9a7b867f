/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mappings of files that have no page cache (DAX), on the file system that XPMEM_TEST_DAX names.
 * Attachments reach no page of such a file, as its file system takes blocks away at once. They
 * reach the copies that a private mapping has, and make none.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"

#define LENGTH (8 * PAGE)
#define SEED 7

static struct peer *attacher;
static long page, at, apid;
static int file;

/* A new file of the file system, of this length, without a block. */
static void make_file(long length)
{
	const char *folder = getenv("XPMEM_TEST_DAX");
	struct statx status;
	char path[256];

	if (!folder)
		SKIP("XPMEM_TEST_DAX names no file system");
	snprintf(path, sizeof(path), "%s/test-XXXXXX", folder);
	file = CHECK_OK(answer(mkostemp(path, O_CLOEXEC)));
	CHECK_OK(answer(unlink(path)));
	CHECK_OK(answer(ftruncate(file, length)));
	CHECK_OK(answer(statx(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status)));
	CHECK(status.stx_attributes & STATX_ATTR_DAX);
}

/* Another mapping of the file, which no process attaches. */
static long map_shared_view(long length)
{
	return map_file(file, length, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static void fill_file(long length)
{
	long view = map_shared_view(length);

	fill(view, length, SEED);
	CHECK_OK(answer(msync((void *)view, length, MS_SYNC)));
	unmap(view, length);
}

/* Checks that read() returns these contents. */
static void check_file(long length, long seed)
{
	long content = map_anonymous(length);

	CHECK_OK(answer(fsync(file)));
	CHECK_EQ(answer(pread(file, (void *)content, length, 0)), length);
	CHECK_EQ(verify(content, length, seed), 0);
	unmap(content, length);
}

static long blocks(void)
{
	struct stat status;

	CHECK_OK(answer(fstat(file, &status)));
	return status.st_blocks;
}

static void attach(long memory, long length)
{
	page = memory;
	attacher = peer_start();
	apid = CHECK_OK(on(attacher, do_get, export_range(page, length), XPMEM_GET_RDWR));
	at = CHECK_OK(on(attacher, do_attach, apid, 0, length));
}

static long do_map_there(const long *address_length)
{
	map_over(address_length[0], address_length[1], PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1);
	return address_length[0];
}

static void share_file(long length, int protection, int flags)
{
	CHECK_OK(device_open());
	make_file(length);
	fill_file(length);
	attach(map_file(file, length, protection, flags), length);
}

/* Each page of a range of the attachment refuses both kinds of access. */
static void check_refused(long offset, long length)
{
	long end = offset + length;

	for (; offset < end; offset += PAGE) {
		CHECK_EQ(on(attacher, do_load, at + offset), GOT_SIGBUS);
		CHECK_EQ(on(attacher, do_store, at + offset, 1), GOT_SIGBUS);
	}
}

CASE(shared_mapping)
{
	share_file(LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
	check_refused(0, LENGTH);
	/* Also when the exporter has written the page and has its entry. */
	CHECK_EQ(verify(page, LENGTH, SEED), 0);
	fill(page, LENGTH, SEED + 1);
	check_refused(0, LENGTH);
	CHECK_EQ(on(attacher, do_attach, apid, 0, PAGE, XPMEM_ATTACH_POPULATE) % PAGE, 0);
	/* The exporter keeps its access, and so do other programs. */
	CHECK_EQ(verify(page, LENGTH, SEED + 1), 0);
	CHECK_OK(answer(msync((void *)page, LENGTH, MS_SYNC)));
	check_file(LENGTH, SEED + 1);
	CHECK_OK(answer(ftruncate(file, 0)));
	CHECK_EQ(load(page), GOT_SIGBUS);
	check_refused(0, LENGTH);
}

CASE(shared_mapping_for_reading)
{
	share_file(LENGTH, PROT_READ, MAP_SHARED);
	CHECK_EQ(verify(page, LENGTH, SEED), 0);
	check_refused(0, LENGTH);
	check_file(LENGTH, SEED);
}

/* A touch in an attachment must not make the file system allocate a block. */
CASE(hole_of_a_shared_mapping)
{
	CHECK_OK(device_open());
	make_file(LENGTH);
	attach(map_shared_view(LENGTH), LENGTH);
	check_refused(0, LENGTH);
	/* Here the exporter has the zero page. */
	CHECK_EQ(load(page), 0);
	check_refused(0, PAGE);
	CHECK_EQ(blocks(), 0);
	CHECK_OK(store(page, 1));
	CHECK(blocks() > 0);
	check_refused(0, LENGTH);
}

CASE(in_place_of_ordinary_memory)
{
	CHECK_OK(device_open());
	make_file(LENGTH);
	fill_file(LENGTH);
	attach(map_anonymous(2 * LENGTH), 2 * LENGTH);
	CHECK_OK(on(attacher, do_fill, at, 2 * LENGTH, 1));
	map_over(page, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	check_refused(0, LENGTH);
	CHECK_EQ(verify(page, LENGTH, SEED), 0);
	/* The neighbour is not affected, and ordinary memory may come back. */
	CHECK_EQ(on(attacher, do_load, at + LENGTH), load(page + LENGTH));
	CHECK_OK(on(attacher, do_store, at + LENGTH, 2));
	map_over(page, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 3));
	CHECK_EQ(verify(page, LENGTH, 3), 0);
	check_file(LENGTH, SEED);
}

/* Both sides have the copies, which the exporter has made of all pages. */
static void check_copies(long length)
{
	fill(page, length, SEED + 1);
	CHECK_EQ(on(attacher, do_verify, at, length, SEED + 1), 0);
	CHECK_OK(on(attacher, do_fill, at, length, SEED + 2));
	CHECK_EQ(verify(page, length, SEED + 2), 0);
	fill(page, length, SEED + 3);
	CHECK_EQ(on(attacher, do_verify, at, length, SEED + 3), 0);
	check_file(length, SEED);
}

CASE(written_by_the_exporter)
{
	share_file(LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	check_copies(LENGTH);
}

/*
 * A copy on behalf of an attacher would take what the attacher has at the exporter's address: here
 * nothing, or the same mapping, or other memory.
 */
CASE(written_by_the_attacher_alone)
{
	share_file(LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	check_refused(0, PAGE);
	CHECK_EQ(verify(page, LENGTH, SEED), 0);
	check_refused(0, PAGE);
	CHECK_OK(on(attacher, do_unmap, page, LENGTH));
	check_refused(0, PAGE);
	CHECK_EQ(on(attacher, do_map_there, page, LENGTH), page);
	CHECK_OK(on(attacher, do_fill, page, LENGTH, 1));
	check_refused(0, LENGTH);
	CHECK_EQ(verify(page, LENGTH, SEED), 0);
	check_copies(LENGTH);
}

static long do_nothing(const long *none)
{
	(void)none;
	return 0;
}

/* The exporter would have to copy pages that it shares with its child. */
CASE(written_after_a_fork)
{
	struct peer *child;

	share_file(LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	fill(page, LENGTH, 1);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	child = peer_fork();
	CHECK_OK(on(child, do_nothing, 0));
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_EQ(on(attacher, do_store, at, 2), GOT_SIGBUS);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
	check_copies(LENGTH);
	CHECK_EQ(on(child, do_verify, page, LENGTH, 1), 0);
}

CASE(attached_by_the_exporter)
{
	long own;

	share_file(LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	CHECK_EQ(verify(page, LENGTH, SEED), 0);
	own = CHECK_OK(here(do_attach_segment, export_range(page, LENGTH), 0, LENGTH));
	CHECK_EQ(load(own), GOT_SIGBUS);
	CHECK_OK(store(own, 5));
	CHECK_EQ(load(page), 5);
	CHECK_EQ(load(own + 8), SEED * 0x10000000L + 1);
	CHECK_EQ(verify(page, LENGTH, SEED), 1);
	check_file(LENGTH, SEED);
}

CASE(hole_of_a_private_mapping)
{
	CHECK_OK(device_open());
	make_file(LENGTH);
	attach(map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE), LENGTH);
	CHECK_EQ(on(attacher, do_load, at), 0);
	CHECK_EQ(load(page + PAGE), 0);
	CHECK_EQ(on(attacher, do_load, at + PAGE), 0);
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGBUS);
	CHECK_EQ(load(page), 0);
	fill(page, LENGTH, 1);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_EQ(blocks(), 0);
}

CASE(private_mapping_for_reading)
{
	share_file(LENGTH, PROT_READ, MAP_PRIVATE);
	CHECK_EQ(verify(page, LENGTH, SEED), 0);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGSEGV);
	/* A page that was copied before stays. */
	protect(page, LENGTH, PROT_READ | PROT_WRITE);
	CHECK_OK(store(page, 5));
	protect(page, LENGTH, PROT_READ);
	CHECK_EQ(on(attacher, do_load, at), 5);
	CHECK_EQ(on(attacher, do_load, at + PAGE), GOT_SIGBUS);
}

/* A hole spares the copies; a truncation takes them, as from any private mapping. */
CASE(punched_and_truncated)
{
	share_file(LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	CHECK_OK(store(page, 5));
	CHECK_OK(store(page + PAGE, 6));
	CHECK_EQ(on(attacher, do_load, at + PAGE), 6);
	CHECK_OK(answer(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, LENGTH)));
	CHECK_EQ(load(page), 5);
	CHECK_EQ(on(attacher, do_load, at), 5);
	CHECK_EQ(on(attacher, do_load, at + PAGE), 6);
	CHECK_EQ(on(attacher, do_load, at + 2 * PAGE), 0);
	CHECK_OK(answer(ftruncate(file, PAGE)));
	CHECK_EQ(on(attacher, do_load, at), 5);
	CHECK_EQ(on(attacher, do_load, at + PAGE), GOT_SIGBUS);
	CHECK_EQ(load(page + PAGE), GOT_SIGBUS);
	CHECK_OK(answer(ftruncate(file, LENGTH)));
	CHECK_EQ(on(attacher, do_load, at + PAGE), 0);
}

/*
 * A mapping of blocks that lie together, which the exporter has read by one entry. Skips the case
 * if the file system gave no such blocks.
 */
static void share_huge(int flags)
{
	long before;

	CHECK_OK(device_open());
	make_file(2 * HUGE_PAGE);
	CHECK_OK(answer(fallocate(file, 0, 0, 2 * HUGE_PAGE)));
	page = map_aligned(2 * HUGE_PAGE, HUGE_PAGE);
	map_over(page, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	fill(page, 2 * HUGE_PAGE, SEED);
	map_over(page, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE, flags, file);
	before = do_count_faults(NULL);
	CHECK_EQ(verify(page, 2 * HUGE_PAGE, SEED), 0);
	if (do_count_faults(NULL) - before > 16)
		SKIP("the file system has no blocks for huge entries");
	attach(page, 2 * HUGE_PAGE);
}

CASE(shared_mapping_by_huge_entries)
{
	share_huge(MAP_SHARED);
	check_refused(0, PAGE);
	check_refused(HUGE_PAGE - PAGE, 2 * PAGE);
	fill(page, 2 * HUGE_PAGE, SEED + 1);
	check_refused(HUGE_PAGE - PAGE, 2 * PAGE);
	check_file(2 * HUGE_PAGE, SEED + 1);
}

CASE(private_mapping_by_huge_entries)
{
	share_huge(MAP_PRIVATE);
	check_refused(HUGE_PAGE - PAGE, 2 * PAGE);
	CHECK_EQ(verify(page, 2 * HUGE_PAGE, SEED), 0);
	check_copies(2 * HUGE_PAGE);
}

CASE(given_to_a_device)
{
	share_file(LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
	CHECK_EQ(on(attacher, do_dmabuf, apid, 0, LENGTH), -EFAULT);
	map_over(page, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
	CHECK_EQ(on(attacher, do_dmabuf, apid, 0, LENGTH), -EFAULT);
	fill(page, LENGTH, 1);
	CHECK_EQ(on(attacher, do_dmabuf, apid, 0, LENGTH), -EFAULT);
}
