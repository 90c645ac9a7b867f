/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pinnable attachments of private memory: which memory can be pinned through them, and what else
 * they are to the attacher. pins.c has what becomes of the pages afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "pinning.h"

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

static volatile bool done;

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
