/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the frequency of this machine's time-stamp counter in kHz, which emulated processors show
 * their kernels. A busy machine may interrupt any step: of many pairs of readings, those count that
 * were taken closest together.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define READINGS 1000
#define INTERVAL 200000000L	/* nanoseconds */

struct reading {
	uint64_t ticks;
	uint64_t nanoseconds;
};

static struct reading take(void)
{
	struct reading best = { 0 };
	uint64_t before, after, least = UINT64_MAX;
	struct timespec now;
	int i;

	for (i = 0; i < READINGS; i++) {
		before = __rdtsc();
		clock_gettime(CLOCK_MONOTONIC_RAW, &now);
		after = __rdtsc();
		if (after - before >= least)
			continue;
		least = after - before;
		best.ticks = before + least / 2;
		best.nanoseconds = now.tv_sec * 1000000000UL + now.tv_nsec;
	}
	return best;
}

int main(void)
{
	const struct timespec interval = { .tv_nsec = INTERVAL };
	struct reading first, last;

	first = take();
	nanosleep(&interval, NULL);
	last = take();
	printf("%llu\n", (unsigned long long)((last.ticks - first.ticks) * 1000000 /
					      (last.nanoseconds - first.nanoseconds)));
	return 0;
}
