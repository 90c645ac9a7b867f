/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Races between an exporter that takes memory away and attachers that reach it. Each case aims at
 * one interleaving. A build of the module with race points (./vm race) widens the windows.
 */
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"

#define ATTACHMENTS 1000	/* of one page at most */
#define ROUNDS 12
#define REAPING 5		/* seconds */
#define LONGEST_DELAY 3000000L	/* ns: about what it takes to take the page away */
#define SECRET 0x5ec2e75ec2e7L
#define SCRIBBLE 0xbad0bad0badL

/* Exporter and attacher share this, and do not export it. */
static struct board {
	atomic_long ready;	/* the round that the attacher has mapped everything for */
	atomic_long over;	/* the last round that has ended */
	atomic_long seen;	/* secrets that the attacher read */
	atomic_bool started, done, stop;
} *board;

static long page, segment, at[ATTACHMENTS];
static unsigned int seed;

/* To take a page away from so many takes a while, and on a slow kernel as long from fewer. */
static long attachments(void)
{
	return ATTACHMENTS / slowness();
}

static void start_case(void)
{
	board = (void *)map_file(memory_file(PAGE), PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	seed = 1;
	CHECK_OK(device_open());
}

static long nanoseconds(void)
{
	return now() * 1e9;
}

/* Spins: a sleep would be longer than the window. */
static void delay_at_random(void)
{
	long end = nanoseconds() + rand_r(&seed) % LONGEST_DELAY;

	while (nanoseconds() < end)
		;
}

static long do_attach_many(const long *segid)
{
	long apid = GET(.segid = segid[0], .flags = XPMEM_GET_RDWR), i;

	if (apid < 0)
		return apid;
	for (i = 0; i < attachments(); i++)
		at[i] = CHECK_OK(ATTACH(.apid = apid, .length = PAGE));
	return apid;
}

/* Maps the page everywhere, then reads it until the page or the round ends. Overwrites a secret. */
static long do_watch(const long *round)
{
	long i, value;

	for (i = 0; i < attachments(); i++)
		CHECK_OK(load(at[i]));
	CHECK_OK(touch_for_writing(at[attachments() - 1]));
	board->ready = round[0];
	while (board->over < round[0]) {
		value = load(at[attachments() - 1]);
		if (value == GOT_SIGBUS || value == GOT_SIGSEGV)
			return 0;
		if (value != SECRET)
			continue;
		board->seen++;
		(void)store(at[attachments() - 1], SCRIBBLE);
		return 0;
	}
	return 0;
}

static long do_load_last(const long *none)
{
	(void)none;
	return load(at[attachments() - 1]);
}

static void *discard(void *nothing)
{
	board->started = true;
	CHECK_OK(answer(madvise((void *)page, PAGE, MADV_DONTNEED)));
	board->done = true;
	return nothing;
}

static void *make_read_only(void *nothing)
{
	board->started = true;
	protect(page, PAGE, PROT_READ);
	board->done = true;
	return nothing;
}

/* Starts a thread that changes the page, and returns a random time after the change has begun. */
static pthread_t begin_change(void *(*change)(void *))
{
	pthread_t thread;

	board->started = board->done = false;
	CHECK_EQ(pthread_create(&thread, NULL, change, NULL), 0);
	while (!board->started)
		;
	delay_at_random();
	return thread;
}

/* The time limit is that of a round: each attaches many times and must end. */
static void begin_round(struct peer *attacher, long round)
{
	harness_renew();
	peer_tell(attacher, do_watch, ARGUMENTS(round));
	while (board->ready != round)
		usleep(500);
}

/*
 * Two threads discard the same page. When the second call returns, the page is free and the
 * exporter uses it for a secret. No attacher may reach it, even while the first call is still under
 * way.
 */
CASE(overlapping_discards)
{
	long round, fresh, scribbled = 0;
	struct peer *attacher;
	pthread_t thread;

	start_case();
	page = map_anonymous(PAGE);
	fresh = map_anonymous(PAGE);
	CHECK_OK(store(page, 1));
	attacher = peer_start();
	CHECK_OK(on(attacher, do_attach_many, export_range(page, PAGE)));
	for (round = 1; round <= ROUNDS; round++) {
		CHECK_OK(store(page, 1));
		begin_round(attacher, round);
		thread = begin_change(discard);
		CHECK_OK(answer(madvise((void *)page, PAGE, MADV_DONTNEED)));
		CHECK_OK(store(fresh, SECRET));
		while (!board->done)
			sched_yield();
		CHECK_EQ(pthread_join(thread, NULL), 0);
		usleep(10000);
		scribbled += load(fresh) != SECRET;
		board->over = round;
		CHECK_OK(peer_answer(attacher));
		CHECK_OK(answer(madvise((void *)fresh, PAGE, MADV_DONTNEED)));
	}
	printf("%d rounds\n", ROUNDS);
	if (board->seen || scribbled)
		FAIL("memory that was never exported was read in %ld rounds and written in %ld",
		     board->seen, scribbled);
}

/* Ends all segments of the exporter. */
static long do_close_all(const long *segid)
{
	(void)segid;
	return do_open(NULL);
}

/*
 * The segment ends while a change of the page is under way. When the call has returned, no attacher
 * reaches the page. The exporter still has it, and writes a secret there through a second mapping.
 */
static void end_during(void *(*change)(void *), operation *end)
{
	long round, alias, apid, file = memory_file(PAGE);
	struct peer *attacher;
	pthread_t thread;

	start_case();
	alias = map_file(file, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	attacher = peer_start();
	for (round = 1; round <= ROUNDS; round++) {
		page = map_file(file, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
		CHECK_OK(store(page, 1));
		segment = export_range(page, PAGE);
		apid = CHECK_OK(on(attacher, do_attach_many, segment));
		begin_round(attacher, round);
		thread = begin_change(change);
		CHECK_OK(end(&segment));
		CHECK_OK(store(alias, SECRET));
		usleep(20000);
		CHECK_EQ(pthread_join(thread, NULL), 0);
		board->over = round;
		CHECK_OK(peer_answer(attacher));
		CHECK_EQ(on(attacher, do_load_last, 0), GOT_SIGBUS);
		CHECK_OK(on(attacher, do_release, apid));
		unmap(page, PAGE);
	}
	printf("%d rounds\n", ROUNDS);
	if (board->seen)
		FAIL("in %ld of %d rounds the page was read after the segment had ended",
		     board->seen, ROUNDS);
}

CASE(remove_during_a_change)
{
	end_during(make_read_only, do_remove);
}

CASE(close_during_a_change)
{
	end_during(make_read_only, do_close_all);
}

/* Another thread may have ended the object already. */
static long unless_gone(long result)
{
	return result == -ENOENT ? 0 : result;
}

static long do_remove_unless_gone(const long *id)
{
	return unless_gone(do_remove(id));
}

static void *remove_segment(void *nothing)
{
	board->started = true;
	CHECK_OK(do_remove_unless_gone(&segment));
	return nothing;
}

CASE(remove_beside_a_remove)
{
	end_during(remove_segment, do_remove_unless_gone);
}

static void *release_permit(void *permit)
{
	board->started = true;
	CHECK_OK(unless_gone(do_release(permit)));
	return NULL;
}

static long do_release_twice(const long *apid)
{
	pthread_t thread;
	long value;

	board->started = false;
	CHECK_EQ(pthread_create(&thread, NULL, release_permit, (void *)apid), 0);
	while (!board->started)
		;
	delay_at_random();
	CHECK_OK(unless_gone(do_release(apid)));
	value = load(at[0]);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	return value;
}

/* Two threads release a permit. When one of them returns, nothing is attached. */
CASE(release_beside_a_release)
{
	struct peer *attacher;
	long round, apid;

	start_case();
	page = map_anonymous(PAGE);
	CHECK_OK(store(page, 1));
	segment = export_range(page, PAGE);
	attacher = peer_start();
	for (round = 1; round <= ROUNDS; round++) {
		harness_renew();
		apid = CHECK_OK(on(attacher, do_attach_many, segment));
		CHECK_EQ(on(attacher, do_release_twice, apid), GOT_SIGSEGV);
	}
}

static long do_fault_until_the_end(const long *address_round)
{
	long value;

	board->ready = address_round[1];
	do {
		value = load(address_round[0]);
		board->seen += value == SECRET;
	} while (board->over < address_round[1]);
	return 0;
}

/*
 * The segment ends while the attacher faults, as the exporter discards the page all the time. The
 * exporter has a page of its own at the end, so that a later write changes no page table.
 */
CASE(removed_amid_faults)
{
	struct peer *attacher;
	long round, segid, address;
	double end;

	start_case();
	page = map_anonymous(PAGE);
	attacher = peer_start();
	for (round = 1; round <= 5 * ROUNDS; round++) {
		harness_renew();
		CHECK_OK(store(page, 1));
		segid = export_range(page, PAGE);
		address = CHECK_OK(on(attacher, do_attach_segment, segid, 0, PAGE));
		peer_tell(attacher, do_fault_until_the_end, ARGUMENTS(address, round));
		while (board->ready != round)
			usleep(100);
		for (end = now() + 0.01; now() < end;) {
			CHECK_OK(answer(madvise((void *)page, PAGE, MADV_DONTNEED)));
			CHECK_OK(store(page, 1));
		}
		CHECK_OK(REMOVE(.segid = segid));
		CHECK_OK(store(page, SECRET));
		usleep(20000);
		board->over = round;
		CHECK_OK(peer_answer(attacher));
		CHECK_OK(on(attacher, do_detach, address));
	}
	if (board->seen)
		FAIL("the page was read %ld times after the segment had been removed", board->seen);
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

static timer_t timer;

/* The handling of a signal must leave time for the program, so slow kernels get fewer. */
static void begin_signals(void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct timespec interval = { 0, 1000000 * slowness() };
	struct itimerspec often = { interval, interval };

	CHECK_OK(answer(sigaction(SIGUSR1, &action, NULL)));
	CHECK_OK(answer(timer_create(CLOCK_MONOTONIC, &event, &timer)));
	CHECK_OK(answer(timer_settime(timer, 0, &often, NULL)));
}

static void end_signals(void)
{
	struct itimerspec never = { { 0, 0 }, { 0, 0 } };

	CHECK_OK(answer(timer_settime(timer, 0, &never, NULL)));
	printf("%d signals\n", (int)signals);
	CHECK(signals > 0);
}

/* The first calls of a process go over all its mappings, and no signal makes them begin anew. */
CASE(first_use_under_a_timer)
{
	map_much();
	begin_signals(count_signal);
	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	CHECK_OK(here(do_attach_segment, export_range(page, PAGE), 0, PAGE));
	end_signals();
}

#define HANDLER_PAGES 64L	/* each in a window of its own, before those of the program */

static long handler_at;

static void touch_next_window(int number)
{
	if (signals < HANDLER_PAGES)
		*(volatile long *)(handler_at + signals * 2 * MIB) = signals + 1;
	count_signal(number);
}

static long do_touch_under_signals(const long *segid_length)
{
	long length = segid_length[1], first = HANDLER_PAGES * 2 * MIB, offset;

	CHECK_OK(device_open());
	handler_at = CHECK_OK(here(do_attach_segment, segid_length[0], 0, length));
	begin_signals(touch_next_window);
	for (offset = first; offset < length; offset += PAGE)
		CHECK_OK(store(handler_at + offset, offset));
	end_signals();
	return 0;
}

/*
 * A signal often comes while a fault has found its page and still has to map it. Then the handler
 * touches another page first.
 */
CASE(faults_in_a_signal_handler)
{
	const long first = HANDLER_PAGES * 2 * MIB, length = first + 16 * MIB;
	struct peer *attacher = peer_start();
	long offset;

	CHECK_OK(device_open());
	page = map_aligned(length, 2 * MIB);
	use_small_pages(page, length);
	CHECK_OK(answer(madvise((void *)page, length, MADV_RANDOM)));
	CHECK_OK(on(attacher, do_touch_under_signals, export_range(page, length), length));
	for (offset = first; offset < length; offset += PAGE)
		CHECK_EQ(load(page + offset), offset);
	for (offset = 0; offset < HANDLER_PAGES && load(page + offset * 2 * MIB); offset++)
		CHECK_EQ(load(page + offset * 2 * MIB), offset + 1);
	printf("%ld pages touched by the handler\n", offset);
	CHECK(offset > 0);
}

#define MUCH (64 * MIB)
#define MOST_INTERRUPTS 4	/* one of the change, and some of others */

/* Interrupts of all processors that had them forget addresses, or -ENOENT. */
static long interrupts(void)
{
	FILE *file = fopen("/proc/interrupts", "re");
	char line[1024], *word, *rest;
	long sum = -ENOENT;

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		word = strtok_r(line, " ", &rest);
		if (!word || strcmp(word, "TLB:"))
			continue;
		for (sum = 0; (word = strtok_r(NULL, " ", &rest)) && *word >= '0' && *word <= '9';)
			sum += atol(word);
	}
	fclose(file);
	return sum;
}

static void stay_on(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	CHECK_OK(answer(sched_setaffinity(0, sizeof(set), &set)));
}

/* Touches all, and keeps a processor busy until the round is over. */
static long do_keep_running(const long *address_round)
{
	long i;

	stay_on(1);
	for (i = 0; i < MUCH; i += PAGE)
		CHECK_OK(load(address_round[0] + i));
	board->ready = address_round[1];
	while (board->over < address_round[1])
		;
	return 0;
}

/* A change interrupts a running attacher once, however large it is. */
CASE(interrupts_of_a_change)
{
	long round, address, before, measured = 0, least = LONG_MAX;
	struct peer *attacher;

	start_case();
	if (interrupts() < 0 || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP("this takes two processors that interrupt each other");
	stay_on(0);
	page = map_aligned(MUCH, 2 * MIB);
	use_small_pages(page, MUCH);
	attacher = peer_start();
	address = CHECK_OK(on(attacher, do_attach_segment, export_range(page, MUCH), 0, MUCH));
	for (round = 1; measured < 3; round++) {
		fill(page, MUCH, round);
		peer_tell(attacher, do_keep_running, ARGUMENTS(address, round));
		while (board->ready != round)
			usleep(500);
		before = interrupts();
		CHECK_OK(answer(madvise((void *)page, MUCH, MADV_DONTNEED)));
		before = interrupts() - before;
		board->over = round;
		CHECK_OK(peer_answer(attacher));
		printf("%ld interrupts\n", before);
		/* Without an interrupt the attacher did not run. */
		if (!before)
			continue;
		harness_renew();
		measured++;
		least = MIN(least, before);
	}
	CHECK(least <= MOST_INTERRUPTS);
}

/* A thread ends an object as soon as its id appears in the reply, before the call returns. */

static struct {
	volatile __s64 *id;	/* where the kernel puts it */
	bool permits;
	long removed;
} guess;

static void *end_as_soon_as_made(void *nothing)
{
	__s64 id;
	int tries;

	while (!board->stop) {
		id = *guess.id;
		if (!id)
			continue;
		for (tries = 0; tries < 100000 && !board->stop; tries++)
			if (!(guess.permits ? RELEASE(.apid = id) : REMOVE(.segid = id)))
				break;
		guess.removed++;
		*guess.id = 0;
	}
	return nothing;
}

static void trace_events(const char *on)
{
	char path[128];
	size_t i;
	static const char *const events[] = { "make", "remove", "get", "release" };

	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/tracing/events/xpmem/%s/enable",
			 events[i]);
		(void)write_file(path, on);
	}
}

static void end_while_being_published(bool permits)
{
	struct xpmem_ioc_make make = { .segid = 0 };
	struct xpmem_ioc_get get = { .apid = 0 };
	long segid, made = 0;
	pthread_t thread;
	double end;

	start_case();
	page = map_anonymous(PAGE);
	segid = export_range(page, PAGE);
	guess.id = permits ? &get.apid : &make.segid;
	guess.permits = permits;
	*guess.id = 0;
	trace_events("1");
	CHECK_EQ(pthread_create(&thread, NULL, end_as_soon_as_made, NULL), 0);
	for (end = now() + 3; now() < end || !made; made++) {
		if (permits) {
			get = SIZED(xpmem_ioc_get, .segid = segid, .flags = XPMEM_GET_RDWR);
			CHECK_OK(device_call(XPMEM_IOC_GET, &get));
		} else {
			make = SIZED(xpmem_ioc_make, .vaddr = page, .length = PAGE, .mode = 0600);
			CHECK_OK(device_call(XPMEM_IOC_MAKE, &make));
		}
		while (*guess.id)
			sched_yield();
	}
	board->stop = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
	trace_events("0");
	printf("%ld made, %ld ended by the other thread\n", made, guess.removed);
	CHECK_EQ(guess.removed, made);
}

CASE(remove_while_being_published)
{
	end_while_being_published(false);
}

CASE(release_while_being_published)
{
	end_while_being_published(true);
}

/*
 * Exports a window: half of it is the file, and half is private memory. Returns the segment. @page
 * is the window then.
 */
static long do_export_halves(const long *file)
{
	page = map_aligned(2 * MIB, 2 * MIB);
	use_small_pages(page, 2 * MIB);
	map_over(page, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, file[0]);
	fill(page + MIB, MIB, 1);
	return export_range(page, 2 * MIB);
}

static long do_discard_private_half(const long *none)
{
	(void)none;
	return answer(madvise((void *)(page + MIB), MIB, MADV_DONTNEED));
}

/* Changes what all exporters map of the file. */
static void *punch_file(void *file)
{
	while (!atomic_load(&board->stop))
		CHECK_EQ(fallocate((int)(long)file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				   MIB), 0);
	return NULL;
}

/* Kills an exporter and takes its memory as the OOM reaper does. Returns whether that worked. */
static bool reap(struct peer *exporter)
{
	int process = CHECK_OK(answer(syscall(SYS_pidfd_open, peer_pid(exporter), 0)));
	long result;

	CHECK_EQ(kill(peer_pid(exporter), SIGKILL), 0);
	result = answer(syscall(SYS_process_mrelease, process, 0));
	close(process);
	peer_end(exporter, SIGKILL);
	if (result == -ENOSYS)
		SKIP("the kernel has no process_mrelease()");
	return !result;
}

/* The kernel complains if a notifier refuses what the reaper wants. */
CASE(reaped_amid_changes)
{
	long file, where, rounds, reaped = 0;
	struct peer *exporter;
	pthread_t thread;
	double end;

	start_case();
	file = memory_file(MIB);
	CHECK_EQ(pthread_create(&thread, NULL, punch_file, (void *)file), 0);
	end = now() + REAPING * slowness();
	for (rounds = 0; rounds < 5 || now() < end || !reaped; rounds++) {
		exporter = peer_start();
		where = CHECK_OK(here(do_attach_segment, on(exporter, do_export_halves, file), MIB,
				      MIB));
		CHECK_EQ(verify(where, MIB, 1), 0);
		CHECK_OK(on(exporter, do_discard_private_half, 0));
		reaped += reap(exporter);
		CHECK_OK(here(do_detach, where));
	}
	atomic_store(&board->stop, true);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	printf("%ld of %ld exporters were reaped\n", reaped, rounds);
}
