/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One attachment over private, shared and unmapped memory: each part is the best it can be, and
 * stays right when the exporter later maps another kind of memory there.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"

#define WINDOW (8 * MIB)
#define PART (64 * PAGE)

enum part { PRIVATE, SHARED, HOLE, SHARED_TOO, PRIVATE_FILE, PRIVATE_AGAIN, PARTS };

static struct peer *attacher;
static long base, at;

static long of(enum part part)
{
	return base + part * PART;
}

static long there(enum part part)
{
	return at + part * PART;
}

/* the parts at the start of a window that clients would attach, and private memory up to its end */
static void share(void)
{
	int part;

	CHECK_OK(device_open());
	base = map_aligned(WINDOW, WINDOW);
	map_over(of(SHARED), PART, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file(PART));
	map_over(of(SHARED_TOO), PART, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	map_over(of(PRIVATE_FILE), PART, PROT_READ | PROT_WRITE, MAP_PRIVATE, memory_file(PART));
	unmap(of(HOLE), PART);
	for (part = 0; part < PARTS; part++)
		if (part != HOLE)
			fill(of(part), PART, part);
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(base, WINDOW), 0, WINDOW));
}

static long do_futex_wake(const long *address)
{
	return answer(syscall(SYS_futex, address[0], FUTEX_WAKE, 1, NULL, NULL, 0));
}

static long futex_wake(enum part part)
{
	return on(attacher, do_futex_wake, there(part));
}

static void check_same(enum part part, long seed)
{
	CHECK_EQ(on(attacher, do_verify, there(part), PART, seed), 0);
	CHECK_OK(on(attacher, do_fill, there(part), PART, seed + 100));
	CHECK_EQ(verify(of(part), PART, seed + 100), 0);
	fill(of(part), PART, seed);
	CHECK_EQ(on(attacher, do_verify, there(part), PART, seed), 0);
}

CASE(each_part_is_what_it_can_be)
{
	int part;

	share();
	for (part = 0; part < PARTS; part++)
		if (part != HOLE)
			check_same(part, part);
	CHECK_EQ(on(attacher, do_load, there(HOLE)), GOT_SIGBUS);
	CHECK_EQ(futex_wake(SHARED), 0);
	CHECK_EQ(futex_wake(SHARED_TOO), 0);
	CHECK_EQ(futex_wake(PRIVATE), -EFAULT);
	CHECK_EQ(futex_wake(PRIVATE_FILE), -EFAULT);
	CHECK_EQ(futex_wake(PRIVATE_AGAIN), -EFAULT);
	CHECK_EQ(futex_wake(HOLE), -EFAULT);
}

/* lines of /proc/PID/maps between two addresses */
static int mappings(long start, long end)
{
	unsigned long from, to;
	char path[64], line[512];
	int count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", peer_pid(attacher));
	file = fopen(path, "re");
	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && (long)from < end &&
		    (long)to > start)
			count++;
	fclose(file);
	return count;
}

CASE(detached_as_one)
{
	share();
	CHECK(mappings(at, at + WINDOW) > 1);
	CHECK_OK(on(attacher, do_detach, there(SHARED_TOO) + PAGE));
	CHECK_EQ(mappings(at, at + WINDOW), 0);
}

static void map_anew(enum part part, int flags, int file, long seed)
{
	map_over(of(part), PART, PROT_READ | PROT_WRITE, flags, file);
	fill(of(part), PART, seed);
}

/* what was attached as private memory stays without its pages for system calls, which is safe */
CASE(shared_in_place_of_private)
{
	share();
	CHECK_EQ(on(attacher, do_verify, there(PRIVATE), PART, PRIVATE), 0);
	map_anew(PRIVATE, MAP_SHARED, memory_file(PART), 20);
	check_same(PRIVATE, 20);
	CHECK_EQ(futex_wake(PRIVATE), -EFAULT);
	check_same(SHARED, SHARED);
	CHECK_EQ(futex_wake(SHARED), 0);
}

/*
 * For a page without a reference in a mapping that may have others, follow_pfn_pte() of the
 * kernel's mm/gup.c says EEXIST, once it was touched.
 */
static void check_refused(enum part part)
{
	CHECK_EITHER(futex_wake(part), -EFAULT, -EEXIST);
}

/* never a futex that nobody else can see, never a page that a system call keeps */
CASE(private_in_place_of_shared)
{
	share();
	CHECK_EQ(on(attacher, do_verify, there(SHARED), PART, SHARED), 0);
	CHECK_EQ(futex_wake(SHARED), 0);
	map_anew(SHARED, MAP_PRIVATE | MAP_ANONYMOUS, -1, 20);
	check_refused(SHARED);
	check_same(SHARED, 20);
	check_refused(SHARED);
	map_anew(SHARED, MAP_SHARED, memory_file(PART), 21);
	check_same(SHARED, 21);
	CHECK_EQ(futex_wake(SHARED), 0);
}

CASE(private_mapping_of_the_same_file)
{
	int file = memory_file(PART);

	share();
	map_anew(SHARED, MAP_SHARED, file, 20);
	check_same(SHARED, 20);
	map_over(of(SHARED), PART, PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
	/* the very pages of the file, but of nobody else's mapping */
	CHECK_EQ(on(attacher, do_verify, there(SHARED), PART, 20), 0);
	CHECK_OK(on(attacher, do_store, there(SHARED), 7));
	CHECK_EQ(load(of(SHARED)), 7);
	check_refused(SHARED);
	map_over(of(HOLE), PART, PROT_READ, MAP_SHARED, file);
	CHECK_EQ(verify(of(HOLE), PART, 20), 0);
}

CASE(memory_in_place_of_the_hole)
{
	share();
	CHECK_EQ(on(attacher, do_load, there(HOLE)), GOT_SIGBUS);
	map_anew(HOLE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 20);
	check_same(HOLE, 20);
	CHECK_EQ(futex_wake(HOLE), -EFAULT);
	map_anew(HOLE, MAP_SHARED, memory_file(PART), 21);
	check_same(HOLE, 21);
	unmap(of(HOLE), PART);
	CHECK_EQ(on(attacher, do_load, there(HOLE)), GOT_SIGBUS);
	check_same(PRIVATE, PRIVATE);
	check_same(SHARED_TOO, SHARED_TOO);
}

CASE(huge_page_in_place_of_shared)
{
	share();
	CHECK_EQ(futex_wake(SHARED), 0);
	map_over(base, 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	use_huge_pages(base, 2 * MIB);
	fill(base, 2 * MIB, 20);
	CHECK_EQ(on(attacher, do_verify, at, 2 * MIB, 20), 0);
	CHECK_OK(on(attacher, do_fill, at, 2 * MIB, 21));
	CHECK_EQ(verify(base, 2 * MIB, 21), 0);
	check_refused(SHARED);
}
