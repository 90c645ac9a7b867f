/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pinnable attachments of private memory. A driver of the tests pins pages through the attachment,
 * as an RDMA device does, and reads and writes them. The pages must go on being the exporter's,
 * whatever the exporter and the kernel do.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/mman.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "driver.h"

#define LENGTH (64 * PAGE)
#define PAGES (LENGTH / PAGE)

static struct peer *attacher;
static long page, segid, at;

/* The device opens /dev/xpmem for the main process and the attacher. */
static void start(void)
{
	CHECK_OK(device_open());
	if (!device_has(XPMEM_FEATURE_PINNABLE))
		SKIP("this kernel has no pinnable attachments");
	attacher = peer_start();
}

static void share_as(long memory, long length, long flags)
{
	page = memory;
	segid = CHECK_OK(export_range(page, length));
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, length,
			 flags | XPMEM_ATTACH_PINNABLE));
}

/* The memory is filled after the fork of the attacher: its pages belong to one process. */
static void share(long memory)
{
	start();
	fill(memory, LENGTH, 1);
	share_as(memory, LENGTH, 0);
}

/* fills each page's second word, by the device; answers 0 */
static long do_device_fill(const long *pages_value)
{
	long i, error = 0;

	for (i = 0; i < pages_value[0] && !error; i++)
		error = do_device_store(ARGUMENTS(i * PAGE + 8, pages_value[1] + i));
	return error;
}

/* counts the pages whose second word is another, for the device */
static long do_device_verify(const long *pages_value)
{
	long i, wrong = 0;

	for (i = 0; i < pages_value[0]; i++)
		wrong += do_device_load(ARGUMENTS(i * PAGE + 8)) != pages_value[1] + i;
	return wrong;
}

static void write_pages(long address, long pages, long value)
{
	long i;

	for (i = 0; i < pages; i++)
		CHECK_OK(store(address + i * PAGE + 8, value + i));
}

static long wrong_pages(long address, long pages, long value)
{
	long i, wrong = 0;

	for (i = 0; i < pages; i++)
		wrong += load(address + i * PAGE + 8) != value + i;
	return wrong;
}

/* The exporter, the attacher and the device write in turn, and all see it. */
static void check_same_pages(long pages, long value)
{
	write_pages(page, pages, value);
	CHECK_EQ(on(attacher, do_device_verify, pages, value), 0);
	CHECK_OK(on(attacher, do_device_fill, pages, value + 1000));
	CHECK_EQ(wrong_pages(page, pages, value + 1000), 0);
	CHECK_EQ(on(attacher, do_load, at + 8), value + 1000);
	CHECK_OK(on(attacher, do_store, at + 8, value + 5));
	CHECK_EQ(load(page + 8), value + 5);
	CHECK_EQ(on(attacher, do_device_load, 8), value + 5);
}

static void pin_all(void)
{
	CHECK_OK(on(attacher, do_pin, at, PAGES, 1));
	check_same_pages(PAGES, 100);
}

static void unpin_all(void)
{
	check_same_pages(PAGES, 200);
	CHECK_OK(on(attacher, do_unpin, 0));
}

static long small_pages(void)
{
	long memory = map_aligned(LENGTH, HUGE_PAGE);

	use_small_pages(memory, LENGTH);
	return memory;
}

CASE(pinned)
{
	share(small_pages());
	pin_all();
	unpin_all();
	CHECK_OK(on(attacher, do_verify, at + PAGE / 2, PAGE / 2, 1));
}

CASE(ordinary_attachments_are_not_pinnable)
{
	long ordinary;

	share(small_pages());
	ordinary = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
	CHECK_EQ(on(attacher, do_load, ordinary), load(page));
	CHECK_EQ(on(attacher, do_pin, ordinary, 1, 1), -EFAULT);
	CHECK_OK(on(attacher, do_pin, at, 1, 1));
}

CASE(touched_by_no_process)
{
	start();
	share_as(small_pages(), LENGTH, 0);
	CHECK_EQ(on(attacher, do_load, at + PAGE), 0);
	pin_all();
	unpin_all();
}

CASE(heap_and_stack)
{
	char *stack = (char *)(((long)__builtin_frame_address(0) & -PAGE) - 8 * PAGE);

	start();
	share_as((long)stack, PAGE, 0);
	CHECK_OK(on(attacher, do_pin, at, 1, 1));
	CHECK_OK(on(attacher, do_device_store, 16, 77));
	CHECK_EQ(load(page + 16), 77);
	CHECK_OK(on(attacher, do_unpin, 0));
	share_as(((long)sbrk(4 * PAGE) + PAGE - 1) & -PAGE, PAGE, 0);
	CHECK_OK(on(attacher, do_pin, at, 1, 1));
	CHECK_OK(on(attacher, do_device_store, 16, 78));
	CHECK_EQ(load(page + 16), 78);
}

/* A page that a child shares is copied for the exporter first, whoever asks for it. */
CASE(copy_on_write)
{
	struct peer *child;

	start();
	page = small_pages();
	fill(page, LENGTH, 1);
	child = peer_fork();
	share_as(page, LENGTH, 0);
	CHECK_EQ(on(attacher, do_load, at + 16), load(page + 16));
	pin_all();
	CHECK_EQ(on(child, do_verify, page, LENGTH, 1), 0);
	unpin_all();
}

CASE(private_mapping_of_a_file)
{
	int file = temporary_file("in the file", PAGES);

	share(map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	pin_all();
	unpin_all();
}

CASE(huge_page)
{
	long memory = map_huge(HUGE_PAGE);

	start();
	fill(memory, HUGE_PAGE, 1);
	share_as(memory, HUGE_PAGE, 0);
	CHECK_EQ(on(attacher, do_verify, at, HUGE_PAGE, 1), 0);
	CHECK_OK(on(attacher, do_pin, at, HUGE_PAGE / PAGE, 1));
	check_same_pages(HUGE_PAGE / PAGE, 100);
	CHECK_OK(on(attacher, do_unpin, 0));
	CHECK_EQ(wrong_pages(page + PAGE, HUGE_PAGE / PAGE - 1, 1101), 0);
}

CASE(huge_page_not_touched_before_the_pin)
{
	start();
	share_as(map_huge(HUGE_PAGE), HUGE_PAGE, 0);
	CHECK_OK(on(attacher, do_pin, at + 5 * PAGE, 1, 1));
	CHECK_OK(on(attacher, do_device_store, 0, 7));
	CHECK_EQ(load(page + 5 * PAGE), 7);
}

/* Only the first page of a huge page has the mark that one process has it. */
CASE(huge_page_touched_in_the_middle)
{
	long memory = map_huge(HUGE_PAGE);

	start();
	fill(memory, HUGE_PAGE, 1);
	share_as(memory, HUGE_PAGE, 0);
	CHECK_OK(on(attacher, do_pin, at + 5 * PAGE, 1, 1));
	CHECK_EQ(on(attacher, do_device_load, 0), load(page + 5 * PAGE));
	CHECK_OK(on(attacher, do_unpin, 0));
	CHECK_OK(on(attacher, do_pin, at, HUGE_PAGE / PAGE, 1));
	check_same_pages(HUGE_PAGE / PAGE, 100);
}

CASE(part_of_a_huge_page)
{
	long memory = map_huge(HUGE_PAGE);

	start();
	fill(memory, HUGE_PAGE, 1);
	share_as(memory + 3 * PAGE, LENGTH, 0);
	CHECK_EQ(on(attacher, do_load, at + PAGE), load(page + PAGE));
	pin_all();
	unpin_all();
}

CASE(huge_page_with_write_protection)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_WP };
	long memory = map_huge(HUGE_PAGE), value;
	int faults;

	start();
	fill(memory, HUGE_PAGE, 1);
	share_as(memory, HUGE_PAGE, 0);
	faults = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	range.range.start = memory;
	range.range.len = HUGE_PAGE;
	if (faults < 0 || ioctl(faults, UFFDIO_API, &api) ||
	    ioctl(faults, UFFDIO_REGISTER, &range))
		SKIP("this kernel has no write protection by userfaultfd");
	value = load(page + 5 * PAGE);
	CHECK_EQ(on(attacher, do_load, at + 5 * PAGE), value);
	CHECK_EQ(on(attacher, do_load, at), load(page));
	CHECK_OK(on(attacher, do_store, at, 5));
	CHECK_EQ(load(page), 5);
}

CASE(huge_page_populated)
{
	long memory = map_huge(HUGE_PAGE);

	start();
	fill(memory, HUGE_PAGE, 1);
	share_as(memory, HUGE_PAGE, XPMEM_ATTACH_POPULATE);
	CHECK_OK(on(attacher, do_pin, at, HUGE_PAGE / PAGE, 1));
	check_same_pages(HUGE_PAGE / PAGE, 100);
}

CASE(populated)
{
	start();
	page = small_pages();
	fill(page, LENGTH, 1);
	share_as(page, LENGTH, XPMEM_ATTACH_POPULATE);
	pin_all();
	unpin_all();
}

static long do_count_faults_of(const long *address_length)
{
	long before = do_count_faults(NULL), i;

	for (i = 0; i < address_length[1]; i += PAGE)
		CHECK_OK(load(address_length[0] + i));
	return do_count_faults(NULL) - before;
}

/* The first page of the window is absent, or is of another kind. */
CASE(populated_but_for_the_first_page)
{
	start();
	page = small_pages();
	fill(page + PAGE, LENGTH - PAGE, 1);
	share_as(page, LENGTH, XPMEM_ATTACH_POPULATE);
	/* The first load also takes faults of the program. */
	CHECK_OK(on(attacher, do_count_faults_of, at + PAGE, PAGE));
	CHECK_EQ(on(attacher, do_count_faults_of, at + 2 * PAGE, LENGTH - 2 * PAGE), 0);
	pin_all();
}

CASE(read_only_permit)
{
	struct peer *other;
	long apid;

	start();
	other = peer_start();
	segid = CHECK_OK(export_range(small_pages(), LENGTH));
	apid = CHECK_OK(on(other, do_get, segid, XPMEM_GET_RDONLY));
	CHECK_EQ(on(other, do_attach, apid, 0, LENGTH, XPMEM_ATTACH_PINNABLE), -EACCES);
	CHECK_EQ(on(other, do_attach, apid, 0, LENGTH,
		    XPMEM_ATTACH_PINNABLE | XPMEM_ATTACH_RDONLY),
		 -EACCES);
	CHECK_OK(on(other, do_attach, apid, 0, LENGTH, 0));
}

/* The device may only read. The exporter must not leave the page by a write. */
CASE(read_only_attachment)
{
	start();
	page = small_pages();
	fill(page, LENGTH, 1);
	share_as(page, LENGTH, XPMEM_ATTACH_RDONLY);
	CHECK_EQ(on(attacher, do_pin, at, PAGES, 1), -EFAULT);
	CHECK_EQ(on(attacher, do_load, at), load(page));
	CHECK_OK(on(attacher, do_pin, at, PAGES, 0));
	write_pages(page, PAGES, 100);
	CHECK_EQ(on(attacher, do_device_verify, PAGES, 100), 0);
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGSEGV);
}

CASE(read_only_attachment_of_memory_shared_with_a_child)
{
	struct peer *child;

	start();
	page = small_pages();
	fill(page, LENGTH, 1);
	child = peer_fork();
	share_as(page, LENGTH, XPMEM_ATTACH_RDONLY);
	CHECK_OK(on(attacher, do_pin, at, PAGES, 0));
	write_pages(page, PAGES, 100);
	CHECK_EQ(on(attacher, do_device_verify, PAGES, 100), 0);
	CHECK_EQ(on(child, do_verify, page, LENGTH, 1), 0);
}

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
	/* What the child writes stays its own. */
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

static long do_fork(const long *none)
{
	pid_t child = CHECK_OK(answer(fork()));
	int status;

	(void)none;
	if (!child)
		_exit(EXIT_SUCCESS);
	return CHECK_OK(answer(waitpid(child, &status, 0))) == child ? status : -ECHILD;
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
static long do_pin_and_write(const long *address_pages_turns)
{
	const long *a = address_pages_turns;
	long turn, i, lost = 0;

	for (turn = 0; turn < a[2]; turn++) {
		if (turn % 2)
			lost += pin_and_write(a[0], a[1], turn);
		for (i = 0; turn % 2 == 0 && i < a[1]; i++)
			lost += pin_and_write(a[0] + i * PAGE, 1, turn + i);
	}
	return lost;
}

/* A pin and another change of the exporter's meet, many times. */
static void check_meetings(void *(*change)(void *none), long turns)
{
	pthread_t thread;
	long lost;

	CHECK_EQ(pthread_create(&thread, NULL, change, NULL), 0);
	lost = on(attacher, do_pin_and_write, at, PAGES, turns / slowness());
	done = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(lost, 0);
	CHECK_EQ(wrong_pages(page, PAGES, turns / slowness() - 1), 0);
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

static void *discard_for_ever(void *none)
{
	while (!done)
		CHECK_OK(answer(madvise((void *)(page + PAGES / 2 * PAGE), PAGE, MADV_FREE)));
	return none;
}

static void *page_out_for_ever(void *none)
{
	while (!done)
		CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_PAGEOUT)));
	return none;
}

CASE(pinned_amid_page_out)
{
	share(small_pages());
	check_meetings(page_out_for_ever, 100);
}

#define CGROUP "/sys/fs/cgroup/xpmem-pinnable/"	/* the suite makes it */

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

static long pages_present(void)
{
	long i, present = 0;

	for (i = 0; i < PAGES; i++)
		present += page_number(page + i * PAGE) != 0;
	return present;
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

/* What the device has stays where it is. Free pages of the same content come and go. */
CASE(kept_under_madvise_free)
{
	pthread_t thread;
	long turn;

	share(small_pages());
	pin_all();
	CHECK_EQ(pthread_create(&thread, NULL, discard_for_ever, NULL), 0);
	for (turn = 0; turn < 50; turn++) {
		CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_PAGEOUT)));
		check_same_pages(PAGES, 10000 * turn);
	}
	done = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	unpin_all();
}

CASE(kept_under_page_out)
{
	share(small_pages());
	pin_all();
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_PAGEOUT)));
	check_same_pages(PAGES, 300);
	unpin_all();
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

static void set_merging(const char *text)
{
	if (write_file("/sys/kernel/mm/ksm/run", text) < 0)
		SKIP("this kernel does not merge pages");
}

static long pages_merged(void)
{
	uint64_t first = page_number(page + PAGE);
	long i, merged = 0;

	for (i = 2; i < PAGES; i++)
		merged += first && page_number(page + i * PAGE) == first;
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

	write_file("/sys/kernel/mm/ksm/smart_scan", "0");
	CHECK_OK(write_file("/sys/kernel/mm/ksm/sleep_millisecs", "1"));
	CHECK_OK(write_file("/sys/kernel/mm/ksm/pages_to_scan", "2000"));
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_MERGEABLE)));
	while (full_scans() < first + 4)
		usleep(10000);
}

CASE(merged_before_the_pin)
{
	set_merging("1");
	start();
	page = small_pages();
	memset((void *)page, 7, LENGTH);
	share_as(page, LENGTH, 0);
	merge();
	CHECK(pages_merged() >= PAGES / 2);
	set_merging("0");
	CHECK_OK(on(attacher, do_pin, at, PAGES, 1));
	check_same_pages(PAGES, 100);
}

CASE(not_merged_under_pins)
{
	long i;

	set_merging("1");
	start();
	page = small_pages();
	memset((void *)page, 7, LENGTH);
	share_as(page, LENGTH, 0);
	CHECK_OK(on(attacher, do_pin, at, PAGES, 1));
	merge();
	set_merging("0");
	CHECK_EQ(pages_merged(), 0);
	for (i = 0; i < PAGES; i++)
		CHECK_EQ(load(page + i * PAGE), 0x0707070707070707);
	check_same_pages(PAGES, 100);
}

CASE(collapsed_around_pins)
{
	long memory = map_aligned(HUGE_PAGE, HUGE_PAGE);

	start();
	use_small_pages(memory, HUGE_PAGE);
	fill(memory, HUGE_PAGE, 1);
	share_as(memory, HUGE_PAGE, 0);
	CHECK_EQ(on(attacher, do_verify, at, HUGE_PAGE, 1), 0);
	use_huge_pages(memory, HUGE_PAGE);
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
	long memory = map_aligned(HUGE_PAGE, HUGE_PAGE);

	start();
	use_huge_pages(memory, HUGE_PAGE);
	fill(memory, HUGE_PAGE, 1);
	share_as(memory, HUGE_PAGE, 0);
	check_meetings(collapse_for_ever, 100);
}

static long ordinary, pinnable;	/* attachments of the attacher, of the same huge page */
static volatile long interruptions;

static void touch_pinnable(int number)
{
	(void)number;
	interruptions++;
	(void)load(pinnable);
}

/* Signals interrupt faults of one attachment, and the handler touches the other. */
static long do_touch_both(const long *segid_interruptions)
{
	const struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = touch_pinnable };
	const long *a = segid_interruptions;
	time_t end = time(NULL) + 10;
	long turn;

	ordinary = CHECK_OK(do_attach_segment(ARGUMENTS(a[0], 0, HUGE_PAGE, 0)));
	pinnable = CHECK_OK(do_attach_segment(
		ARGUMENTS(a[0], 0, HUGE_PAGE, XPMEM_ATTACH_PINNABLE)));
	CHECK_OK(answer(sigaction(SIGALRM, &action, NULL)));
	CHECK_OK(answer(setitimer(ITIMER_REAL, &often, NULL)));
	/* On a busy machine fewer signals arrive. */
	for (turn = 0; interruptions < a[1] && time(NULL) < end; turn++)
		(void)store(ordinary, turn);
	CHECK_OK(answer(setitimer(ITIMER_REAL, &never, NULL)));
	return 0;
}

/* A new mapping has no page table, so a fault gets a huge page. */
static void *map_huge_page_for_ever(void *none)
{
	while (!done) {
		map_over(page, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		(void)!madvise((void *)page, HUGE_PAGE, MADV_HUGEPAGE);
		usleep(5000);
	}
	return none;
}

static long anonymous_pages(void)
{
	CHECK_OK(write_file("/proc/sys/vm/stat_refresh", "1"));
	return CHECK_OK(read_counter("/proc/vmstat", "nr_anon_pages"));
}

/*
 * A huge page that the module found for an ordinary attachment of the same task is not one for the
 * pinnable attachment. The kernel would count its mappings wrong, and see fewer pages in the end.
 */
CASE(ordinary_and_pinnable_attachments_of_a_huge_page)
{
	pthread_t thread;
	long before;

	start();
	page = map_huge(HUGE_PAGE);
	segid = CHECK_OK(export_range(page, HUGE_PAGE));
	before = anonymous_pages();
	CHECK_EQ(pthread_create(&thread, NULL, map_huge_page_for_ever, NULL), 0);
	CHECK_OK(on(attacher, do_touch_both, segid, 3000 / slowness()));
	done = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	peer_end(attacher, 0);
	unmap(page, HUGE_PAGE);
	/* Other processes of the machine come and go. */
	CHECK(anonymous_pages() > before - 20);
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

/* A process is the exporter and the attacher. */
CASE(attached_by_the_exporter)
{
	start();
	page = small_pages();
	fill(page, LENGTH, 1);
	at = CHECK_OK(here(do_attach_segment, export_range(page, LENGTH), 0, LENGTH,
			   XPMEM_ATTACH_PINNABLE));
	CHECK_OK(here(do_pin, at, PAGES, 1));
	write_pages(page, PAGES, 100);
	CHECK_EQ(here(do_device_verify, PAGES, 100), 0);
	CHECK_OK(here(do_device_fill, PAGES, 200));
	CHECK_EQ(wrong_pages(at, PAGES, 200), 0);
	CHECK_EQ(here(do_fork, 0), 0);
	write_pages(page, PAGES, 300);
	CHECK_EQ(here(do_device_verify, PAGES, 300), 0);
}

/* Memory of other kinds in the same attachment, from the start or later */

CASE(other_memory_beside)
{
	long memory = map_anonymous(4 * PAGE);

	start();
	map_over(memory + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	map_over(memory + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	fill(memory, PAGE, 1);
	fill(memory + PAGE, PAGE, 2);
	fill(memory + 3 * PAGE, PAGE, 4);
	share_as(memory, 4 * PAGE, 0);
	CHECK_EQ(on(attacher, do_load, at + 2 * PAGE), 0);
	CHECK_EQ(on(attacher, do_pin, at + 2 * PAGE, 1, 0), -EFAULT);
	CHECK_OK(on(attacher, do_pin, at, 2, 1));
	CHECK_EQ(on(attacher, do_device_load, PAGE), load(page + PAGE));
	CHECK_OK(on(attacher, do_unpin, 0));
	CHECK_OK(on(attacher, do_pin, at + 3 * PAGE, 1, 1));
	CHECK_EQ(on(attacher, do_device_load, 0), load(page + 3 * PAGE));
}

/* The exporter changes the memory. Loads and stores work on all of it, and pins work no more. */
static void check_ended(long changed)
{
	CHECK_EQ(on(attacher, do_load, at + changed), load(page + changed));
	CHECK_EQ(on(attacher, do_load, at), load(page));
	CHECK_EQ(on(attacher, do_pin, at + changed, 1, 1), -EFAULT);
	CHECK_OK(on(attacher, do_store, at + 16, 5));
	CHECK_EQ(load(page + 16), 5);
	CHECK_OK(store(page + 24, 6));
	CHECK_EQ(on(attacher, do_load, at + 24), 6);
}

CASE(memory_becomes_read_only)
{
	share(small_pages());
	pin_all();
	unpin_all();
	protect(page + 3 * PAGE, PAGE, PROT_READ);
	check_ended(3 * PAGE);
	CHECK_EQ(on(attacher, do_store, at + 3 * PAGE, 1), GOT_SIGSEGV);
	protect(page + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	CHECK_OK(on(attacher, do_store, at + 3 * PAGE, 1));
	CHECK_EQ(load(page + 3 * PAGE), 1);
}

/* first touched by a device, which does not wait */
CASE(memory_becomes_read_only_before_the_pin)
{
	share(small_pages());
	protect(page + 3 * PAGE, PAGE, PROT_READ);
	CHECK_EQ(on(attacher, do_pin, at + 3 * PAGE, 1, 1), -EFAULT);
	CHECK_EQ(on(attacher, do_pin, at + 3 * PAGE, 1, 0), -EFAULT);
	check_ended(3 * PAGE);
}

CASE(memory_becomes_write_only)
{
	share(small_pages());
	pin_all();
	unpin_all();
	protect(page + 3 * PAGE, PAGE, PROT_WRITE);
	CHECK_OK(on(attacher, do_store, at + 3 * PAGE, 7));
	protect(page + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	CHECK_EQ(load(page + 3 * PAGE), 7);
	check_ended(3 * PAGE);
}

/* Reserved memory, as an allocator keeps it, becomes usable later. */
CASE(memory_without_access_becomes_writable)
{
	long memory = small_pages();

	start();
	protect(memory, LENGTH, PROT_NONE);
	share_as(memory, LENGTH, 0);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGSEGV);
	protect(memory, LENGTH, PROT_READ | PROT_WRITE);
	pin_all();
	unpin_all();
}

CASE(memory_becomes_shared)
{
	share(small_pages());
	pin_all();
	unpin_all();
	map_over(page + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	CHECK_OK(store(page + 3 * PAGE, 77));
	CHECK_EQ(on(attacher, do_load, at + 3 * PAGE), 77);
	CHECK_OK(on(attacher, do_store, at + 3 * PAGE, 78));
	CHECK_EQ(load(page + 3 * PAGE), 78);
	check_ended(3 * PAGE);
}

CASE(memory_becomes_private)
{
	start();
	page = map_shared(LENGTH);
	fill(page, LENGTH, 1);
	share_as(page, LENGTH, 0);
	pin_all();
	unpin_all();
	map_over(page + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK_OK(store(page + 3 * PAGE, 77));
	CHECK_EQ(on(attacher, do_load, at + 3 * PAGE), 77);
	CHECK_OK(on(attacher, do_store, at + 3 * PAGE, 78));
	CHECK_EQ(load(page + 3 * PAGE), 78);
}

CASE(memory_appears_in_a_hole)
{
	long memory = map_anonymous(LENGTH);

	start();
	unmap(memory + PAGE, LENGTH - PAGE);
	share_as(memory, LENGTH, 0);
	CHECK_EQ(on(attacher, do_load, at + PAGE), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_pin, at + PAGE, 1, 1), -EFAULT);
	map_over(memory + PAGE, LENGTH - PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1);
	use_small_pages(memory, LENGTH);
	pin_all();
	unpin_all();
}

static void *protect_for_ever(void *none)
{
	while (!done) {
		protect(page + 3 * PAGE, PAGE, PROT_READ);
		protect(page + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	}
	return none;
}

static long do_load_all(const long *address_turns)
{
	long i, turn, wrong = 0;

	for (turn = 0; turn < address_turns[1]; turn++)
		for (i = 0; i < PAGES; i++)
			wrong += load(address_turns[0] + i * PAGE + 8) != 100 + i;
	return wrong;
}

/* Attachments end being pinnable while threads use them. */
CASE(ended_amid_accesses)
{
	pthread_t thread;
	int turn;

	share(small_pages());
	write_pages(page, PAGES, 100);
	CHECK_EQ(pthread_create(&thread, NULL, protect_for_ever, NULL), 0);
	for (turn = 0; turn < 50 / (int)slowness(); turn++) {
		at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH,
				 XPMEM_ATTACH_PINNABLE));
		CHECK_EQ(on(attacher, do_load_all, at, 3), 0);
		CHECK_OK(on(attacher, do_detach, at));
	}
	done = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
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

static long do_lock_future(const long *none)
{
	(void)none;
	return answer(mlockall(MCL_FUTURE));
}

/* mmap() faults in all of a mapping, which must not have the exporter allocate memory. */
CASE(attached_by_a_process_that_locks_its_memory)
{
	start();
	CHECK_OK(on(attacher, do_lock_future, 0));
	share_as(small_pages(), LENGTH, 0);
	CHECK_EQ(pages_present(), 0);
	pin_all();
	unpin_all();
}

#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)	/* include/uapi/linux/userfaultfd.h of the kernel */
#endif

/* watches a range for writes; -EINVAL where the kernel cannot do that in attachments */
static long do_watch(const long *address_length)
{
	struct uffdio_range range = { address_length[0], address_length[1] };
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_WP_ASYNC };
	struct uffdio_register watched = { .range = range, .mode = UFFDIO_REGISTER_MODE_WP };
	struct uffdio_writeprotect protect_all = { range, UFFDIO_WRITEPROTECT_MODE_WP };
	int faults = syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);

	if (faults < 0 || ioctl(faults, UFFDIO_API, &api) ||
	    ioctl(faults, UFFDIO_REGISTER, &watched))
		return -EINVAL;
	return answer(ioctl(faults, UFFDIO_WRITEPROTECT, &protect_all));
}

/* The kernel marks entries of pages that no process has touched. A fault must not stop at them. */
static void check_watched(long memory, long flags)
{
	long result;

	segid = CHECK_OK(export_range(memory, LENGTH));
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH, flags));
	result = on(attacher, do_watch, at, LENGTH);
	if (result == -EINVAL)
		SKIP("this kernel watches no attachments for writes");
	CHECK_OK(result);
	CHECK_EQ(on(attacher, do_load, at + PAGE), load(memory + PAGE));
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	CHECK_EQ(verify(memory, LENGTH, 2), 0);
	CHECK_OK(answer(madvise((void *)memory, LENGTH, MADV_DONTNEED)));
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 3));
	CHECK_EQ(verify(memory, LENGTH, 3), 0);
}

CASE(watched_for_writes)
{
	start();
	check_watched(small_pages(), XPMEM_ATTACH_PINNABLE);
	CHECK_OK(on(attacher, do_pin, at, PAGES, 1));
}

CASE(ordinary_attachments_watched_for_writes)
{
	start();
	check_watched(small_pages(), 0);
}

CASE(shared_memory_watched_for_writes)
{
	start();
	check_watched(map_shared(LENGTH), 0);
}

/* Refusals */

CASE(refused_where_the_segment_forbids_it)
{
	struct peer *other;
	long apid;

	start();
	other = peer_start();
	page = small_pages();
	segid = CHECK_OK(MAKE(.vaddr = page, .length = LENGTH, .mode = 0600,
			      .flags = XPMEM_MAKE_NO_GUP));
	apid = CHECK_OK(on(other, do_get, segid, XPMEM_GET_RDWR));
	CHECK_EQ(on(other, do_attach, apid, 0, LENGTH, XPMEM_ATTACH_PINNABLE), -EACCES);
	CHECK_OK(on(other, do_attach, apid, 0, LENGTH, 0));
}

CASE(refused_where_the_kernel_lacks_it)
{
	long apid;

	CHECK_OK(device_open());
	if (device_has(XPMEM_FEATURE_PINNABLE))
		SKIP("this kernel has pinnable attachments");
	attacher = peer_start();
	segid = CHECK_OK(export_range(small_pages(), LENGTH));
	apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR));
	CHECK_EQ(on(attacher, do_attach, apid, 0, LENGTH, XPMEM_ATTACH_PINNABLE), -EOPNOTSUPP);
	CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH, 0));
}

/* The attacher's memory counts what it maps, and nothing is left of that. */
static long do_resident(const long *none)
{
	(void)none;
	return read_counter("/proc/self/status", "RssAnon:");
}

CASE(resident_memory)
{
	long before, with;

	share(small_pages());
	before = CHECK_OK(on(attacher, do_resident, 0));
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	with = CHECK_OK(on(attacher, do_resident, 0));
	CHECK(with - before >= LENGTH / 1024);
	CHECK_OK(on(attacher, do_detach, at));
	CHECK(CHECK_OK(on(attacher, do_resident, 0)) < with - LENGTH / 2048);
}

/* Other calls that take user pages */

CASE(vmsplice)
{
	share(small_pages());
	CHECK_OK(store(page, 41));
	CHECK_EQ(on(attacher, do_splice, at), 42);
	CHECK_EQ(load(page), 42);
}

CASE(process_vm_access)
{
	long value = 0;
	struct iovec local = { &value, sizeof(value) }, remote;

	share(small_pages());
	remote = (struct iovec){ (void *)at, sizeof(value) };
	CHECK_EQ(answer(process_vm_readv(peer_pid(attacher), &local, 1, &remote, 1, 0)),
		 sizeof(value));
	CHECK_EQ(value, load(page));
	value = 42;
	CHECK_EQ(answer(process_vm_writev(peer_pid(attacher), &local, 1, &remote, 1, 0)),
		 sizeof(value));
	CHECK_EQ(load(page), 42);
}

static long do_transfer(const long *file_address_length_write)
{
	const long *a = file_address_length_write;

	return answer(a[3] ? pwrite(a[0], (void *)a[1], a[2], 0)
			   : pread(a[0], (void *)a[1], a[2], 0));
}

CASE(direct_io)
{
	int file = temporary_file("on disk", PAGES), flags;

	flags = CHECK_OK(answer(fcntl(file, F_GETFL)));
	CHECK_OK(answer(fsync(file)));
	if (fcntl(file, F_SETFL, flags | O_DIRECT))
		SKIP("no file system for O_DIRECT: %s", strerror(errno));
	share(small_pages());
	CHECK_EQ(on(attacher, do_transfer, file, at, LENGTH, 1), LENGTH);
	fill(page, LENGTH, 2);
	CHECK_EQ(on(attacher, do_transfer, file, at, LENGTH, 0), LENGTH);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
}
