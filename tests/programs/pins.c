/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pages of pinnable attachments. While a device has them, and when the attacher has written
 * them, they must go on being the exporter's, whatever the exporter and the kernel do.
 */
#include <linux/mempolicy.h>
#include <linux/mman.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "merging.h"
#include "pinning.h"

/* Both sides fork, write and exit while the device has the pages. */
CASE(exporter_forks_under_pins)
{
	struct peer *child;
	long i;

	share(small_pages());
	pin_all();
	write_pages(page, PAGES, 500);
	child = peer_fork();
	check_same_pages(PAGES, 600);
	for (i = 0; i < PAGES; i++)
		CHECK_EQ(on(child, do_load, page + i * PAGE + 8), 500 + i);
	/* The child's writes do not reach the exporter. */
	CHECK_OK(on(child, do_fill, page, LENGTH, 9));
	CHECK_EQ(wrong_pages(page + PAGE, PAGES - 1, 1601), 0);
	check_same_pages(PAGES, 700);
	peer_end(child, 0);
	unpin_all();
}

CASE(exporter_forks_under_pins_of_a_huge_page)
{
	long memory = map_huge(HUGE_PAGE);
	struct peer *child;

	start();
	fill(memory, HUGE_PAGE, 1);
	share_as(memory, HUGE_PAGE, 0);
	CHECK_OK(on(attacher, do_pin, at, HUGE_PAGE / PAGE, 1));
	child = peer_fork();
	check_same_pages(HUGE_PAGE / PAGE, 100);
	CHECK_EQ(on(child, do_verify, page, HUGE_PAGE, 1), 0);
}

CASE(attacher_forks_under_pins)
{
	share(small_pages());
	pin_all();
	CHECK_EQ(on(attacher, do_fork, 0), 0);
	unpin_all();
}

static long do_touch_in_child(const long *address)
{
	pid_t child = CHECK_OK(answer(fork()));
	int status;
	long value;

	if (!child) {
		value = load(address[0]);
		_exit(value == GOT_SIGBUS || value == GOT_SIGSEGV ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	CHECK_OK(answer(waitpid(child, &status, 0)));
	return status;
}

/* A fork must not copy the entries, or the pages would lose the mark that one process has them. */
CASE(attacher_asks_to_be_copied)
{
	long turn;

	share(small_pages());
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	/* Newer kernels refuse it. */
	CHECK_EITHER(on(attacher, do_advise, at, LENGTH, MADV_DOFORK), 0, -EINVAL);
	on(attacher, do_advise, at, LENGTH, MADV_KEEPONFORK);
	for (turn = 0; turn < 3; turn++) {
		CHECK_EQ(on(attacher, do_touch_in_child, at), 0);
		CHECK_EQ(verify(page, LENGTH, 2), 0);
	}
	pin_all();
	unpin_all();
}

static volatile bool done;

static void *fork_for_ever(void *none)
{
	pid_t child;
	int status;

	while (!done) {
		child = CHECK_OK(answer(fork()));
		if (!child)
			_exit(EXIT_SUCCESS);
		CHECK_OK(answer(waitpid(child, &status, 0)));
	}
	return none;
}

/* pins, has the device and the attacher write, and unpins; answers the number of words lost */
static long pin_and_write(long address, long pages, long value)
{
	long i, at_page, lost = 0;

	CHECK_OK(do_pin(ARGUMENTS(address, pages, 1)));
	for (i = 0; i < pages; i++) {
		at_page = address + i * PAGE;
		CHECK_OK(do_device_store(ARGUMENTS(i * PAGE + 8, value + i)));
		lost += load(at_page + 8) != value + i;
		CHECK_OK(store(at_page + 16, value - i));
		lost += do_device_load(ARGUMENTS(i * PAGE + 16)) != value - i;
		CHECK_OK(do_device_store(ARGUMENTS(i * PAGE + 24, value)));
		lost += load(at_page + 24) != value;
	}
	CHECK_OK(do_unpin(NULL));
	return lost;
}

/* Pins all pages at once, and in every other turn one after the other. */
static long do_pin_and_write(const long *address_pages_turn)
{
	const long *a = address_pages_turn;
	long i, lost = 0;

	if (a[2] % 2)
		return pin_and_write(a[0], a[1], a[2]);
	for (i = 0; i < a[1]; i++)
		lost += pin_and_write(a[0] + i * PAGE, 1, a[2] + i);
	return lost;
}

/* A pin and another change of the exporter's meet, many times. The time limit is that of a turn. */
static void check_meetings(void *(*change)(void *none), long turns)
{
	long turn, lost = 0;
	pthread_t thread;

	turns /= slowness();
	CHECK_EQ(pthread_create(&thread, NULL, change, NULL), 0);
	for (turn = 0; turn < turns; turn++) {
		harness_renew();
		lost += on(attacher, do_pin_and_write, at, PAGES, turn);
	}
	done = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(lost, 0);
	CHECK_EQ(wrong_pages(page, PAGES, turns - 1), 0);
}

CASE(pinned_amid_forks)
{
	share(small_pages());
	check_meetings(fork_for_ever, 200);
}

/* The exporter counts in the pages that the device has, in each turn after a fork. */
CASE(exporter_counts_amid_forks)
{
	long turns = 200 / slowness(), i, turn;
	pthread_t thread;

	share(small_pages());
	write_pages(page, PAGES, 0);
	CHECK_EQ(pthread_create(&thread, NULL, fork_for_ever, NULL), 0);
	for (turn = 0; turn < turns; turn++) {
		CHECK_OK(on(attacher, do_pin, at, PAGES, 1));
		for (i = 0; i < PAGES; i++)
			*(volatile long *)(page + i * PAGE + 8) += 1;
		CHECK_OK(on(attacher, do_device_store, 16, turn));
		CHECK_EQ(load(page + 16), turn);
		CHECK_EQ(on(attacher, do_device_load, (PAGES - 1) * PAGE + 8),
			 PAGES - 1 + turn + 1);
		CHECK_OK(on(attacher, do_unpin, 0));
	}
	done = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(wrong_pages(page, PAGES, turns), 0);
}

#define CGROUP "/sys/fs/cgroup/xpmem-pins/"	/* the suite makes it */

/* The memory of the exporter from here on can be reclaimed by itself, even if others map it. */
static void enter_cgroup(void)
{
	if (access(CGROUP "memory.reclaim", W_OK))
		SKIP("this kernel does not reclaim a cgroup on request");
	CHECK_OK(write_file(CGROUP "cgroup.procs", "0"));
}

static void reclaim(void)
{
	/* Fails if less can be reclaimed. */
	write_file(CGROUP "memory.reclaim", "4M");
}

static void *reclaim_for_ever(void *none)
{
	while (!done)
		reclaim();
	return none;
}

CASE(pinned_amid_reclaim)
{
	start();
	enter_cgroup();
	page = small_pages();
	fill(page, LENGTH, 1);
	share_as(page, LENGTH, 0);
	check_meetings(reclaim_for_ever, 100);
}

CASE(kept_under_reclaim)
{
	int turn;

	start();
	enter_cgroup();
	page = small_pages();
	fill(page, LENGTH, 1);
	share_as(page, LENGTH, 0);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	/* Attached pages without pins go to swap. */
	for (turn = 0; turn < 50 && pages_present() > PAGES / 2; turn++)
		reclaim();
	CHECK(pages_present() <= PAGES / 2);
	pin_all();
	for (turn = 0; turn < 20; turn++) {
		reclaim();
		check_same_pages(PAGES, 1000 * turn);
	}
	CHECK_EQ(pages_present(), PAGES);
	unpin_all();
}

static void *compact_for_ever(void *none)
{
	while (!done)
		if (write_file("/proc/sys/vm/compact_memory", "1") < 0)
			usleep(1000);
	return none;
}

CASE(pinned_amid_compaction)
{
	share(small_pages());
	check_meetings(compact_for_ever, 100);
}

static void *move_for_ever(void *none)
{
	static void *pages[PAGES];
	static int nodes[PAGES], status[PAGES];
	long i, turn;

	for (turn = 0; !done; turn++) {
		for (i = 0; i < PAGES; i++) {
			pages[i] = (void *)(page + i * PAGE);
			nodes[i] = turn % 2;
		}
		CHECK_OK(answer(syscall(SYS_move_pages, 0, PAGES, pages, nodes, status,
					MPOL_MF_MOVE_ALL)));
	}
	return none;
}

CASE(pinned_amid_moves)
{
	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP("this machine has one NUMA node only");
	share(small_pages());
	check_meetings(move_for_ever, 100);
}

CASE(swapped_out_before_the_pin)
{
	share(small_pages());
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_PAGEOUT)));
	pin_all();
	unpin_all();
}

/*
 * A write to a page whose entry the kernel made in a read-only mapping leaves no trace but the page
 * itself. The page goes to swap and comes back.
 */
CASE(written_after_it_became_writable)
{
	int turn;

	start();
	page = small_pages();
	fill(page, LENGTH, 1);
	for (turn = 0; turn < 5; turn++) {
		CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_PAGEOUT)));
		CHECK_EQ(verify(page, LENGTH, 1 + turn), 0);
		share_as(page, LENGTH, 0);
		CHECK_OK(on(attacher, do_protect, at, LENGTH, PROT_READ));
		CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1 + turn), 0);
		CHECK_OK(on(attacher, do_protect, at, LENGTH, PROT_READ | PROT_WRITE));
		CHECK_OK(on(attacher, do_fill, at, LENGTH, 2 + turn));
		CHECK_OK(on(attacher, do_detach, at));
		CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_PAGEOUT)));
		CHECK_EQ(verify(page, LENGTH, 2 + turn), 0);
	}
}

/* The kernel drops the pages unless it learns that the attacher has written them. */
static void check_written_after_madvise_free(long protection)
{
	share(small_pages());
	CHECK_OK(on(attacher, do_protect, at, LENGTH, protection));
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_FREE)));
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_OK(on(attacher, do_protect, at, LENGTH, PROT_READ | PROT_WRITE));
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	CHECK_OK(on(attacher, do_detach, at));
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_PAGEOUT)));
	CHECK_EQ(verify(page, LENGTH, 2), 0);
}

CASE(written_after_madvise_free)
{
	check_written_after_madvise_free(PROT_READ | PROT_WRITE);
}

CASE(written_after_madvise_free_by_entries_that_became_writable)
{
	check_written_after_madvise_free(PROT_READ);
}

static long do_clear_soft_dirty(const long *none)
{
	(void)none;
	return write_file("/proc/self/clear_refs", "4");
}

/* Tracking makes entries read-only. */
CASE(soft_dirty_tracking_of_the_attacher)
{
	int turn;

	share(small_pages());
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	for (turn = 0; turn < 3; turn++) {
		on(attacher, do_clear_soft_dirty, 0);
		CHECK_OK(on(attacher, do_fill, at, LENGTH, 3 + turn));
		CHECK_EQ(verify(page, LENGTH, 3 + turn), 0);
		on(attacher, do_clear_soft_dirty, 0);
		pin_all();
		unpin_all();
	}
}

CASE(soft_dirty_tracking_of_the_exporter)
{
	share(small_pages());
	pin_all();
	write_file("/proc/self/clear_refs", "4");
	check_same_pages(PAGES, 300);
	unpin_all();
}

static long pages_merged(void)
{
	long i, merged = 0;

	for (i = 2; i < PAGES; i++)
		merged += are_merged(page + PAGE, page + i * PAGE);
	return merged;
}

static long full_scans(void)
{
	FILE *file = fopen("/sys/kernel/mm/ksm/full_scans", "re");
	long scans;

	CHECK(file && fscanf(file, "%ld", &scans) == 1);
	fclose(file);
	return scans;
}

/* Has the kernel merge what it can. It merges a page that it has seen unchanged in two scans. */
static void merge(void)
{
	long first = full_scans();

	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_MERGEABLE)));
	while (full_scans() < first + 4)
		usleep(10000);
}

CASE(merged_before_the_pin)
{
	start_merging();
	start();
	page = small_pages();
	memset((void *)page, 7, LENGTH);
	share_as(page, LENGTH, 0);
	merge();
	CHECK(pages_merged() >= PAGES / 2);
	stop_merging();
	CHECK_OK(on(attacher, do_pin, at, PAGES, 1));
	check_same_pages(PAGES, 100);
}

CASE(not_merged_under_pins)
{
	long i;

	start_merging();
	start();
	page = small_pages();
	memset((void *)page, 7, LENGTH);
	share_as(page, LENGTH, 0);
	CHECK_OK(on(attacher, do_pin, at, PAGES, 1));
	merge();
	stop_merging();
	CHECK_EQ(pages_merged(), 0);
	for (i = 0; i < PAGES; i++)
		CHECK_EQ(load(page + i * PAGE), 0x0707070707070707);
	check_same_pages(PAGES, 100);
}

/* Shares what may be one huge page, after advice to use small or huge ones. */
static void share_block(void (*advise)(long address, long length))
{
	long memory = map_aligned(HUGE_PAGE, HUGE_PAGE);

	start();
	advise(memory, HUGE_PAGE);
	fill(memory, HUGE_PAGE, 1);
	share_as(memory, HUGE_PAGE, 0);
}

CASE(collapsed_around_pins)
{
	share_block(use_small_pages);
	CHECK_EQ(on(attacher, do_verify, at, HUGE_PAGE, 1), 0);
	use_huge_pages(page, HUGE_PAGE);
	/* A page without a pin may collapse, and the pin splits it again. */
	CHECK_EITHER(answer(madvise((void *)page, HUGE_PAGE, MADV_COLLAPSE)), 0, -EINVAL);
	CHECK_OK(on(attacher, do_pin, at, HUGE_PAGE / PAGE, 1));
	check_same_pages(HUGE_PAGE / PAGE, 100);
	CHECK(answer(madvise((void *)page, HUGE_PAGE, MADV_COLLAPSE)) < 0);
	check_same_pages(HUGE_PAGE / PAGE, 200);
}

static void *collapse_for_ever(void *none)
{
	while (!done)
		madvise((void *)page, HUGE_PAGE, MADV_COLLAPSE);
	return none;
}

CASE(pinned_amid_collapses)
{
	share_block(use_huge_pages);
	check_meetings(collapse_for_ever, 100);
}

/* Pins outlive the end of access, and the memory. */
CASE(removed_under_pins)
{
	share(small_pages());
	pin_all();
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	write_pages(page, PAGES, 900);
	CHECK_EQ(on(attacher, do_device_verify, PAGES, 900), 0);
	CHECK_OK(on(attacher, do_device_fill, PAGES, 1000));
	CHECK_EQ(wrong_pages(page, PAGES, 1000), 0);
	CHECK_OK(on(attacher, do_unpin, 0));
}

CASE(detached_under_pins)
{
	share(small_pages());
	pin_all();
	CHECK_OK(on(attacher, do_detach, at));
	write_pages(page, PAGES, 900);
	CHECK_EQ(on(attacher, do_device_verify, PAGES, 900), 0);
	CHECK_OK(on(attacher, do_unpin, 0));
}

/* The exporter has other pages then, and the device keeps the old ones. */
CASE(discarded_under_pins)
{
	share(small_pages());
	pin_all();
	write_pages(page, PAGES, 900);
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_DONTNEED)));
	CHECK_EQ(on(attacher, do_load, at + 8), 0);
	CHECK_EQ(load(page + 8), 0);
	CHECK_EQ(on(attacher, do_device_verify, PAGES, 900), 0);
	CHECK_OK(on(attacher, do_device_fill, PAGES, 1000));
	CHECK_EQ(load(page + 8), 0);
	CHECK_OK(on(attacher, do_unpin, 0));
	pin_all();
	unpin_all();
}

static long exported_by_peer(struct peer *exporter)
{
	long memory = CHECK_OK(on(exporter, do_map, LENGTH));

	CHECK_OK(on(exporter, do_fill, memory, LENGTH, 1));
	return CHECK_OK(on(exporter, do_export, memory, LENGTH));
}

static void check_exporter_ends(int number)
{
	struct peer *exporter;

	start();
	exporter = peer_start();
	segid = exported_by_peer(exporter);
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH, XPMEM_ATTACH_PINNABLE));
	CHECK_OK(on(attacher, do_pin, at, PAGES, 1));
	CHECK_OK(on(attacher, do_device_fill, PAGES, 100));
	peer_end(exporter, number);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_device_verify, PAGES, 100), 0);
	CHECK_OK(on(attacher, do_device_fill, PAGES, 200));
	CHECK_EQ(on(attacher, do_device_verify, PAGES, 200), 0);
	CHECK_OK(on(attacher, do_unpin, 0));
}

CASE(exporter_exits_under_pins)
{
	check_exporter_ends(0);
}

CASE(exporter_killed_under_pins)
{
	check_exporter_ends(SIGKILL);
}

static long do_exec(const long *none)
{
	(void)none;
	execlp("true", "true", NULL);
	return answer(-1);
}

CASE(exporter_executes_under_pins)
{
	struct peer *exporter;

	start();
	exporter = peer_start();
	segid = exported_by_peer(exporter);
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH, XPMEM_ATTACH_PINNABLE));
	CHECK_OK(on(attacher, do_pin, at, PAGES, 1));
	CHECK_OK(on(attacher, do_device_fill, PAGES, 100));
	peer_tell(exporter, do_exec, ARGUMENTS(0));
	peer_await_end(exporter);
	CHECK_EQ(on(attacher, do_device_verify, PAGES, 100), 0);
	CHECK_OK(on(attacher, do_unpin, 0));
}

CASE(attacher_changes_its_mapping)
{
	share(small_pages());
	CHECK_OK(on(attacher, do_protect, at, LENGTH, PROT_READ));
	CHECK_EQ(on(attacher, do_pin, at, PAGES, 1), -EFAULT);
	CHECK_OK(on(attacher, do_pin, at, PAGES, 0));
	CHECK_OK(on(attacher, do_unpin, 0));
	CHECK_OK(on(attacher, do_protect, at, LENGTH, PROT_READ | PROT_WRITE));
	pin_all();
	CHECK_OK(on(attacher, do_unmap, at + PAGE, PAGE));
	CHECK_EQ(on(attacher, do_device_load, PAGE + 8), load(page + PAGE + 8));
	CHECK_OK(on(attacher, do_advise, at + 2 * PAGE, PAGE, MADV_DONTNEED));
	CHECK_EQ(on(attacher, do_load, at + 2 * PAGE + 8), load(page + 2 * PAGE + 8));
	CHECK_OK(on(attacher, do_unpin, 0));
}
