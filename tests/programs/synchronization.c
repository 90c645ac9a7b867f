/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What processes synchronize with, in shared memory that one of them has attached, against the
 * exporter's own mapping of the same bytes.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"

#define LENGTH (2 * PAGE)
#define TURNS 200

static struct peer *attacher;
static long page, at;

static void share(long memory)
{
	CHECK_OK(device_open());
	page = memory;
	memset((void *)page, 0, LENGTH);
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, LENGTH), 0, LENGTH));
}

static long futex(long address, int what, long value, long limit_or_count, long second, long third)
{
	return answer(syscall(SYS_futex, address, what, value, limit_or_count, second, third));
}

static long do_wait(const long *address_value)
{
	struct timespec limit = { .tv_sec = 20 * slowness() };

	return futex(address_value[0], FUTEX_WAIT, address_value[1], (long)&limit, 0, 0);
}

static long do_wake(const long *address_count)
{
	return futex(address_count[0], FUTEX_WAKE, address_count[1], 0, 0, 0);
}

static void await_woken(struct peer *waker, long address)
{
	int turn;

	for (turn = 0; turn < 2000; turn++) {
		if (waker ? on(waker, do_wake, address, 1) : here(do_wake, address, 1))
			return;
		usleep(5000);
	}
	FAIL("nobody ever waited at %#lx", address);
}

/* each side sleeps, and is woken by the other */
static void check_futex(long memory)
{
	struct peer *other;

	share(memory);
	peer_tell(attacher, do_wait, ARGUMENTS(at + PAGE, 0));
	await_woken(NULL, page + PAGE);
	CHECK_EQ(peer_answer(attacher), 0);
	/* a child has the exporter's own mapping */
	other = peer_fork();
	peer_tell(other, do_wait, ARGUMENTS(page + PAGE, 0));
	await_woken(attacher, at + PAGE);
	CHECK_EQ(peer_answer(other), 0);
}

CASE(futex_in_memory_file)
{
	check_futex(map_shared(LENGTH));
}

CASE(futex_in_anonymous_shared_memory)
{
	check_futex((long)mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			       0));
}

CASE(futex_in_system_v_shared_memory)
{
	int id = CHECK_OK(answer(shmget(IPC_PRIVATE, LENGTH, 0600)));
	long memory = (long)shmat(id, NULL, 0);

	CHECK_OK(answer(shmctl(id, IPC_RMID, NULL)));
	check_futex(memory);
}

CASE(futex_in_mapped_file)
{
	check_futex(map_file(temporary_file("on disk", LENGTH / PAGE), LENGTH,
			     PROT_READ | PROT_WRITE, MAP_SHARED));
}

/* one waiter is woken, the others wait at the second word from then on */
CASE(futex_requeue)
{
	struct peer *peers[3];
	long there[3], woken = 0;
	int i, turn;

	share(map_shared(LENGTH));
	for (i = 0; i < 3; i++) {
		peers[i] = peer_start();
		there[i] = CHECK_OK(
			on(peers[i], do_attach_segment, export_range(page, LENGTH), 0, LENGTH));
		peer_tell(peers[i], do_wait, ARGUMENTS(there[i], 0));
	}
	for (turn = 0; turn < 2000 && woken < 3; turn++) {
		/* nobody is woken, all are moved */
		woken += futex(page, FUTEX_CMP_REQUEUE, 0, 3, page + PAGE, 0);
		usleep(5000);
	}
	CHECK_EQ(woken, 3);
	CHECK_EQ(here(do_wake, page, 3), 0);
	CHECK_EQ(on(attacher, do_wake, at + PAGE, 1), 1);
	CHECK_EQ(here(do_wake, page + PAGE, 3), 2);
	for (i = 0; i < 3; i++)
		CHECK_EQ(peer_answer(peers[i]), 0);
}

struct meeting {
	pthread_barrier_t barrier;
	_Atomic long arrived;
};

static long meet(const long *address)
{
	struct meeting *meeting = (struct meeting *)address[0];
	int i, result;

	for (i = 1; i <= TURNS; i++) {
		meeting->arrived++;
		result = pthread_barrier_wait(&meeting->barrier);
		if (result && result != PTHREAD_BARRIER_SERIAL_THREAD)
			return -result;
		if (meeting->arrived < 2 * i || meeting->arrived > 2 * i + 1)
			return -ERANGE;
		result = pthread_barrier_wait(&meeting->barrier);
		if (result && result != PTHREAD_BARRIER_SERIAL_THREAD)
			return -result;
	}
	return 0;
}

CASE(barrier)
{
	pthread_barrierattr_t shared;

	share(map_shared(LENGTH));
	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	CHECK_EQ(pthread_barrier_init(&((struct meeting *)page)->barrier, &shared, 2), 0);
	peer_tell(attacher, meet, ARGUMENTS(at));
	CHECK_OK(here(meet, page));
	CHECK_OK(peer_answer(attacher));
}

/* two semaphores: what one side posts the other takes */
static long post_and_take(const long *mine_theirs)
{
	int i;

	for (i = 0; i < TURNS; i++)
		if (sem_post((sem_t *)mine_theirs[0]) || sem_wait((sem_t *)mine_theirs[1]))
			return -errno;
	return 0;
}

CASE(semaphore)
{
	share(map_shared(LENGTH));
	CHECK_OK(answer(sem_init((sem_t *)page, 1, 0)));
	CHECK_OK(answer(sem_init((sem_t *)(page + PAGE), 1, 0)));
	peer_tell(attacher, post_and_take, ARGUMENTS(at, at + PAGE));
	CHECK_OK(here(post_and_take, page + PAGE, page));
	CHECK_OK(peer_answer(attacher));
	CHECK_EQ(answer(sem_trywait((sem_t *)page)), -EAGAIN);
}

static long do_lock(const long *mutex)
{
	return -pthread_mutex_lock((pthread_mutex_t *)mutex[0]);
}

static long do_unlock(const long *mutex)
{
	return -pthread_mutex_unlock((pthread_mutex_t *)mutex[0]);
}

static void share_mutex(int kind, int protocol, int robustness)
{
	pthread_mutexattr_t attributes;

	share(map_shared(LENGTH));
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	CHECK_EQ(pthread_mutexattr_settype(&attributes, kind), 0);
	CHECK_EQ(pthread_mutexattr_setprotocol(&attributes, protocol), 0);
	CHECK_EQ(pthread_mutexattr_setrobust(&attributes, robustness), 0);
	CHECK_EQ(pthread_mutex_init((pthread_mutex_t *)page, &attributes), 0);
}

/*
 * the attacher is killed while it holds the mutex that a child with the exporter's mapping waits
 * for
 */
static void check_attacher_killed(int protocol)
{
	struct peer *waiter;

	share_mutex(PTHREAD_MUTEX_NORMAL, protocol, PTHREAD_MUTEX_ROBUST);
	waiter = peer_fork();
	CHECK_OK(on(attacher, do_lock, at));
	peer_tell(waiter, do_lock, ARGUMENTS(page));
	usleep(100000);
	peer_end(attacher, SIGKILL);
	CHECK_EQ(peer_answer(waiter), -EOWNERDEAD);
	CHECK_EQ(on(waiter, do_unlock, page), 0);
	CHECK_EQ(here(do_lock, page), -ENOTRECOVERABLE);
}

CASE(robust_attacher_killed)
{
	check_attacher_killed(PTHREAD_PRIO_NONE);
}

CASE(robust_inheriting_attacher_killed)
{
	check_attacher_killed(PTHREAD_PRIO_INHERIT);
}

static void check_exporter_killed(int protocol)
{
	struct peer *holder;

	share_mutex(PTHREAD_MUTEX_NORMAL, protocol, PTHREAD_MUTEX_ROBUST);
	holder = peer_fork();
	CHECK_OK(on(holder, do_lock, page));
	peer_tell(attacher, do_lock, ARGUMENTS(at));
	usleep(100000);
	peer_end(holder, SIGKILL);
	CHECK_EQ(peer_answer(attacher), -EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent((pthread_mutex_t *)page), 0);
	CHECK_OK(on(attacher, do_unlock, at));
	CHECK_EQ(here(do_lock, page), 0);
}

CASE(robust_other_side_killed)
{
	check_exporter_killed(PTHREAD_PRIO_NONE);
}

CASE(robust_inheriting_other_side_killed)
{
	check_exporter_killed(PTHREAD_PRIO_INHERIT);
}

CASE(error_checking_mutex)
{
	share_mutex(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED);
	CHECK_OK(on(attacher, do_lock, at));
	CHECK_EQ(on(attacher, do_lock, at), -EDEADLK);
	CHECK_EQ(here(do_unlock, page), -EPERM);
	CHECK_EQ(pthread_mutex_trylock((pthread_mutex_t *)page), EBUSY);
	CHECK_OK(on(attacher, do_unlock, at));
	CHECK_EQ(here(do_lock, page), 0);
}

static long take_and_count(const long *lock_count)
{
	pthread_rwlock_t *lock = (pthread_rwlock_t *)lock_count[0];
	int i, error;

	for (i = 0; i < TURNS * 10; i++) {
		error = pthread_rwlock_wrlock(lock);
		if (error)
			return -error;
		++*(volatile long *)lock_count[1];
		pthread_rwlock_unlock(lock);
	}
	return 0;
}

CASE(reader_writer_lock)
{
	pthread_rwlockattr_t shared;

	share(map_shared(LENGTH));
	pthread_rwlockattr_init(&shared);
	pthread_rwlockattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	CHECK_EQ(pthread_rwlock_init((pthread_rwlock_t *)page, &shared), 0);
	peer_tell(attacher, take_and_count, ARGUMENTS(at, at + PAGE));
	CHECK_OK(here(take_and_count, page, page + PAGE));
	CHECK_OK(peer_answer(attacher));
	CHECK_EQ(load(page + PAGE), 2 * TURNS * 10);
}

/* refused at once, whichever operation, and never a sleep from which nobody can wake */
static void check_private(long memory)
{
	share(memory);
	CHECK_EQ(on(attacher, do_load, at), 0);
	CHECK_EQ(on(attacher, do_wait, at, 0), -EFAULT);
	CHECK_EQ(on(attacher, do_wake, at, 1), -EFAULT);
	CHECK_OK(on(attacher, do_store, at, 0));
	CHECK_EQ(on(attacher, do_wait, at, 0), -EFAULT);
	CHECK_EQ(on(attacher, do_wake, at, 1), -EFAULT);
}

CASE(private_memory)
{
	check_private(map_anonymous(LENGTH));
}

CASE(private_huge_page)
{
	check_private(map_huge(2 * MIB));
}

CASE(private_mapping_of_a_file)
{
	check_private(map_file(memory_file(LENGTH), LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE));
}
