/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks wait for words of exported memory and wake each other, wherever each has the word mapped.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"

#define LENGTH (4 * PAGE)
#define WAITERS 6
#define MILLISECOND 1000000L
#define SECOND (1000 * MILLISECOND)

static struct peer *attacher;
static long page, segid, apid, at;

static long nanoseconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

static long wait_for(long address, long expected, long deadline, long flags)
{
	return device_call(XPMEM_IOC_WAIT,
			   &SIZED(xpmem_ioc_wait, .vaddr = address, .expected = expected,
				  .deadline = deadline, .flags = flags));
}

static long wake(long address, long count)
{
	struct xpmem_ioc_wake request = SIZED(xpmem_ioc_wake, .vaddr = address, .count = count);
	long result = device_call(XPMEM_IOC_WAKE, &request);

	return result ? result : request.woken;
}

/* for at most 20 seconds, times what this machine is slower */
static long do_wait(const long *a)
{
	return wait_for(a[0], a[1], nanoseconds() + 20 * slowness() * SECOND, 0);
}

static long do_wait_u64(const long *a)
{
	return wait_for(a[0], a[1], nanoseconds() + 20 * slowness() * SECOND, XPMEM_WAIT_U64);
}

static long do_wake(const long *a)
{
	return wake(a[0], a[1]);
}

static void share(long memory)
{
	CHECK_OK(device_open());
	page = memory;
	memset((void *)page, 0, LENGTH);
	attacher = peer_start();
	segid = CHECK_OK(export_range(page, LENGTH));
	apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR));
	at = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH));
}

static long share_with(struct peer *peer)
{
	return CHECK_OK(on(peer, do_attach_segment, segid, 0, LENGTH));
}

/* a process that sleeps in the ioctl; no one else is in the way of it */
static void await_asleep(const struct peer *peer)
{
	char path[64], text[64] = "", number[16];
	int turn;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", peer_pid(peer));
	snprintf(number, sizeof(number), "%d ", SYS_ioctl);
	for (turn = 0; turn < 4000; turn++) {
		file = fopen(path, "re");
		CHECK(file);
		/* a running process has no number */
		if (fgets(text, sizeof(text), file) && !strncmp(text, number, strlen(number))) {
			fclose(file);
			usleep(20000 * slowness());
			return;
		}
		fclose(file);
		usleep(5000);
	}
	FAIL("process %d never waited: %s", peer_pid(peer), text);
}

static void check_exporter_wakes(long memory)
{
	share(memory);
	peer_tell(attacher, do_wait, ARGUMENTS(at + 8, 0));
	await_asleep(attacher);
	CHECK_OK(store(page + 8, 1));
	CHECK_EQ(wake(page + 8, 1), 1);
	CHECK_EQ(peer_answer(attacher), 0);
	CHECK_EQ(on(attacher, do_wait, at + 8, 0), -EAGAIN);
	CHECK_EQ(wake(page + 8, 1), 0);
}

CASE(exporter_wakes)
{
	check_exporter_wakes(map_anonymous(LENGTH));
}

CASE(exporter_wakes_in_shared_memory)
{
	check_exporter_wakes(map_shared(LENGTH));
}

CASE(exporter_wakes_in_a_huge_page)
{
	check_exporter_wakes(map_huge(2 * MIB));
}

/* by the attacher, as soon as somebody waits */
static void *have_it_wake(void *unused)
{
	int turn;

	(void)unused;
	for (turn = 0; turn < 4000; turn++) {
		if (on(attacher, do_wake, at + 8, 1))
			return (void *)1;
		usleep(5000);
	}
	return NULL;
}

CASE(attacher_wakes)
{
	pthread_t thread;
	void *woken;

	share(map_anonymous(LENGTH));
	CHECK_EQ(pthread_create(&thread, NULL, have_it_wake, NULL), 0);
	CHECK_EQ(here(do_wait, page + 8, 0), 0);
	CHECK_EQ(pthread_join(thread, &woken), 0);
	CHECK(woken);
}

/* one has it attached elsewhere, from another page on */
CASE(attachers_meet)
{
	struct peer *other;
	long there;

	share(map_anonymous(LENGTH));
	other = peer_start();
	there = CHECK_OK(on(other, do_attach_segment, segid, PAGE, PAGE));
	peer_tell(attacher, do_wait, ARGUMENTS(at + PAGE + 16, 0));
	await_asleep(attacher);
	CHECK_EQ(on(other, do_wake, there + 16, 5), 1);
	CHECK_EQ(peer_answer(attacher), 0);
}

/* A task that waits for another word, or for that address of another exporter, sleeps on. */
CASE(others_sleep_on)
{
	struct peer *second, *stranger;

	share(map_anonymous(LENGTH));
	second = peer_start();
	stranger = peer_start();
	peer_tell(attacher, do_wait, ARGUMENTS(at, 0));
	peer_tell(second, do_wait, ARGUMENTS(share_with(second) + 4, 0));
	peer_tell(stranger, do_wait, ARGUMENTS(page, 0));
	await_asleep(attacher);
	await_asleep(second);
	await_asleep(stranger);
	CHECK_EQ(wake(page + 8, INT_MAX), 0);
	CHECK_EQ(wake(page + PAGE, INT_MAX), 0);
	CHECK_EQ(wake(page + 4, INT_MAX), 1);
	CHECK_EQ(peer_answer(second), 0);
	CHECK_EQ(wake(page, INT_MAX), 1);
	CHECK_EQ(peer_answer(attacher), 0);
	CHECK_EQ(wake(page, INT_MAX), 0);
	peer_end(stranger, SIGKILL);
}

CASE(first_come_first_served)
{
	struct peer *peers[WAITERS];
	int i;

	share(map_anonymous(LENGTH));
	for (i = 0; i < WAITERS; i++) {
		peers[i] = peer_start();
		peer_tell(peers[i], do_wait, ARGUMENTS(share_with(peers[i]), 0));
		await_asleep(peers[i]);
	}
	CHECK_EQ(wake(page, 0), 0);
	CHECK_EQ(wake(page, 2), 2);
	CHECK_EQ(peer_answer(peers[0]), 0);
	CHECK_EQ(peer_answer(peers[1]), 0);
	CHECK_EQ(wake(page, 1), 1);
	CHECK_EQ(peer_answer(peers[2]), 0);
	/* the others slept through all that */
	for (i = 3; i < WAITERS; i++)
		await_asleep(peers[i]);
	CHECK_EQ(wake(page, UINT_MAX), WAITERS - 3);
	for (i = 3; i < WAITERS; i++)
		CHECK_EQ(peer_answer(peers[i]), 0);
}

CASE(words)
{
	share(map_anonymous(LENGTH));
	CHECK_OK(store(page, 0x500000007));
	CHECK_EQ(on(attacher, do_wait_u64, at, 7), -EAGAIN);
	CHECK_EQ(on(attacher, do_wait, at, 0x500000007), -EINVAL);
	CHECK_EQ(on(attacher, do_wait, at + 2, 0), -EINVAL);
	CHECK_EQ(on(attacher, do_wait_u64, at + 4, 5), -EINVAL);
	CHECK_EQ(on(attacher, do_wait, at + 4, 7), -EAGAIN);
	CHECK_EQ(wait_for(page, 7, 0, 2), -EINVAL);
	CHECK_EQ(wait_for(page, 7, 0, 1U << 31), -EINVAL);
	peer_tell(attacher, do_wait_u64, ARGUMENTS(at, 0x500000007));
	await_asleep(attacher);
	CHECK_EQ(wake(page, 1), 1);
	CHECK_EQ(peer_answer(attacher), 0);
	peer_tell(attacher, do_wait, ARGUMENTS(at + 4, 5));
	await_asleep(attacher);
	CHECK_EQ(wake(page + 4, 1), 1);
	CHECK_EQ(peer_answer(attacher), 0);
}

CASE(deadlines)
{
	long start;

	share(map_anonymous(LENGTH));
	CHECK_EQ(wait_for(page, 0, 0, 0), -ETIMEDOUT);
	CHECK_EQ(wait_for(page, 1, 0, 0), -EAGAIN);
	CHECK_EQ(wait_for(page, 0, nanoseconds() - 1, 0), -ETIMEDOUT);
	start = nanoseconds();
	CHECK_EQ(wait_for(page, 0, start + 200 * MILLISECOND, 0), -ETIMEDOUT);
	CHECK(nanoseconds() - start >= 200 * MILLISECOND);
}

static void ignore(int number)
{
	(void)number;
}

static long do_catch(const long *restart)
{
	struct sigaction action = { .sa_handler = ignore, .sa_flags = restart[0] ? SA_RESTART : 0 };

	return answer(sigaction(SIGUSR1, &action, NULL));
}

static long do_wait_for_ever(const long *a)
{
	return wait_for(a[0], a[1], XPMEM_DEADLINE_NEVER, 0);
}

CASE(signals)
{
	share(map_anonymous(LENGTH));
	CHECK_OK(on(attacher, do_catch, 0));
	peer_tell(attacher, do_wait_for_ever, ARGUMENTS(at, 0));
	await_asleep(attacher);
	CHECK_OK(answer(kill(peer_pid(attacher), SIGUSR1)));
	CHECK_EQ(peer_answer(attacher), -EINTR);
	CHECK_EQ(wake(page, 1), 0);

	CHECK_OK(on(attacher, do_catch, 1));
	peer_tell(attacher, do_wait_for_ever, ARGUMENTS(at, 0));
	await_asleep(attacher);
	CHECK_OK(answer(kill(peer_pid(attacher), SIGUSR1)));
	await_asleep(attacher);
	CHECK_OK(answer(kill(peer_pid(attacher), SIGSTOP)));
	usleep(50000);
	CHECK_OK(answer(kill(peer_pid(attacher), SIGCONT)));
	await_asleep(attacher);
	CHECK_EQ(wake(page, 1), 1);
	CHECK_EQ(peer_answer(attacher), 0);
}

CASE(killed)
{
	share(map_anonymous(LENGTH));
	peer_tell(attacher, do_wait_for_ever, ARGUMENTS(at, 0));
	await_asleep(attacher);
	peer_end(attacher, SIGKILL);
	CHECK_EQ(wake(page, 1), 0);
}

CASE(segment_removed)
{
	struct peer *other;

	share(map_anonymous(LENGTH));
	other = peer_start();
	peer_tell(other, do_wait_for_ever, ARGUMENTS(CHECK_OK(on(other, do_attach_segment,
		CHECK_OK(export_range(page, LENGTH)), 0, LENGTH)), 0));
	peer_tell(attacher, do_wait_for_ever, ARGUMENTS(at, 0));
	await_asleep(attacher);
	await_asleep(other);
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(peer_answer(attacher), -EIDRM);
	CHECK_EQ(on(attacher, do_wait_for_ever, at, 0), -EIDRM);
	CHECK_EQ(on(attacher, do_wake, at, 1), -EIDRM);
	/* through another segment of the same memory */
	CHECK_EQ(wake(page, 5), 1);
	CHECK_EQ(peer_answer(other), 0);
}

/*
 * a process of its own, from which another has attached memory and waits for a word of it for ever
 */
static struct peer *exporter_awaited_by(struct peer **waiter)
{
	struct peer *exporter;
	long memory, id;

	CHECK_OK(device_open());
	exporter = peer_start();
	*waiter = peer_start();
	memory = CHECK_OK(on(exporter, do_map, LENGTH));
	id = CHECK_OK(on(exporter, do_export, memory, LENGTH));
	peer_tell(*waiter, do_wait_for_ever,
		  ARGUMENTS(CHECK_OK(on(*waiter, do_attach_segment, id, 0, LENGTH)), 0));
	await_asleep(*waiter);
	return exporter;
}

CASE(exporter_ends)
{
	struct peer *waiter, *exporter = exporter_awaited_by(&waiter);

	peer_end(exporter, SIGKILL);
	CHECK_EQ(peer_answer(waiter), -EIDRM);
}

CASE(exporter_closes)
{
	struct peer *waiter, *exporter = exporter_awaited_by(&waiter);

	CHECK_OK(on(exporter, do_close, 0));
	CHECK_EQ(peer_answer(waiter), -EIDRM);
}

static void *wait_here(void *address)
{
	return (void *)wait_for((long)address, 0, XPMEM_DEADLINE_NEVER, 0);
}

static pthread_t waiting;

static long do_wait_in_thread(const long *address)
{
	return -pthread_create(&waiting, NULL, wait_here, (void *)address[0]);
}

static long do_join_waiting(const long *none)
{
	void *result;

	(void)none;
	CHECK_EQ(pthread_join(waiting, &result), 0);
	return (long)result;
}

CASE(permit_released)
{
	share(map_anonymous(LENGTH));
	CHECK_OK(on(attacher, do_wait_in_thread, at));
	CHECK(falls_asleep(peer_pid(attacher), 20 * slowness()));
	CHECK_OK(on(attacher, do_release, apid));
	CHECK_EQ(on(attacher, do_join_waiting, 0), -EIDRM);
}

/* Forks a child that gets the attachment, if the kernel allows that. It waits and wakes there. */
static long do_fork_and_call(const long *address)
{
	int status;
	pid_t child;

	(void)!madvise((void *)(address[0] & -PAGE), LENGTH, MADV_DOFORK);
	child = CHECK_OK(answer(fork()));
	if (!child) {
		CHECK_OK(device_open());
		CHECK_EQ(wake(address[0], 1), -EFAULT);
		CHECK_EQ(wait_for(address[0], 0, nanoseconds() + SECOND, 0), -EFAULT);
		_exit(0);
	}
	CHECK_OK(answer(waitpid(child, &status, 0)));
	return status;
}

CASE(child_of_an_attacher)
{
	struct peer *other;

	share(map_anonymous(LENGTH));
	other = peer_start();
	peer_tell(attacher, do_wait, ARGUMENTS(at + 8, 0));
	await_asleep(attacher);
	CHECK_EQ(on(other, do_fork_and_call, share_with(other) + 8), 0);
	CHECK_EQ(wake(page + 8, 1), 1);
	CHECK_EQ(peer_answer(attacher), 0);
}

CASE(no_memory_there)
{
	share(map_anonymous(LENGTH));
	CHECK_EQ(on(attacher, do_wait, 0, 0), -EFAULT);
	CHECK_EQ(on(attacher, do_wake, 0, 1), -EFAULT);
	CHECK_EQ(on(attacher, do_wait, -8L, 0), -EFAULT);
	CHECK_EQ(on(attacher, do_wake, -8L, 1), -EFAULT);
	protect(page, PAGE, PROT_NONE);
	CHECK_EQ(on(attacher, do_wait, at, 0), -EFAULT);
	CHECK_EQ(wait_for(page, 0, 0, 0), -EFAULT);
	unmap(page + PAGE, PAGE);
	CHECK_EQ(on(attacher, do_wait, at + PAGE, 0), -EFAULT);
	CHECK_EQ(wake(page + PAGE, 1), -EFAULT);
	CHECK_OK(on(attacher, do_detach, at));
	CHECK_EQ(on(attacher, do_wait, at + 2 * PAGE, 0), -EFAULT);
}

/* a reader may wait, and the writer wakes it */
CASE(read_only)
{
	long there;

	share(map_anonymous(LENGTH));
	there = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH, XPMEM_ATTACH_RDONLY));
	peer_tell(attacher, do_wait, ARGUMENTS(there, 0));
	await_asleep(attacher);
	CHECK_EQ(wake(page, 1), 1);
	CHECK_EQ(peer_answer(attacher), 0);
}

/* The address wakes a waiter, even if the exporter has mapped other memory there since. */
CASE(exporter_maps_anew)
{
	share(map_anonymous(LENGTH));
	peer_tell(attacher, do_wait, ARGUMENTS(at, 0));
	await_asleep(attacher);
	map_over(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK_EQ(wake(page, 1), 1);
	CHECK_EQ(peer_answer(attacher), 0);
}

/* the word says whose turn it is, and is what both wait for */
static long hand_over(const long *word_me_turns)
{
	_Atomic unsigned int *turn = (_Atomic unsigned int *)word_me_turns[0];
	unsigned int me = word_me_turns[1], end = word_me_turns[2], i, value;
	long result;

	for (i = me; i < end; i += 2) {
		while ((value = atomic_load(turn)) != i) {
			result = wait_for((long)turn, value, XPMEM_DEADLINE_NEVER, 0);
			if (result && result != -EAGAIN)
				return result;
		}
		atomic_store(turn, i + 1);
		result = wake((long)turn, 1);
		if (result < 0)
			return result;
	}
	return 0;
}

static long turns(void)
{
	const char *text = getenv("XPMEM_TEST_TURNS");

	return text ? strtol(text, NULL, 0) : 8000 / slowness();
}

CASE(handed_over)
{
	alarm(0);
	share(map_anonymous(LENGTH));
	peer_tell(attacher, hand_over, ARGUMENTS(at, 1, turns()));
	CHECK_OK(here(hand_over, page, 0, turns()));
	CHECK_OK(peer_answer(attacher));
	CHECK_EQ(*(int *)page, turns());
}

/* a simple counting semaphore: each wake is for one task that has taken nothing yet */
static long take_and_give(const long *word_turns)
{
	_Atomic int *free = (_Atomic int *)word_turns[0];
	long i, result;
	int value;

	for (i = 0; i < word_turns[1]; i++) {
		for (value = atomic_load(free);;) {
			if (value > 0) {
				if (atomic_compare_exchange_weak(free, &value, value - 1))
					break;
				continue;
			}
			result = wait_for((long)free, value, XPMEM_DEADLINE_NEVER, 0);
			if (result && result != -EAGAIN)
				return result;
			value = atomic_load(free);
		}
		atomic_fetch_add(free, 1);
		result = wake((long)free, 1);
		if (result < 0)
			return result;
	}
	return 0;
}

CASE(contended)
{
	struct peer *peers[WAITERS];
	int i;

	alarm(0);
	share(map_anonymous(LENGTH));
	CHECK_OK(store(page, 2));
	for (i = 0; i < WAITERS; i++) {
		peers[i] = peer_start();
		peer_tell(peers[i], take_and_give, ARGUMENTS(share_with(peers[i]), turns() / 8));
	}
	CHECK_OK(here(take_and_give, page, turns() / 8));
	for (i = 0; i < WAITERS; i++)
		CHECK_OK(peer_answer(peers[i]));
	CHECK_EQ(*(int *)page, 2);
}
