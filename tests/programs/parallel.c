/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parallel
 *
 * How many times as fast several threads of a process map what one exporter has as one thread does,
 * in a VM with as many processors (./vm bench). Prints lines of a name, a value and what it is,
 * with tabs between them. Each time is the least of some attempts.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "device.h"

#define REGION (256 * MIB)
#define ATTEMPTS 7
#define THREADS 2

static struct peer *attacher;

static long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

/*
 * What a thread does: attach its part and have it populated, or read each page of its part of an
 * attachment.
 */
struct part {
	pthread_t thread;
	pthread_barrier_t *start;
	long apid, at, offset, length;
};

static void *run_part(void *argument)
{
	const struct part *part = argument;
	long arguments[] = { part->apid, part->offset, part->length, XPMEM_ATTACH_POPULATE, 0 },
	     address;

	pthread_barrier_wait(part->start);
	if (!part->at) {
		CHECK_OK(do_attach(arguments));
		return NULL;
	}
	for (address = part->at + part->offset; address < part->at + part->offset + part->length;
	     address += PAGE)
		(void)*(volatile char *)address;
	return NULL;
}

/* Nanoseconds for all of the region, in as many equal parts as threads. */
static long time_parts(long apid, long at, int threads)
{
	struct part parts[THREADS];
	pthread_barrier_t start;
	long begun;
	int i;

	CHECK(!pthread_barrier_init(&start, NULL, threads + 1));
	for (i = 0; i < threads; i++) {
		parts[i] = (struct part){
			.start = &start,
			.apid = apid,
			.at = at,
			.offset = i * (REGION / threads),
			.length = REGION / threads,
		};
		CHECK(!pthread_create(&parts[i].thread, NULL, run_part, &parts[i]));
	}
	begun = now();
	pthread_barrier_wait(&start);
	for (i = 0; i < threads; i++)
		pthread_join(parts[i].thread, NULL);
	begun = now() - begun;
	pthread_barrier_destroy(&start);
	return begun;
}

static long do_populate(const long *segid_threads)
{
	long apid = CHECK_OK(do_get((long[]){ segid_threads[0], XPMEM_GET_RDWR }));
	long time = time_parts(apid, 0, segid_threads[1]);

	CHECK_OK(do_release(&apid));
	return time;
}

static long do_touch_parts(const long *segid_threads)
{
	long apid = CHECK_OK(do_get((long[]){ segid_threads[0], XPMEM_GET_RDWR }));
	long at = CHECK_OK(do_attach((long[]){ apid, 0, REGION, 0, 0 }));
	long time = time_parts(apid, at, segid_threads[1]);

	CHECK_OK(do_release(&apid));
	return time;
}

static void measure(const char *name, long (*work)(const long *), long segid, const char *what)
{
	long times[THREADS + 1] = { 0 }, time;
	int threads, i;

	for (i = 0; i < ATTEMPTS; i++)
		for (threads = 1; threads <= THREADS; threads += THREADS - 1) {
			time = on(attacher, work, segid, threads);
			times[threads] =
				times[threads] && times[threads] < time ? times[threads] : time;
		}
	printf("%s\t%.2f\ttimes as fast with two threads as with one, %s\n", name,
	       (double)times[1] / times[THREADS], what);
}

int main(void)
{
	long memory, segid;

	harness_start("parallel", 0);
	CHECK_OK(device_open());
	attacher = peer_start();
	memory = map_aligned(REGION, 2 * MIB);
	use_small_pages(memory, REGION);
	fill(memory, REGION, 1);
	segid = export_range(memory, REGION);
	measure("parallel_populate", do_populate, segid,
		"each of which attaches its part of 256 MiB of small pages and has it populated");
	measure("parallel_touch", do_touch_parts, segid,
		"each of which reads its part of one attachment of 256 MiB of small pages");
	harness_end();
}
