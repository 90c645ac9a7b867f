/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attachers register ordinary mmu notifiers, as KVM does, while the exporter's pages change. A
 * registration takes the i_mmap and anon_vma locks of all that the attacher maps. No change may
 * wait for one of them in turn.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/kvm.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../notifier/notifier.h"
#include "deadline.h"
#include "device.h"

#define LENGTH (2 * MIB)
#define PAGES (LENGTH / PAGE)
#define CHANGED_AT_ONCE 16	/* pages; each may have to wait for the registration under way */
#define SECONDS 4
#define STILL 20	/* seconds without progress that count as a hang */

enum { REGISTRATIONS, CHANGES, TOUCHES, KINDS };

static const char *const kind_names[] = { "registrations", "changes", "touches" };

static struct board {
	atomic_long turns[KINDS];
	atomic_long generation;		/* of what the file holds since it was punched last */
	atomic_bool stop;
} *board;

static long memory, at;	/* the exported memory, and its attachment */
static int file = -1;
static bool readonly;	/* the attachment */

/* Registers a notifier in this process and unregisters it. */
static long register_once(void)
{
	int device_of_tests = open("/dev/xpmem-notifier", O_RDWR | O_CLOEXEC), machine;

	if (device_of_tests >= 0)
		return answer(close(device_of_tests));
	if (errno != ENOENT)
		return -errno;
	device_of_tests = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (device_of_tests < 0)
		return -errno;
	machine = ioctl(device_of_tests, KVM_CREATE_VM, 0);
	close(device_of_tests);
	return machine < 0 ? -errno : answer(close(machine));
}

/* The third word of each page must be as new as the last hole, or zero. */
static void *touch_for_reading(void *nothing)
{
	long i, value, generation;

	while (!board->stop) {
		for (i = 0; i < PAGES; i++) {
			generation = board->generation;
			value = load(at + i * PAGE + 16);
			if (value && value < generation)
				FAIL("page %ld is one that was punched out", i);
			board->turns[TOUCHES]++;
		}
	}
	return nothing;
}

/*
 * Only this thread writes the second word of each page, so it finds there what it wrote last, or
 * nothing where the page was punched out. The third word tells how old the page is.
 */
static void *touch(void *nothing)
{
	static long written[PAGES];
	long i, value, generation;

	while (!board->stop) {
		for (i = 0; i < PAGES; i++) {
			CHECK_OK(touch_for_writing(at + i * PAGE));
			generation = board->generation;
			value = load(at + i * PAGE + 16);
			if (generation && value && value < generation)
				FAIL("page %ld is one that was punched out", i);
			value = load(at + i * PAGE + 8);
			if (written[i] && value != written[i] && !(generation && !value))
				FAIL("page %ld has lost %ld, and has %ld", i, written[i], value);
			CHECK_OK(store(at + i * PAGE + 8, ++written[i]));
			board->turns[TOUCHES]++;
		}
	}
	return nothing;
}

static long do_attach_memory(const long *segid)
{
	int flags = readonly ? XPMEM_GET_RDONLY : XPMEM_GET_RDWR;

	at = ATTACH(.apid = CHECK_OK(GET(.segid = segid[0], .flags = flags)), .length = LENGTH);
	return at;
}

static long do_register_for_ever(const long *none)
{
	pthread_t thread;
	long result;

	(void)none;
	CHECK_EQ(pthread_create(&thread, NULL, readonly ? touch_for_reading : touch, NULL), 0);
	while (!board->stop) {
		result = register_once();
		if (result != -EINTR)
			CHECK_OK(result);
		board->turns[REGISTRATIONS]++;
	}
	return answer(-pthread_join(thread, NULL));
}

/* Moves the pages of the exporter between nodes. */
static long do_move_for_ever(const long *pid)
{
	static void *pages[CHANGED_AT_ONCE];
	static int nodes[CHANGED_AT_ONCE], status[CHANGED_AT_ONCE];
	long i, first = 0, node = 0;

	while (!board->stop) {
		for (i = 0; i < CHANGED_AT_ONCE; i++) {
			pages[i] = (void *)(memory + (first + i) * PAGE);
			nodes[i] = node;
		}
		CHECK_OK(answer(syscall(SYS_move_pages, pid[0], CHANGED_AT_ONCE, pages, nodes,
					status, MPOL_MF_MOVE_ALL)));
		first = (first + CHANGED_AT_ONCE) % PAGES;
		if (!first)
			node = !node;
		board->turns[CHANGES]++;
	}
	return 0;
}

static long do_punch_for_ever(const long *none)
{
	long generation, i;

	(void)none;
	for (generation = 1L << 60; !board->stop; generation++) {
		CHECK_OK(answer(
			fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, LENGTH)));
		for (i = 0; i < PAGES; i += 16)
			CHECK_EQ(pwrite(file, &generation, sizeof(generation), i * PAGE + 16),
				 sizeof(generation));
		board->generation = generation;
		board->turns[CHANGES]++;
	}
	return 0;
}

/*
 * Writes around the page cache, so each write takes the file's pages out of it. The core stops the
 * machine if a page that it takes out is still mapped then.
 */
static long do_write_direct_for_ever(const long *none)
{
	static char content[CHANGED_AT_ONCE * PAGE] __attribute__((aligned(PAGE)));
	char path[64];
	long offset = 0;
	int direct;

	(void)none;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	direct = CHECK_OK(answer(open(path, O_WRONLY | O_DIRECT | O_CLOEXEC)));
	while (!board->stop) {
		CHECK_EQ(pwrite(direct, content, sizeof(content), offset), sizeof(content));
		offset = (offset + (long)sizeof(content)) % LENGTH;
		board->turns[CHANGES]++;
	}
	return answer(close(direct));
}

/* Reclaim of the exporter's pages, by a task that holds the exporter's mmap_lock. */
static long do_page_out_for_ever(const long *pid)
{
	int exporter = CHECK_OK(answer(syscall(SYS_pidfd_open, pid[0], 0)));
	struct iovec pages = { (void *)memory, CHANGED_AT_ONCE * PAGE };

	while (!board->stop) {
		CHECK_OK(answer(
			syscall(SYS_process_madvise, exporter, &pages, 1, MADV_PAGEOUT, 0)));
		pages.iov_base = (char *)pages.iov_base + CHANGED_AT_ONCE * PAGE;
		if ((long)pages.iov_base == memory + LENGTH)
			pages.iov_base = (void *)memory;
		board->turns[CHANGES]++;
	}
	return 0;
}

/* Returns when all have made progress for some seconds, and fails when one stands still. */
static void watch_progress(struct peer *attacher, struct peer *changer)
{
	double end = now() + SECONDS, moved = now();
	long seen[KINDS] = { 0 };
	bool all;
	int i;

	do {
		usleep(100000);
		for (all = true, i = 0; i < KINDS; i++)
			all = all && board->turns[i] > seen[i];
		if (all) {
			harness_renew();
			moved = now();
			for (i = 0; i < KINDS; i++)
				seen[i] = board->turns[i];
		}
		if (now() - moved > STILL * slowness()) {
			print_kernel_stacks(peer_pid(attacher));
			print_kernel_stacks(peer_pid(changer));
			FAIL("stuck after %ld registrations, %ld changes and %ld touches",
			     board->turns[REGISTRATIONS], board->turns[CHANGES],
			     board->turns[TOUCHES]);
		}
	} while (moved < end);
	board->stop = true;
	CHECK_OK(peer_answer(attacher));
	CHECK_OK(peer_answer(changer));
	for (i = 0; i < KINDS; i++)
		printf("%ld %s\n", (long)board->turns[i], kind_names[i]);
}

#define MUCH (1024 * MIB)

/* Holds this process's mmap_lock for reading nearly all the time: it visits many zero pages. */
static void *hold_lock(void *much)
{
	while (!board->stop)
		CHECK_OK(answer(madvise(much, MUCH, MADV_COLD)));
	return NULL;
}

/* With two such threads, the lock is hardly ever seen free. */
static void begin_to_hold_lock(void)
{
	void *much = mmap(NULL, MUCH, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;
	long offset;
	int i;

	CHECK(much != MAP_FAILED);
	use_small_pages((long)much, MUCH);
	for (offset = 0; offset < MUCH; offset += PAGE)
		load((long)much + offset);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&thread, NULL, hold_lock, much), 0);
}

/* Maps the file over itself, and for reading only. */
static void map_file_again(int flags)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	again = CHECK_OK(answer(open(path, O_RDONLY | O_CLOEXEC)));
	CHECK(mmap((void *)memory, LENGTH, PROT_READ, flags | MAP_FIXED, again, 0) !=
	      MAP_FAILED);
}

/*
 * With @related, the attacher maps the memory too, as it inherited the mapping. With @beside,
 * threads of the exporter hold its mmap_lock meanwhile. Unless @flags is 0, the exporter maps the
 * file again with these flags of mmap() after the attach.
 */
static void register_while(operation *change, long memory_of_exporter, bool related, bool beside,
			   int flags)
{
	struct peer *attacher, *changer;
	long segid;

	memory = memory_of_exporter;
	board = (void *)map_file(memory_file(PAGE), PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	board->generation = change == do_punch_for_ever;
	if (register_once() < 0)
		SKIP("neither xpmem-notifier nor KVM is there");
	CHECK_OK(device_open());
	fill(memory, LENGTH, 1);
	attacher = peer_start();
	if (!related)
		CHECK_OK(on(attacher, do_unmap, memory, LENGTH));
	fill(memory, LENGTH, 2);
	changer = peer_start();
	segid = export_range(memory, LENGTH);
	if (beside)
		begin_to_hold_lock();
	CHECK_OK(on(attacher, do_attach_memory, segid));
	if (flags)
		map_file_again(flags);
	harness_renew();
	peer_tell(attacher, do_register_for_ever, ARGUMENTS(0));
	peer_tell(changer, change, ARGUMENTS(getpid()));
	watch_progress(attacher, changer);
}

static long private_memory(void)
{
	long length = map_aligned(LENGTH, 2 * MIB);

	use_small_pages(length, LENGTH);
	return length;
}

static long file_memory(void)
{
	file = memory_file(LENGTH);
	return map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static long disk_memory(void)
{
	if (!getenv("XPMEM_TEST_DISK"))
		SKIP("XPMEM_TEST_DISK names no file system");
	file = temporary_file("on disk", PAGES);
	return map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static void need_two_nodes(void)
{
	if (access("/sys/devices/system/node/node1", F_OK))
		SKIP("this machine has one NUMA node only");
}

CASE_DESCRIBED(pages_of_a_relative_move, "registers a notifier: pages of a relative move")
{
	need_two_nodes();
	register_while(do_move_for_ever, private_memory(), true, false, 0);
}

CASE_DESCRIBED(pages_of_a_stranger_move, "registers a notifier: pages of a stranger move")
{
	need_two_nodes();
	register_while(do_move_for_ever, private_memory(), false, false, 0);
}

CASE(pages_of_a_relative_are_paged_out)
{
	register_while(do_page_out_for_ever, private_memory(), true, false, 0);
}

CASE_DESCRIBED(pages_of_a_file_move, "registers a notifier: pages of a file move")
{
	need_two_nodes();
	register_while(do_move_for_ever, file_memory(), true, false, 0);
}

CASE_DESCRIBED(file_is_punched, "registers a notifier: file is punched")
{
	register_while(do_punch_for_ever, file_memory(), true, false, 0);
}

CASE_DESCRIBED(file_of_a_stranger_is_punched, "registers a notifier: file of a stranger is punched")
{
	register_while(do_punch_for_ever, file_memory(), false, false, 0);
}

CASE_DESCRIBED(file_is_punched_beside_readers,
	       "registers a notifier: file is punched beside readers")
{
	register_while(do_punch_for_ever, file_memory(), true, true, 0);
}

/*
 * Attachments of what was shared memory when it was attached count the pages of files that they
 * map. A truncation must not find a page counted.
 */
CASE_DESCRIBED(file_is_punched_under_a_reader,
	       "registers a notifier: file is punched under a reader")
{
	readonly = true;
	register_while(do_punch_for_ever, file_memory(), true, true, MAP_SHARED);
}

CASE_DESCRIBED(file_is_punched_under_a_private_mapping,
	       "registers a notifier: file is punched under a private mapping")
{
	readonly = true;
	register_while(do_punch_for_ever, file_memory(), true, true, MAP_PRIVATE);
}

CASE_DESCRIBED(file_is_written_directly, "registers a notifier: file is written directly")
{
	readonly = true;
	register_while(do_write_direct_for_ever, disk_memory(), true, false, 0);
}

CASE_DESCRIBED(file_is_written_directly_beside_readers,
	       "registers a notifier: file is written directly beside readers")
{
	readonly = true;
	register_while(do_write_direct_for_ever, disk_memory(), true, true, 0);
}

/*
 * Zaps that are deferred keep their pages, and the pages are put once they are zapped. To put a
 * page may take for ever, because a FUSE server can keep it locked. There are more such pages here
 * than one queue of the kernel has workers.
 */
#define LOCKED_PAGES 300

static struct pages_of_device {
	pthread_barrier_t ready;
	long room;		/* for attachments, below the pages */
	long address;
	int device;
} locked;

static long do_lock_page(const long *none)
{
	(void)none;
	board->turns[CHANGES]++;
	return answer(ioctl(locked.device, NOTIFIER_LOCK_PAGE, 0));
}

static long do_lock_mappings(const long *none)
{
	(void)none;
	board->turns[CHANGES]++;
	return answer(ioctl(locked.device, NOTIFIER_LOCK_MAPPINGS, 0));
}

static long do_register_once(const long *none)
{
	(void)none;
	return register_once();
}

static long do_discard(const long *address_length)
{
	return answer(madvise((void *)address_length[0], address_length[1], MADV_DONTNEED));
}

static long do_touch_pages(const long *address_count)
{
	long i;

	for (i = 0; i < address_count[1]; i++)
		CHECK_OK(touch_for_writing(address_count[0] + i * PAGE));
	return 0;
}

static void *discard_one(void *index)
{
	long page = locked.address + (long)index * PAGE;

	pthread_barrier_wait(&locked.ready);
	CHECK_OK(here(do_discard, page, PAGE));
	return NULL;
}

/* Discards all at once, because the module tries each for a second before it defers the zap. */
static void discard_all(void)
{
	pthread_t threads[LOCKED_PAGES];
	pthread_attr_t small;
	long i;

	CHECK_EQ(pthread_barrier_init(&locked.ready, NULL, LOCKED_PAGES), 0);
	CHECK_EQ(pthread_attr_init(&small), 0);
	CHECK_EQ(pthread_attr_setstacksize(&small, 65536), 0);
	for (i = 0; i < LOCKED_PAGES; i++)
		CHECK_EQ(pthread_create(&threads[i], &small, discard_one, (void *)i), 0);
	for (i = 0; i < LOCKED_PAGES; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	harness_renew();
}

/* Has a new peer take a lock, which it keeps until its end. */
static struct peer *start_holder(operation *lock)
{
	struct peer *holder = peer_fork();
	long before = board->turns[CHANGES];

	peer_tell(holder, lock, ARGUMENTS(0));
	while (board->turns[CHANGES] == before)
		usleep(1000);
	CHECK(falls_asleep(peer_pid(holder), STILL * slowness()));
	return holder;
}

static bool waits_in_kernel(pid_t pid)
{
	char path[64], state = 0;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = fopen(path, "re");
	CHECK(stat);
	CHECK_EQ(fscanf(stat, "%*d (%*[^)]) %c", &state), 1);
	fclose(stat);
	return state == 'D';
}

/*
 * From here to let_registration_go(), zaps in @attacher are deferred. The time limit is that of
 * such a part.
 */
static struct peer *hold_up_registration(struct peer *attacher)
{
	struct peer *holder = start_holder(do_lock_mappings);
	double end = now() + STILL * slowness();

	peer_tell(attacher, do_register_once, ARGUMENTS(0));
	while (!waits_in_kernel(peer_pid(attacher))) {
		if (now() > end)
			FAIL("the registration does not wait");
		usleep(10000);
	}
	harness_renew();
	return holder;
}

static void let_registration_go(struct peer *attacher, struct peer *holder)
{
	peer_end(holder, SIGKILL);
	CHECK_OK(peer_answer(attacher));
	harness_renew();
}

/*
 * One page of the device, mapped many times. The attacher inherits the mappings. A registration
 * takes the locks in the order of addresses, so the attachments have to be below.
 */
static void map_locked_pages(void)
{
	const long room = (LOCKED_PAGES + 1) * PAGE;
	long i;

	locked.device = open("/dev/xpmem-notifier", O_RDWR | O_CLOEXEC);
	if (locked.device < 0)
		SKIP("xpmem-notifier is not there");
	locked.room = map_anonymous(room + LOCKED_PAGES * PAGE);
	locked.address = locked.room + room;
	unmap(locked.room, room);
	for (i = 0; i < LOCKED_PAGES; i++)
		map_over(locked.address + i * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 locked.device);
	CHECK_OK(here(do_touch_pages, locked.address, LOCKED_PAGES));
}

CASE(locked_pages_delay_no_zap)
{
	struct peer *attacher, *locker, *other, *holder;
	long at_locked, theirs, at_theirs, apid;
	double end;

	board = (void *)map_shared(PAGE);
	map_locked_pages();
	CHECK_OK(device_open());
	other = peer_start();
	attacher = peer_start();
	theirs = CHECK_OK(on(other, do_map, PAGE));
	CHECK_OK(on(other, do_store, theirs, 1));
	apid = CHECK_OK(on(attacher, do_get, CHECK_OK(on(other, do_export, theirs, PAGE)),
			   XPMEM_GET_RDWR));
	at_theirs = CHECK_OK(
		on(attacher, do_attach, apid, 0, PAGE, XPMEM_ATTACH_FIXED, locked.room));
	apid = CHECK_OK(on(attacher, do_get, export_range(locked.address, LOCKED_PAGES * PAGE),
			   XPMEM_GET_RDWR));
	at_locked = CHECK_OK(on(attacher, do_attach, apid, 0, LOCKED_PAGES * PAGE,
				XPMEM_ATTACH_FIXED, locked.room + PAGE));
	CHECK_OK(on(attacher, do_touch_pages, at_locked, LOCKED_PAGES));
	harness_renew();

	locker = start_holder(do_lock_page);
	holder = hold_up_registration(attacher);
	discard_all();
	let_registration_go(attacher, holder);

	CHECK_OK(on(attacher, do_store, at_theirs, 2));
	holder = hold_up_registration(attacher);
	CHECK_OK(on(other, do_discard, theirs, PAGE));
	CHECK_OK(on(other, do_store, theirs, 3));
	let_registration_go(attacher, holder);
	for (end = now() + STILL * slowness(); on(attacher, do_load, at_theirs) != 3;) {
		if (now() > end)
			FAIL("an attachment keeps a page that its exporter has discarded");
		usleep(10000);
	}
	peer_end(locker, SIGKILL);
}
