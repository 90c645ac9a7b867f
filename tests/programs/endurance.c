/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attachers make progress with a bounded number of faults while the exporter changes its memory. */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"
#include "sweep.h"

#define CHURNERS 4
#define COPY_LENGTH (16 * MIB)
#define MOST_MEMBERS 16

static struct board {
	atomic_int churners;		/* how many of the threads may run */
	atomic_long turns[2];
	atomic_bool stop;
	atomic_int ready, done;
	atomic_long segids[MOST_MEMBERS], addresses[MOST_MEMBERS], wrong;
} *board;

static long source;

static void start_case(void)
{
	board = (void *)map_file(memory_file(PAGE), PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	CHECK_OK(device_open());
}

static void start_thread(void *(*body)(void *), long argument)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, body, (void *)argument), 0);
}

static long small_pages(long length)
{
	long address = map_aligned(length, 2 * MIB);

	use_small_pages(address, length);
	return address;
}

/* Maps and unmaps memory as the allocators of programs do. */
static void *churn(void *number)
{
	long address, offset;

	for (;;) {
		while (board->churners <= (long)number)
			usleep(1000);
		address = map_anonymous(MIB);
		for (offset = 0; offset < MIB; offset += PAGE)
			*(volatile char *)(address + offset) = 1;
		unmap(address, MIB);
		board->turns[0]++;
	}
	return NULL;
}

static long do_export_and_churn(const long *none)
{
	long i;

	(void)none;
	source = small_pages(COPY_LENGTH);
	fill(source, COPY_LENGTH, 7);
	for (i = 0; i < CHURNERS; i++)
		start_thread(churn, i);
	return export_range(source, COPY_LENGTH);
}

/* Copies from a fresh attachment each time. Returns the number of faults. */
static long copy_often(long apid, int copies)
{
	static char *copy;
	long before = sweep_stat(XPMEM_A_STATS_FAULTS), at;
	int i;

	if (!copy)
		copy = (char *)map_anonymous(COPY_LENGTH);
	for (i = 0; i < copies; i++) {
		at = CHECK_OK(ATTACH(.apid = apid, .length = COPY_LENGTH));
		memcpy(copy, (char *)at, COPY_LENGTH);
		CHECK_OK(DETACH(.vaddr = at));
	}
	CHECK_EQ(verify((long)copy, COPY_LENGTH, 7), 0);
	return sweep_stat(XPMEM_A_STATS_FAULTS) - before;
}

CASE(copies_while_the_exporter_maps_and_unmaps)
{
	long apid, quiet, noisy;
	struct peer *exporter;
	int copies = 8;

	start_case();
	exporter = peer_start();
	apid = CHECK_OK(GET(.segid = CHECK_OK(on(exporter, do_export_and_churn, 0)),
			    .flags = XPMEM_GET_RDWR));
	quiet = copy_often(apid, copies);
	board->churners = CHURNERS;
	while (board->turns[0] < CHURNERS)
		usleep(1000);
	noisy = copy_often(apid, copies);
	printf("%ld faults when it is quiet, %ld while %ld times mapped and unmapped\n", quiet,
	       noisy, (long)board->turns[0]);
	CHECK(noisy <= 3 * quiet);
}

static void *discard_elsewhere(void *length)
{
	long address = small_pages((long)length);

	for (;;) {
		memset((void *)address, 1, (long)length);
		CHECK_OK(answer(madvise((void *)address, (long)length, MADV_DONTNEED)));
		board->turns[0]++;
	}
	return NULL;
}

static void *discard_exported(void *nothing)
{
	for (;;) {
		CHECK_OK(answer(madvise((void *)source, PAGE, MADV_DONTNEED)));
		board->turns[1]++;
	}
	return nothing;
}

static long do_export_and_discard(const long *none)
{
	int i;

	(void)none;
	source = small_pages(PAGE);
	CHECK_OK(store(source, 1));
	for (i = 0; i < 3; i++)
		start_thread(discard_elsewhere, MIB);
	start_thread(discard_exported, 0);
	return export_range(source, PAGE);
}

static void *map_and_unmap(void *turns)
{
	for (;;) {
		unmap(map_anonymous(PAGE), PAGE);
		++*(atomic_long *)turns;
		usleep(1000);
	}
	return NULL;
}

static atomic_long maps;

static long do_touch_often(const long *segid_turns)
{
	long at = CHECK_OK(here(do_attach_segment, segid_turns[0], 0, PAGE)), i;

	start_thread(map_and_unmap, (long)&maps);
	/*
	 * On a busy machine so many touches may pass before the other threads have had their turn.
	 */
	for (i = 0; i < segid_turns[1] || !maps || !board->turns[1]; i++)
		CHECK_OK(touch_for_writing(at));
	return maps;
}

/* The attacher makes progress while the exporter discards memory without end. */
CASE(touches_while_the_exporter_discards)
{
	struct peer *exporter, *attacher;
	long segid, mapped;

	start_case();
	exporter = peer_start();
	attacher = peer_start();
	segid = CHECK_OK(on(exporter, do_export_and_discard, 0));
	mapped = CHECK_OK(on(attacher, do_touch_often, segid, 20000));
	printf("%ld mappings, %ld and %ld discards meanwhile\n", mapped, (long)board->turns[0],
	       (long)board->turns[1]);
	CHECK(mapped > 0 && board->turns[1] > 0);
	peer_tell(attacher, do_touch_often, ARGUMENTS(segid, LONG_MAX));
	usleep(200000);
	kill_in_time(peer_pid(attacher));
	peer_end(exporter, SIGKILL);
}

/* Threads of one process attach, check and detach parts of a segment that the exporter changes. */

#define WORK_LENGTH (4 * MIB)
#define WORK_PAGES (WORK_LENGTH / PAGE)

#define ATTACHMENTS_AT_LEAST 50
#define CHANGES_AT_LEAST 10

static long work_apid;

static void *attach_and_check(void *seed_pointer)
{
	unsigned int seed = (long)seed_pointer;
	long first, count, at, i;

	while (!board->stop) {
		first = rand_r(&seed) % WORK_PAGES;
		count = 1 + rand_r(&seed) % 128;
		if (first + count > WORK_PAGES)
			count = WORK_PAGES - first;
		at = CHECK_OK(
			ATTACH(.apid = work_apid, .offset = first * PAGE, .length = count * PAGE));
		for (i = 0; i < count; i++)
			CHECK_EQ(load(at + i * PAGE), first + i + 1);
		for (i = 0; i < count; i += 2)
			CHECK_OK(touch_for_writing(at + i * PAGE + 8));
		if (rand_r(&seed) % 2)
			CHECK_OK(DETACH(.vaddr = at + count / 2 * PAGE));
		else
			unmap(at, count * PAGE);
		board->turns[0]++;
	}
	return NULL;
}

static long do_attach_and_check(const long *segid_threads_seconds)
{
	pthread_t threads[8];
	long i;

	work_apid = CHECK_OK(GET(.segid = segid_threads_seconds[0], .flags = XPMEM_GET_RDWR));
	for (i = 0; i < segid_threads_seconds[1]; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, attach_and_check, (void *)(i + 1)), 0);
	usleep(segid_threads_seconds[2] * 1000000);
	/* A slow machine takes longer; the time limit of the case ends it. */
	while (board->turns[0] <= ATTACHMENTS_AT_LEAST || board->turns[1] <= CHANGES_AT_LEAST)
		usleep(100000);
	board->stop = true;
	for (i = 0; i < segid_threads_seconds[1]; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	return board->turns[0];
}

/* Changes that keep the content. */
static void *change_gently(void *nothing)
{
	unsigned int seed = 1;
	pid_t child;
	long part;
	char *heap;

	while (!board->stop) {
		heap = malloc(3 * MIB);
		memset(heap, 1, 3 * MIB);
		free(heap);
		part = source + rand_r(&seed) % (WORK_PAGES - 64) * PAGE;
		protect(part, 64 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
		protect(part, 64 * PAGE, PROT_READ | PROT_WRITE);
		(void)!madvise((void *)part, 64 * PAGE, MADV_COLD);
		(void)!madvise((void *)part, 64 * PAGE, MADV_PAGEOUT);
		board->turns[1]++;
		if (rand_r(&seed) % 16)
			continue;
		child = CHECK_OK(answer(fork()));
		if (!child)
			_exit(EXIT_SUCCESS);
		CHECK_EQ(wait_for_end(child, DEATH_LIMIT), 0);
	}
	return nothing;
}

static long do_export_and_change(const long *none)
{
	long i;

	(void)none;
	source = map_anonymous(WORK_LENGTH);
	for (i = 0; i < WORK_PAGES; i++)
		CHECK_OK(store(source + i * PAGE, i + 1));
	start_thread(change_gently, 0);
	return export_range(source, WORK_LENGTH);
}

CASE(threads_attach_while_the_exporter_changes)
{
	struct peer *exporter, *attacher;
	long segid, attached;

	start_case();
	exporter = peer_start();
	attacher = peer_start();
	segid = CHECK_OK(on(exporter, do_export_and_change, 0));
	attached = CHECK_OK(on(attacher, do_attach_and_check, segid, 6, 4));
	printf("%ld attachments, %ld changes\n", attached, (long)board->turns[1]);
	CHECK(attached > ATTACHMENTS_AT_LEAST && board->turns[1] > CHANGES_AT_LEAST);
}

/* Processes that all attach to all, with several threads each, end in different ways at once. */

#define MEMBERS 8
#define MEMBER_LENGTH (MIB / 2)

static long views[MOST_MEMBERS];
static int number;

static void *check_all(void *first)
{
	int round, i, other;

	for (round = 0; round < 3; round++)
		for (i = 0; i < MEMBERS; i++) {
			other = (number + i + (long)first) % MEMBERS;
			board->wrong += verify(views[other], MEMBER_LENGTH, other + 1);
		}
	return NULL;
}

static long do_join(const long *my_number)
{
	number = my_number[0];
	source = map_anonymous(MEMBER_LENGTH);
	fill(source, MEMBER_LENGTH, number + 1);
	board->segids[number] = export_range(source, MEMBER_LENGTH);
	return 0;
}

static long do_check_all(const long *none)
{
	pthread_t threads[3];
	long i;

	(void)none;
	for (i = 0; i < MEMBERS; i++)
		views[i] = CHECK_OK(here(do_attach_segment, board->segids[i], 0, MEMBER_LENGTH));
	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, check_all, (void *)i), 0);
	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	return 0;
}

static void *touch_all(void *first)
{
	long i;

	for (;;)
		for (i = 0; i < MEMBERS; i++)
			(void)load(views[i] + (long)first * PAGE);
	return NULL;
}

static long do_end_somehow(const long *none)
{
	long i;

	for (i = 0; i < 2; i++)
		start_thread(touch_all, i);
	switch (number % 4) {
	case 0:
		_exit(EXIT_SUCCESS);
	case 1:
		execl("/bin/true", "true", NULL);
		_exit(EXIT_FAILURE);
	case 2:
		CHECK_OK(do_close(none));
		_exit(EXIT_SUCCESS);
	default:
		touch_all(0);
	}
	return 0;
}

CASE(all_attach_to_all_and_end_in_disorder)
{
	struct peer *members[MEMBERS];
	int round, i;

	for (round = 0; round < 3; round++) {
		start_case();
		for (i = 0; i < MEMBERS; i++) {
			members[i] = peer_start();
			CHECK_OK(on(members[i], do_join, i));
		}
		for (i = 0; i < MEMBERS; i++)
			peer_tell(members[i], do_check_all, ARGUMENTS(0));
		for (i = 0; i < MEMBERS; i++)
			CHECK_OK(peer_answer(members[i]));
		CHECK_EQ(board->wrong, 0);
		for (i = 0; i < MEMBERS; i++)
			peer_tell(members[i], do_end_somehow, ARGUMENTS(0));
		usleep(20000);
		for (i = 0; i < MEMBERS; i++)
			peer_end(members[i], SIGKILL);
	}
}

static long count_mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	long lines = 0;
	int byte;

	CHECK(file);
	while ((byte = getc(file)) != EOF)
		lines += byte == '\n';
	fclose(file);
	return lines;
}

static long read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long value;

	CHECK(file);
	CHECK_EQ(fscanf(file, "%ld", &value), 1);
	fclose(file);
	return value;
}

#define RUNS 400	/* of shared and private memory in turn */

/* Beyond the limit of mappings attach fails with ENOMEM, and all can be released. */
CASE(attachments_up_to_the_limit_of_mappings)
{
	long before, apid, at, i, last;
	char limit[32];

	start_case();
	source = answer(
		(long)mmap(NULL, RUNS * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (i = 0; i < RUNS; i++)
		map_over(source + i * PAGE, PAGE, PROT_READ | PROT_WRITE,
			 (i % 2 ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS, -1);
	apid = CHECK_OK(GET(.segid = export_range(source, RUNS * PAGE), .flags = XPMEM_GET_RDWR));
	before = count_mappings();
	at = CHECK_OK(ATTACH(.apid = apid, .length = RUNS * PAGE));
	for (i = 0; i < RUNS; i++)
		CHECK_OK(store(at + i * PAGE, i));
	for (i = 0; i < RUNS; i++)
		CHECK_EQ(load(source + i * PAGE), i);
	CHECK_OK(DETACH(.vaddr = at));
	CHECK_EQ(count_mappings(), before);

	last = read_number("/proc/sys/vm/max_map_count");
	snprintf(limit, sizeof(limit), "%ld", before + 500);
	if (write_file("/proc/sys/vm/max_map_count", limit) < 0)
		SKIP("the limit of mappings cannot be set");
	for (i = 0; i < 1000; i++) {
		at = ATTACH(.apid = apid, .length = PAGE);
		if (at < 0)
			break;
	}
	snprintf(limit, sizeof(limit), "%ld", last);
	CHECK_OK(write_file("/proc/sys/vm/max_map_count", limit));
	CHECK_EQ(at, -ENOMEM);
	CHECK(i > 400);
	CHECK_OK(RELEASE(.apid = apid));
	CHECK_EQ(count_mappings(), before);
}

/* Pid, mount and network namespaces do not matter; ipc namespaces do. */
CASE(processes_in_namespaces_of_their_own)
{
	struct peer *exporter, *attacher, *stranger;
	long at;

	start_case();
	exporter = peer_start();
	attacher = peer_start();
	stranger = peer_start();
	CHECK_OK(on(exporter, do_unshare, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET));
	CHECK_OK(on(attacher, do_unshare, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET));
	CHECK_OK(on(stranger, do_unshare, CLONE_NEWIPC));
	source = CHECK_OK(on(exporter, do_map, PAGE));
	CHECK_OK(on(exporter, do_store, source, 1));
	at = CHECK_OK(on(exporter, do_export, source, PAGE));
	CHECK_EQ(on(stranger, do_get, at, XPMEM_GET_RDWR), -ENOENT);
	at = CHECK_OK(on(attacher, do_attach_segment, at, 0, PAGE));
	CHECK_EQ(on(attacher, do_load, at), 1);
}
