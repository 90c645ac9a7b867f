/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls that take user pages: on an attachment of shared memory they work as on any memory;
 * on one of private memory they are refused at once, but for a debugger's, which take none there
 * (debugger.c has more of those). And nothing is ever pinned by attaching and touching.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"

#define LENGTH (4 * PAGE)

static struct peer *attacher;
static long page, at, segment;

static void share(long memory)
{
	CHECK_OK(device_open());
	page = memory;
	fill(page, LENGTH, 1);
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, LENGTH), 0, LENGTH));
}

static void share_shared(void)
{
	share(map_file(memory_file(LENGTH), LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED));
}

static void share_private(void)
{
	share(map_anonymous(LENGTH));
}

static long do_wait(const long *a)
{
	struct timespec limit = { .tv_sec = 20 };

	return answer(syscall(SYS_futex, a[0], FUTEX_WAIT, a[1], &limit, NULL, 0));
}

static long do_wake(const long *a)
{
	return answer(syscall(SYS_futex, a[0], FUTEX_WAKE, 1, NULL, NULL, 0));
}

/* wakes until somebody was asleep: the other side may have to be scheduled first */
static void wake(struct peer *waker, long address)
{
	const long *argument = ARGUMENTS(address);
	int turn;

	for (turn = 0; turn < 2000; turn++) {
		if (waker ? on(waker, do_wake, address) : do_wake(argument))
			return;
		usleep(5000);
	}
	FAIL("nobody ever waited at %#lx", address);
}

CASE(futex_exporter_wakes)
{
	share_shared();
	*(volatile int *)page = 7;
	peer_tell(attacher, do_wait, ARGUMENTS(at, 7));
	wake(NULL, page);
	CHECK_EQ(peer_answer(attacher), 0);
	CHECK_EQ(on(attacher, do_wait, at, 8), -EAGAIN);
}

static void *wake_from_attacher(void *none)
{
	(void)none;
	wake(attacher, at);
	return NULL;
}

CASE(futex_attacher_wakes)
{
	pthread_t thread;

	share_shared();
	*(volatile int *)page = 7;
	CHECK_EQ(pthread_create(&thread, NULL, wake_from_attacher, NULL), 0);
	CHECK_EQ(here(do_wait, page, 7), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE(futex_on_private_memory)
{
	share_private();
	CHECK_EQ(on(attacher, do_load, at), 0x10000000L);
	CHECK_EQ(on(attacher, do_wake, at), -EFAULT);
	CHECK_EQ(on(attacher, do_wait, at, 0x10000000), -EFAULT);
}

#define TURNS 200

struct turns {
	pthread_mutex_t mutex;
	pthread_cond_t condition;
	long turn, count;
};

static long take_turns(const long *a)
{
	struct turns *turns = (struct turns *)a[0];
	int i, error;

	for (i = 0; i < TURNS; i++) {
		error = pthread_mutex_lock(&turns->mutex);
		if (error)
			return -error;
		while (turns->turn != a[1]) {
			error = pthread_cond_wait(&turns->condition, &turns->mutex);
			if (error)
				return -error;
		}
		turns->turn = !turns->turn;
		turns->count++;
		pthread_cond_broadcast(&turns->condition);
		pthread_mutex_unlock(&turns->mutex);
	}
	return 0;
}

CASE(mutex_and_condition)
{
	pthread_mutexattr_t mutex;
	pthread_condattr_t condition;
	struct turns *turns;

	share_shared();
	turns = (struct turns *)page;
	memset(turns, 0, sizeof(*turns));
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	pthread_condattr_init(&condition);
	pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED);
	CHECK_EQ(pthread_mutex_init(&turns->mutex, &mutex), 0);
	CHECK_EQ(pthread_cond_init(&turns->condition, &condition), 0);
	peer_tell(attacher, take_turns, ARGUMENTS(at, 1));
	CHECK_OK(take_turns(ARGUMENTS(page, 0)));
	CHECK_OK(peer_answer(attacher));
	CHECK_EQ(turns->count, 2 * TURNS);
}

CASE(vmsplice)
{
	share_shared();
	CHECK_EQ(on(attacher, do_splice, at), 0x10000001L);
	CHECK_EQ(load(page), 0x10000001L);
}

CASE(vmsplice_of_private_memory)
{
	share_private();
	CHECK_EQ(on(attacher, do_load, at), 0x10000000L);
	CHECK_EQ(on(attacher, do_splice, at), -EFAULT);
}

static long read_process(long address)
{
	long value;
	struct iovec local = { &value, sizeof(value) };
	struct iovec remote = { (void *)address, sizeof(value) };
	long result = answer(process_vm_readv(peer_pid(attacher), &local, 1, &remote, 1, 0));

	return result == sizeof(value) ? value : result;
}

static long write_process(long address, long value)
{
	struct iovec local = { &value, sizeof(value) };
	struct iovec remote = { (void *)address, sizeof(value) };

	return answer(process_vm_writev(peer_pid(attacher), &local, 1, &remote, 1, 0));
}

CASE(process_vm_access)
{
	share_shared();
	CHECK_EQ(read_process(at), 0x10000000L);
	CHECK_EQ(read_process(at + PAGE), 0x10000000L + PAGE / 8);
	CHECK_EQ(write_process(at, 42), sizeof(long));
	CHECK_EQ(load(page), 42);
}

CASE(process_vm_access_to_private_memory)
{
	share_private();
	CHECK_EQ(read_process(at), -EFAULT);
	CHECK_EQ(on(attacher, do_load, at), 0x10000000L);
	CHECK_EQ(read_process(at), -EFAULT);
	CHECK_EQ(write_process(at, 42), -EFAULT);
	CHECK_EQ(load(page), 0x10000000L);
}

/* as a debugger does it: by ptrace, and by /proc/PID/mem */
static void check_debugger(void)
{
	char path[64];
	long value = 0;
	int memory, status;

	CHECK_OK(answer(ptrace(PTRACE_ATTACH, peer_pid(attacher), NULL, NULL)));
	CHECK_OK(answer(waitpid(peer_pid(attacher), &status, 0)));
	snprintf(path, sizeof(path), "/proc/%d/mem", peer_pid(attacher));
	memory = CHECK_OK(answer(open(path, O_RDWR | O_CLOEXEC)));
	errno = 0;
	value = ptrace(PTRACE_PEEKDATA, peer_pid(attacher), at, NULL);
	CHECK_EQ(errno, 0);
	CHECK_EQ(value, 0x10000000L);
	CHECK_OK(answer(ptrace(PTRACE_POKEDATA, peer_pid(attacher), at, 42)));
	CHECK_EQ(load(page), 42);
	CHECK_EQ(answer(pread(memory, &value, sizeof(value), at + 8)), sizeof(value));
	CHECK_EQ(value, 0x10000001L);
	CHECK_EQ(answer(pwrite(memory, &value, sizeof(value), at + PAGE)), sizeof(value));
	CHECK_EQ(load(page + PAGE), 0x10000001L);
	close(memory);
	CHECK_OK(answer(ptrace(PTRACE_DETACH, peer_pid(attacher), NULL, NULL)));
}

CASE(debugger)
{
	share_shared();
	check_debugger();
}

#define PEEKS 10
#define FORKERS 3	/* threads, so that one of them holds the mmap_lock most of the time */

static volatile bool forked_enough;

static void *fork_all_the_time(void *nothing)
{
	pid_t child;

	while (!forked_enough) {
		child = CHECK_OK(answer(fork()));
		if (!child)
			_exit(EXIT_SUCCESS);
		CHECK_OK(answer(waitpid(child, NULL, 0)));
	}
	return nothing;
}

/* A debugger cannot give up the attacher's lock, and waits for the exporter all the same. */
static void check_debugger_while_the_exporter_forks(void (*share_memory)(void))
{
	/* Many, so that a fork takes long. See map_much() in race.c. */
	long mappings = 2000 / slowness() / slowness(), i, value;
	long start = map_anonymous(2 * mappings * PAGE);
	char path[64];
	pthread_t threads[FORKERS];
	int memory;

	for (i = 0; i < mappings; i++)
		protect(start + 2 * i * PAGE, PAGE, PROT_READ);
	share_memory();
	snprintf(path, sizeof(path), "/proc/%d/mem", peer_pid(attacher));
	memory = CHECK_OK(answer(open(path, O_RDWR | O_CLOEXEC)));
	for (i = 0; i < FORKERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, fork_all_the_time, NULL), 0);
	for (i = 0; i < PEEKS; i++) {
		CHECK_OK(answer(madvise((void *)page, PAGE, MADV_DONTNEED)));
		/* The madvise() ended when no fork held the lock. */
		usleep(rand() % 20000);
		CHECK_EQ(answer(pread(memory, &value, sizeof(value), at)), sizeof(value));
		CHECK_EQ(value, load(page));
	}
	forked_enough = true;
	for (i = 0; i < FORKERS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	close(memory);
}

CASE(debugger_while_the_exporter_forks)
{
	check_debugger_while_the_exporter_forks(share_shared);
}

CASE(debugger_of_private_memory_while_the_exporter_forks)
{
	check_debugger_while_the_exporter_forks(share_private);
}

CASE(debugger_of_private_memory)
{
	share_private();
	check_debugger();
}

static int direct_file(void)
{
	int file = temporary_file("on disk", LENGTH / PAGE);
	int flags = CHECK_OK(answer(fcntl(file, F_GETFL)));

	CHECK_OK(answer(fsync(file)));
	if (fcntl(file, F_SETFL, flags | O_DIRECT))
		SKIP("no file system for O_DIRECT: %s", strerror(errno));
	return file;
}

static long do_write_direct(const long *a)
{
	return answer(pwrite(a[0], (void *)a[1], a[2], 0));
}

static long do_read_direct(const long *a)
{
	return answer(pread(a[0], (void *)a[1], a[2], 0));
}

CASE(direct_io)
{
	int file = direct_file();

	share_shared();
	CHECK_EQ(on(attacher, do_write_direct, file, at, LENGTH), LENGTH);
	fill(page, LENGTH, 2);
	CHECK_EQ(on(attacher, do_read_direct, file, at, LENGTH), LENGTH);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
}

CASE(direct_io_of_private_memory)
{
	int file = direct_file();

	share_private();
	CHECK_EQ(on(attacher, do_write_direct, file, at, LENGTH), -EFAULT);
	CHECK_EQ(on(attacher, do_read_direct, file, at, LENGTH), -EFAULT);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
}

/* plain copies by the kernel go through the mapping and work on both kinds */
static long do_copy(const long *a)
{
	int file = memory_file(LENGTH);

	CHECK_EQ(answer(pwrite(file, (void *)a[0], LENGTH, 0)), LENGTH);
	CHECK_EQ(answer(pread(file, (void *)(a[0] + PAGE), PAGE, 0)), PAGE);
	close(file);
	return 0;
}

CASE(read_and_write)
{
	share_private();
	CHECK_OK(on(attacher, do_copy, at));
	CHECK_EQ(verify(page, PAGE, 1), 0);
	CHECK_EQ(verify(page + PAGE, PAGE, 1), 0);
}

/* pages that were ever pinned, each processor's own count included */
static long pages_pinned(void)
{
	CHECK_OK(write_file("/proc/sys/vm/stat_refresh", "1"));
	return CHECK_OK(read_counter("/proc/vmstat", "nr_foll_pin_acquired"));
}

static void check_nothing_pinned(long memory)
{
	long acquired = pages_pinned();

	share(memory);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	CHECK_EQ(verify(page, LENGTH, 2), 0);
	CHECK_EQ(pages_pinned(), acquired);
}

CASE(nothing_pinned)
{
	check_nothing_pinned(map_anonymous(LENGTH));
}

CASE(nothing_pinned_of_shared_memory)
{
	check_nothing_pinned(
		map_file(memory_file(LENGTH), LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED));
}

/* what a pipe holds is the page itself, which outlives the end of access, as the manual says */
static int pipe_ends[2];

static long do_splice_in(const long *a)
{
	struct iovec vector = { (void *)a[0], sizeof(long) };

	CHECK_OK(answer(pipe2(pipe_ends, O_CLOEXEC)));
	return answer(vmsplice(pipe_ends[1], &vector, 1, 0));
}

static long do_splice_out(const long *none)
{
	long value;

	(void)none;
	CHECK_EQ(read(pipe_ends[0], &value, sizeof(value)), sizeof(value));
	return value;
}

CASE(page_in_a_pipe)
{
	CHECK_OK(device_open());
	page = map_shared(LENGTH);
	segment = export_range(page, LENGTH);
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, segment, 0, LENGTH));
	CHECK_EQ(on(attacher, do_splice_in, at), sizeof(long));
	CHECK_OK(REMOVE(.segid = segment));
	*(volatile long *)page = 42;
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_splice_out, 0), 42);
}

static void share_without_gup(long memory)
{
	CHECK_OK(device_open());
	page = memory;
	fill(page, LENGTH, 1);
	attacher = peer_start();
	segment = CHECK_OK(
		MAKE(.vaddr = page, .length = LENGTH, .mode = 0600, .flags = XPMEM_MAKE_NO_GUP));
	at = CHECK_OK(on(attacher, do_attach_segment, segment, 0, LENGTH));
}

static void check_no_gup(long memory)
{
	share_without_gup(memory);
	CHECK_EQ(on(attacher, do_splice_in, at), -EFAULT);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	CHECK_EQ(verify(page, LENGTH, 2), 0);
	fill(page, LENGTH, 1);
	CHECK_EQ(on(attacher, do_splice_in, at), -EFAULT);
	CHECK_EQ(on(attacher, do_wake, at), -EFAULT);
	CHECK_EQ(on(attacher, do_wait, at, 0x10000000), -EFAULT);
	CHECK_EQ(read_process(at), -EFAULT);
	CHECK_EQ(write_process(at, 42), -EFAULT);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	check_debugger();
}

CASE(no_gup_of_a_memory_file)
{
	check_no_gup(map_shared(LENGTH));
}

CASE(no_gup_of_anonymous_shared_memory)
{
	check_no_gup((long)mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				-1, 0));
}

CASE(no_gup_of_a_file)
{
	check_no_gup(map_file(temporary_file("on disk", LENGTH / PAGE), LENGTH,
			      PROT_READ | PROT_WRITE, MAP_SHARED));
}

CASE(no_gup_of_private_memory)
{
	check_no_gup(map_anonymous(LENGTH));
}

/* here a whole huge page is mapped at once, which may not be got either */
CASE(no_gup_of_huge_shared_memory)
{
	long memory = map_aligned(4 * MIB, 2 * MIB);

	map_over(memory, 2 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	use_huge_pages(memory, 2 * MIB);
	CHECK_OK(device_open());
	fill(memory, 2 * MIB, 1);
	if (read_counter("/proc/vmstat", "nr_shmem_pmdmapped") <= 0)
		SKIP("the kernel gives shared memory no huge page here");
	page = memory;
	attacher = peer_start();
	segment = CHECK_OK(
		MAKE(.vaddr = page, .length = 2 * MIB, .mode = 0600, .flags = XPMEM_MAKE_NO_GUP));
	at = CHECK_OK(on(attacher, do_attach_segment, segment, 0, 2 * MIB));
	CHECK_EQ(on(attacher, do_verify, at, 2 * MIB, 1), 0);
	CHECK_EQ(on(attacher, do_splice_in, at + MIB), -EFAULT);
	CHECK_OK(on(attacher, do_fill, at, 2 * MIB, 2));
	CHECK_EQ(on(attacher, do_splice_in, at + MIB), -EFAULT);
	CHECK_EQ(read_process(at + MIB), -EFAULT);
	CHECK_EQ(verify(page, 2 * MIB, 2), 0);
	unmap(page, MIB);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_load, at + MIB), load(page + MIB));
	CHECK_OK(REMOVE(.segid = segment));
	CHECK_EQ(on(attacher, do_load, at + MIB), GOT_SIGBUS);
}

CASE(no_gup_and_direct_io)
{
	int file = direct_file();

	share_without_gup(map_shared(LENGTH));
	CHECK_EQ(on(attacher, do_write_direct, file, at, LENGTH), -EFAULT);
	CHECK_EQ(on(attacher, do_read_direct, file, at, LENGTH), -EFAULT);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
}

/* whatever the permit was got with, and whatever the exporter maps there later */
CASE(no_gup_by_descriptor)
{
	long descriptor, apid;

	share_without_gup(map_anonymous(LENGTH));
	descriptor = CHECK_OK(SEGMENT_FD(.segid = segment, .flags = XPMEM_GET_RDWR));
	peer_send_descriptor(attacher, descriptor);
	descriptor = CHECK_OK(on(attacher, do_receive_descriptor, 0));
	apid = CHECK_OK(on(attacher, do_get_fd, descriptor, XPMEM_GET_RDWR));
	map_over(page, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file(LENGTH));
	CHECK_EQ(on(attacher, do_splice_in, at), -EFAULT);
	at = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH, 0, 0));
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	CHECK_EQ(verify(page, LENGTH, 2), 0);
	CHECK_EQ(on(attacher, do_splice_in, at), -EFAULT);
}

/* it is the segment's, not the memory's */
CASE(no_gup_of_one_segment)
{
	long other;

	share_without_gup(map_shared(LENGTH));
	other = CHECK_OK(on(attacher, do_attach_segment, export_range(page, LENGTH), 0, LENGTH));
	CHECK_EQ(on(attacher, do_splice_in, at), -EFAULT);
	CHECK_EQ(on(attacher, do_splice, other), 0x10000001L);
	CHECK_EQ(on(attacher, do_splice_in, at), -EFAULT);
}

CASE(no_gup_and_devices)
{
	long apid;

	share_without_gup(map_shared(LENGTH));
	apid = CHECK_OK(on(attacher, do_get, segment, XPMEM_GET_RDWR));
	CHECK_EQ(on(attacher, do_dmabuf, apid, 0, PAGE), -EACCES);
}
