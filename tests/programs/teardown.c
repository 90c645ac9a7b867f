/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Teardown of many objects costs about what their creation cost, and objects end with their
 * process. All costs are processor time, and each is compared with another cost of the same
 * process. A busy machine only ever adds to a cost, so the least of several attempts counts.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/param.h>
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
/* Objects of one client, of which each must not cost twice as much as those of many clients. */
#define MANY (2 * COUNT)
#define CLIENTS 20
#define ATTEMPTS 5

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
	use_small_pages(memory, (segments_windows[1] + 1) * WINDOW);
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

/* Two costs in microseconds; the second must be at most so many times the first. */
struct costs {
	long base;
	long cost;
};

static void check_costs(struct costs (*measure)(void), long times)
{
	struct costs least = { LONG_MAX, LONG_MAX }, costs;
	int i;

	for (i = 0; i < ATTEMPTS; i++) {
		harness_renew();
		costs = measure();
		printf("%ld us, compared with %ld us\n", costs.cost, costs.base);
		least.base = MIN(least.base, costs.base);
		least.cost = MIN(least.cost, costs.cost);
		if (least.cost <= least.base * times)
			return;
	}
	FAIL("%ld us, which is more than %ld times %ld us", least.cost, times, least.base);
}

/* Costs of creation and teardown. */

static struct costs close_segments_and_windows(void)
{
	struct peer *peer = peer_start();
	struct costs costs;

	costs.base = on(peer, do_make_much, COUNT, COUNT);
	costs.cost = on(peer, do_close_and_say_cost, 0);
	peer_end(peer, 0);
	return costs;
}

CASE(close_of_many_segments_and_windows)
{
	check_costs(close_segments_and_windows, DEARER);
}

/* Makes a segment of a page, and has a new peer attach it many times. Stores its id. */
static struct peer *attach_much(long *made, long *segid)
{
	struct peer *peer = peer_start();

	CHECK_OK(device_open());
	*segid = export_range(map_anonymous(PAGE), PAGE);
	*made = on(peer, do_attach_much, *segid, COUNT);
	return peer;
}

static struct costs close_permits(void)
{
	struct costs costs;
	long segid;
	struct peer *peer = attach_much(&costs.base, &segid);

	costs.cost = on(peer, do_close_and_say_cost, 0);
	peer_end(peer, 0);
	return costs;
}

CASE(close_of_many_permits)
{
	check_costs(close_permits, DEARER);
}

static struct costs remove_segment(void)
{
	struct costs costs;
	long segid, before;
	struct peer *peer = attach_much(&costs.base, &segid);

	before = spent(RUSAGE_SELF);
	CHECK_OK(REMOVE(.segid = segid));
	costs.cost = spent(RUSAGE_SELF) - before;
	peer_end(peer, 0);
	return costs;
}

CASE(remove_of_what_many_attached)
{
	check_costs(remove_segment, DEARER);
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

static struct costs die_with_segments_and_windows(void)
{
	struct peer *peer = peer_start();
	struct costs costs;

	costs.base = on(peer, do_make_much, COUNT, COUNT);
	costs.cost = cost_of_death(peer, on(peer, do_say_cost, 0));
	return costs;
}

CASE(death_with_many_segments_and_windows)
{
	check_costs(die_with_segments_and_windows, DEARER);
}

static struct costs die_amid_close(void)
{
	struct peer *peer = peer_start();
	struct costs costs;
	long until_now;

	costs.base = on(peer, do_make_much, COUNT, COUNT);
	until_now = on(peer, do_say_cost, 0);
	peer_tell(peer, do_close_and_say_cost, ARGUMENTS(0));
	usleep(100000);
	costs.cost = cost_of_death(peer, until_now);
	return costs;
}

CASE(death_amid_close)
{
	check_costs(die_amid_close, DEARER);
}

/* Costs of as many objects, first of many clients and then of a single one. */

/* Returns what it costs to close some clients that share many permits of one segment. */
static long cost_of_permits(int clients)
{
	long segid = export_range(map_anonymous(PAGE), PAGE), cost = 0;
	struct peer *peers[CLIENTS];
	int i;

	for (i = 0; i < clients; i++) {
		peers[i] = peer_start();
		on(peers[i], do_attach_much, segid, MANY / clients);
	}
	for (i = 0; i < clients; i++)
		cost += on(peers[i], do_close_and_say_cost, 0);
	for (i = 0; i < clients; i++)
		peer_end(peers[i], 0);
	CHECK_OK(REMOVE(.segid = segid));
	return cost;
}

static struct costs spread_permits(void)
{
	return (struct costs){ .base = cost_of_permits(CLIENTS), .cost = cost_of_permits(1) };
}

CASE(close_of_ever_more_permits)
{
	CHECK_OK(device_open());
	check_costs(spread_permits, 2);
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

/* Returns what it costs to close some exporters that share many segments, each attached. */
static long cost_of_segments(int exporters)
{
	struct peer *peers[CLIENTS], *attachers[CLIENTS];
	long count = MANY / exporters, segids, cost = 0;
	int i;

	segids = map_shared(count * (long)sizeof(long));
	for (i = 0; i < exporters; i++) {
		peers[i] = peer_start();
		attachers[i] = peer_start();
		on(peers[i], do_make_each, segids, count);
		on(attachers[i], do_attach_each, segids, count);
	}
	for (i = 0; i < exporters; i++)
		cost += on(peers[i], do_close_and_say_cost, 0);
	for (i = 0; i < exporters; i++) {
		peer_end(peers[i], 0);
		peer_end(attachers[i], 0);
	}
	CHECK_OK(answer(munmap((void *)segids, count * sizeof(long))));
	return cost;
}

static struct costs spread_segments(void)
{
	return (struct costs){ .base = cost_of_segments(CLIENTS), .cost = cost_of_segments(1) };
}

CASE(close_of_ever_more_segments)
{
	check_costs(spread_segments, 2);
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
