/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attached pages move between NUMA nodes as any others: nothing holds them, and nothing written is
 * lost. Needs two nodes (numa=fake=2).
 */
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"

#ifndef MPOL_F_NUMA_BALANCING
#define MPOL_F_NUMA_BALANCING (1 << 13)	/* include/uapi/linux/mempolicy.h of the kernel */
#endif

#define LENGTH (2 * MIB)
#define PAGES (LENGTH / PAGE)

static struct peer *attacher;
static long page, at;

static void share(long memory)
{
	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP("this machine has one NUMA node only");
	CHECK_OK(device_open());
	page = memory;
	attacher = peer_start();
	fill(page, LENGTH, 1);
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, LENGTH), 0, LENGTH));
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
}

static long private_memory(void (*use_pages)(long address, long length))
{
	long memory = map_aligned(LENGTH, 2 * MIB);

	use_pages(memory, LENGTH);
	return memory;
}

static void *pages[PAGES];

static long count_on(int node)
{
	static int status[PAGES];
	long i, there = 0;

	CHECK_OK(answer(syscall(SYS_move_pages, 0, PAGES, pages, NULL, status, 0)));
	for (i = 0; i < PAGES; i++)
		there += status[i] == node;
	return there;
}

/* asks all pages to move to the node */
static void ask_to_move(int node)
{
	static int nodes[PAGES], status[PAGES];
	long i;

	for (i = 0; i < PAGES; i++) {
		pages[i] = (void *)(page + i * PAGE);
		nodes[i] = node;
	}
	CHECK_OK(answer(syscall(SYS_move_pages, 0, PAGES, pages, nodes, status, MPOL_MF_MOVE_ALL)));
}

/* how many pages are on the node after they were asked to move there */
static long move_to(int node)
{
	ask_to_move(node);
	return count_on(node);
}

static void check_moves(long memory)
{
	int turn;

	share(memory);
	for (turn = 0; turn < 6; turn++) {
		CHECK_OK(on(attacher, do_fill, at, LENGTH, 10 + turn));
		/* a page on a per-processor list may stay behind */
		if (move_to(turn % 2) < PAGES * 9 / 10)
			FAIL("turn %d: only %ld of %ld pages moved", turn, move_to(turn % 2),
			     PAGES);
		CHECK_EQ(verify(page, LENGTH, 10 + turn), 0);
		CHECK_EQ(on(attacher, do_verify, at, LENGTH, 10 + turn), 0);
	}
}

CASE(private_memory)
{
	check_moves(private_memory(use_small_pages));
}

CASE(huge_page)
{
	check_moves(private_memory(use_huge_pages));
}

CASE(shared_memory)
{
	check_moves(map_shared(LENGTH));
}

static void check_counts(long memory)
{
	long i, turn, counts = 2000;

	share(memory);
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_OK(store(page + i, 0));
	peer_tell(attacher, do_count, ARGUMENTS(at, LENGTH, counts));
	for (turn = 0; turn < 20; turn++) {
		harness_renew();
		move_to(turn % 2);
	}
	harness_renew();
	CHECK_OK(peer_answer(attacher));
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_EQ(load(page + i), counts);
}

CASE(counted_while_moving)
{
	check_counts(private_memory(use_small_pages));
}

CASE(counted_while_a_huge_page_moves)
{
	check_counts(private_memory(use_huge_pages));
}

CASE(counted_while_shared_memory_moves)
{
	check_counts(map_shared(LENGTH));
}

/*
 * Has the kernel balance no other memory of this process. Since 6.8 the kernel scans one at a time
 * of the mappings that it takes for unused, and so seldom this one among others. Before 5.12, where
 * a process cannot ask for that, the kernel scans all of them each time.
 */
static void balance_only(long memory)
{
	unsigned long first = 1, both = 3;

	if (!syscall(SYS_mbind, memory, LENGTH, MPOL_BIND | MPOL_F_NUMA_BALANCING, &both, 8, 0))
		CHECK_OK(answer(syscall(SYS_set_mempolicy, MPOL_PREFERRED, &first, 8)));
	else
		CHECK_EQ(errno, EINVAL);
}

/* A task that touches a page whose entry the kernel took may move the page to its own node. */
static void check_balancing(long memory)
{
	long i, counts = 2000, before;
	unsigned int node;

	share(memory);
	balance_only(page);
	before = CHECK_OK(read_counter("/proc/vmstat", "numa_hint_faults"));
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_OK(store(page + i, 0));
	peer_tell(attacher, do_count, ARGUMENTS(at, LENGTH, counts));
	while (read_counter("/proc/vmstat", "numa_hint_faults") < before + 10) {
		/* entries are taken of pages that are on another node than the processor */
		CHECK_OK(answer(syscall(SYS_getcpu, NULL, &node, NULL)));
		ask_to_move(!node);
		for (i = 0; i < LENGTH; i += PAGE)
			CHECK(load(page + i) <= counts);
	}
	CHECK_OK(peer_answer(attacher));
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_EQ(load(page + i), counts);
}

CASE(balanced)
{
	check_balancing(private_memory(use_small_pages));
}

CASE(balanced_huge_page)
{
	check_balancing(private_memory(use_huge_pages));
}

/* as cpusets do when a process changes nodes: all that it has */
CASE(whole_process)
{
	unsigned long old = 1, new = 2;

	share(private_memory(use_small_pages));
	move_to(0);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 5));
	CHECK_OK(answer(syscall(SYS_migrate_pages, 0, 8, &old, &new)));
	CHECK(count_on(1) >= PAGES * 9 / 10);
	CHECK_EQ(verify(page, LENGTH, 5), 0);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 5), 0);
}

/* a policy that is set later takes the pages along */
CASE(policy)
{
	unsigned long nodes = 2;

	share(private_memory(use_small_pages));
	move_to(0);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 5));
	CHECK_OK(answer(syscall(SYS_mbind, page, LENGTH, MPOL_BIND, &nodes, 8, MPOL_MF_MOVE_ALL)));
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 5), 0);
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_DONTNEED)));
	/* pages that the attacher's touch makes follow the exporter's policy */
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 6));
	CHECK_EQ(count_on(1), PAGES);
	CHECK_EQ(verify(page, LENGTH, 6), 0);
}
