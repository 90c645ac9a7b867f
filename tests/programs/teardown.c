/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Teardown of many objects costs about what their creation cost, and objects end with their
 * process. All costs are processor time, and each is compared with another cost of the same
 * process.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"
#include "sweep.h"

/* Segments, and mapped windows of 2 MiB. */
#define COUNT 1200
#define WINDOW (2 * MIB)
/* Times the cost of creation that teardown may cost. */
#define DEARER 3
/* Times as many objects, of which each must not cost twice as much. */
#define MORE 20

static long microseconds(const struct timeval *time)
{
	return time->tv_sec * 1000000 + time->tv_usec;
}

static long spent(int by)
{
	struct rusage usage;

	CHECK_OK(answer(getrusage(by, &usage)));
	return microseconds(&usage.ru_utime) + microseconds(&usage.ru_stime);
}

/* Attaches and maps a page in each window, and makes segments that span all. Returns the cost. */
static long do_make_much(const long *segments_windows)
{
	long memory, apid, at, i, before = spent(RUSAGE_SELF);

	memory = answer((long)mmap(NULL, (segments_windows[1] + 1) * WINDOW, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	CHECK_OK(memory);
	CHECK_OK(answer(
		madvise((void *)memory, (segments_windows[1] + 1) * WINDOW, MADV_NOHUGEPAGE)));
	for (i = 0; i < segments_windows[1]; i++)
		CHECK_OK(store(memory + i * WINDOW, 1));
	apid = CHECK_OK(GET(.segid = CHECK_OK(MAKE(.length = XPMEM_LENGTH_MAX, .mode = 0600)),
			    .flags = XPMEM_GET_RDWR));
	at = CHECK_OK(ATTACH(.apid = apid, .offset = memory,
			     .length = (segments_windows[1] + 1) * WINDOW));
	for (i = 0; i < segments_windows[1]; i++)
		CHECK_EQ(load(at + i * WINDOW), 1);
	for (i = 0; i < segments_windows[0]; i++)
		CHECK_OK(MAKE(.length = XPMEM_LENGTH_MAX, .mode = 0600));
	return spent(RUSAGE_SELF) - before;
}

/* Attaches a page with each of many permits of one segment. Returns the cost. */
static long do_attach_much(const long *segid_count)
{
	long i, before = spent(RUSAGE_SELF);

	for (i = 0; i < segid_count[1]; i++)
		CHECK_OK(load(CHECK_OK(here(do_attach_segment, segid_count[0], 0, PAGE))));
	return spent(RUSAGE_SELF) - before;
}

static long do_close_and_say_cost(const long *none)
{
	long before = spent(RUSAGE_SELF);

	CHECK_OK(do_close(none));
	return spent(RUSAGE_SELF) - before;
}

static void check_cost(long made, long ended)
{
	printf("creation cost %ld ms, teardown %ld ms\n", made / 1000, ended / 1000);
	if (ended > made * DEARER)
		FAIL("teardown cost %ld times what creation cost", ended / made);
}

CASE(close_of_many_segments_and_windows)
{
	struct peer *peer = peer_start();
	long made = on(peer, do_make_much, COUNT, COUNT);

	check_cost(made, on(peer, do_close_and_say_cost, 0));
}

CASE(close_of_many_permits)
{
	struct peer *peer = peer_start();
	long made, segid;

	CHECK_OK(device_open());
	segid = export_range(map_anonymous(PAGE), PAGE);
	made = on(peer, do_attach_much, segid, COUNT);
	check_cost(made, on(peer, do_close_and_say_cost, 0));
}

/* Returns what close() costs for each of many permits, in nanoseconds. */
static long cost_of_close(long segid, long count)
{
	struct peer *peer = peer_start();
	long cost;

	on(peer, do_attach_much, segid, count);
	cost = on(peer, do_close_and_say_cost, 0) * 1000 / count;
	printf("%ld permits: %ld ns for each\n", count, cost);
	peer_end(peer, SIGKILL);
	return cost;
}

CASE(close_of_ever_more_permits)
{
	long few = COUNT / 4, segid, cost;

	CHECK_OK(device_open());
	segid = export_range(map_anonymous(PAGE), PAGE);
	cost = cost_of_close(segid, few);
	if (cost_of_close(segid, few * MORE) > cost * 2)
		FAIL("the cost of a permit grows with the number of permits");
}

/* Makes many segments of one page, and stores their ids. */
static long do_make_each(const long *segids_count)
{
	long page = map_anonymous(PAGE), i;

	for (i = 0; i < segids_count[1]; i++)
		((long *)segids_count[0])[i] = CHECK_OK(export_range(page, PAGE));
	return 0;
}

static long do_attach_each(const long *segids_count)
{
	long i;

	for (i = 0; i < segids_count[1]; i++)
		CHECK_OK(load(CHECK_OK(here(do_attach_segment, ((long *)segids_count[0])[i], 0,
					    PAGE))));
	return 0;
}

/* Returns what close() costs for each of many attached segments, in nanoseconds. */
static long cost_of_close_by_exporter(long segids, long count)
{
	struct peer *exporter = peer_start(), *attacher = peer_start();
	long cost;

	on(exporter, do_make_each, segids, count);
	on(attacher, do_attach_each, segids, count);
	cost = on(exporter, do_close_and_say_cost, 0) * 1000 / count;
	printf("%ld segments: %ld ns for each\n", count, cost);
	peer_end(exporter, SIGKILL);
	peer_end(attacher, SIGKILL);
	return cost;
}

CASE(close_of_ever_more_segments)
{
	long few = COUNT / 4, segids = map_shared(few * MORE * (long)sizeof(long)), cost;

	cost = cost_of_close_by_exporter(segids, few);
	if (cost_of_close_by_exporter(segids, few * MORE) > cost * 2)
		FAIL("the cost of a segment grows with the number of segments");
}

CASE(remove_of_what_many_attached)
{
	struct peer *peer = peer_start();
	long made, segid, before;

	CHECK_OK(device_open());
	segid = export_range(map_anonymous(PAGE), PAGE);
	made = on(peer, do_attach_much, segid, COUNT);
	before = spent(RUSAGE_SELF);
	CHECK_OK(REMOVE(.segid = segid));
	check_cost(made, spent(RUSAGE_SELF) - before);
}

/* Returns the processor time of a process from now to its end, which SIGKILL brings. */
static long cost_of_death(struct peer *peer, long until_now)
{
	long before = spent(RUSAGE_CHILDREN);

	peer_end(peer, SIGKILL);
	return spent(RUSAGE_CHILDREN) - before - until_now;
}

static long do_say_cost(const long *none)
{
	(void)none;
	return spent(RUSAGE_SELF);
}

CASE(death_with_many_segments_and_windows)
{
	struct peer *peer = peer_start();
	long made = on(peer, do_make_much, COUNT, COUNT);

	check_cost(made, cost_of_death(peer, on(peer, do_say_cost, 0)));
}

CASE(death_amid_close)
{
	struct peer *peer = peer_start();
	long made = on(peer, do_make_much, COUNT, COUNT), until_now = on(peer, do_say_cost, 0);

	peer_tell(peer, do_close_and_say_cost, ARGUMENTS(0));
	usleep(100000);
	check_cost(made, cost_of_death(peer, until_now));
}

static struct board {
	atomic_bool over;
} *board;

/* Forks a child that keeps the descriptor until the case is over. */
static long do_leave_a_child(const long *segid_count_pid)
{
	pid_t child;

	CHECK_OK(do_attach_much(segid_count_pid));
	child = CHECK_OK(answer(fork()));
	if (!child) {
		while (!board->over && !kill(segid_count_pid[2], 0))
			usleep(1000);
		_exit(EXIT_SUCCESS);
	}
	return child;
}

static void check_falls_to(int attribute, long count)
{
	double end = now() + 5 * slowness();

	while (sweep_stat(attribute) > count && now() < end)
		usleep(10000);
	CHECK_EQ(sweep_stat(attribute), count);
}

/* Objects end with the process that made them, although a child still has its descriptor. */
static void end_before_its_child(int number)
{
	struct peer *peer;
	long segid, child;

	CHECK_OK(answer(prctl(PR_SET_CHILD_SUBREAPER, 1)));
	board = (void *)map_file(memory_file(PAGE), PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	CHECK_OK(device_open());
	peer = peer_start();
	segid = export_range(map_anonymous(PAGE), PAGE);
	CHECK_OK(on(peer, do_export, CHECK_OK(on(peer, do_map, PAGE)), PAGE));
	child = CHECK_OK(on(peer, do_leave_a_child, segid, 3, getpid()));
	CHECK_EQ(sweep_stat(XPMEM_A_STATS_PERMITS), 3);
	CHECK_EQ(sweep_stat(XPMEM_A_STATS_SEGMENTS), 2);
	CHECK_EQ(sweep_stat(XPMEM_A_STATS_EXPORTERS), 2);
	peer_end(peer, number);
	check_falls_to(XPMEM_A_STATS_PERMITS, 0);
	check_falls_to(XPMEM_A_STATS_ATTACHMENTS, 0);
	check_falls_to(XPMEM_A_STATS_SEGMENTS, 1);
	check_falls_to(XPMEM_A_STATS_EXPORTERS, 1);
	board->over = true;
	CHECK_EQ(wait_for_end(child, DEATH_LIMIT), 0);
}

CASE(permits_of_a_process_that_exited)
{
	end_before_its_child(0);
}

CASE(permits_of_a_process_that_was_killed)
{
	end_before_its_child(SIGKILL);
}
