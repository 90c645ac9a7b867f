// SPDX-License-Identifier: GPL-2.0-or-later
/* Samples of a figure, and what they spread over. */
#include <stdlib.h>
#include <string.h>

#include "xpmembench.h"

void samples_clear(struct samples *samples)
{
	samples->count = 0;
	samples->random = 1;
}

/* Each sample stays with the same probability (reservoir sampling). */
void samples_add(struct samples *samples, double value)
{
	unsigned long place = samples->count++;

	if (!place || value < samples->min)
		samples->min = value;
	if (place >= SAMPLES_MAX) {
		samples->random = next_random(samples->random);
		place = (samples->random >> 32) % samples->count;
	}
	if (place < SAMPLES_MAX)
		samples->of[place] = value;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static size_t kept(const struct samples *samples)
{
	return samples->count < SAMPLES_MAX ? samples->count : SAMPLES_MAX;
}

/* The least value that is not below @part percent of the sorted @values. */
static double percentile(const double *values, size_t count, unsigned int part)
{
	size_t rank = (count * part + 99) / 100;

	return values[rank ? rank - 1 : 0];
}

/* The samples of attempts [@first, @last) of all receivers, sorted. */
static size_t gather(struct samples *const sets[], unsigned int count, int first, int last,
		     double *values)
{
	size_t total = 0;
	unsigned int i;
	int attempt;

	for (i = 0; i < count; i++) {
		for (attempt = first; attempt < last; attempt++) {
			const struct samples *samples = &sets[i][attempt];

			memcpy(values + total, samples->of, kept(samples) * sizeof(*values));
			total += kept(samples);
		}
	}
	qsort(values, total, sizeof(*values), compare_doubles);
	return total;
}

static double noise(struct samples *const sets[], unsigned int count, double median, double *values)
{
	double least = 0, most = 0, middle;
	size_t total;
	int attempt;

	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		total = gather(sets, count, attempt, attempt + 1, values);
		middle = percentile(values, total, 50);
		least = !attempt || middle < least ? middle : least;
		most = middle > most ? middle : most;
	}
	return median > 0 ? (most - least) / median : 0;
}

struct spread samples_spread(struct samples *const sets[], unsigned int count)
{
	size_t room = (size_t)count * ATTEMPTS * SAMPLES_MAX, total;
	double *values = malloc(room * sizeof(*values));
	struct spread spread = { 0 };
	unsigned int i, attempt;

	if (!values)
		abort();
	total = gather(sets, count, 0, ATTEMPTS, values);
	spread.median = percentile(values, total, 50);
	spread.p99 = percentile(values, total, 99);
	spread.min = values[0];
	for (i = 0; i < count; i++) {
		for (attempt = 0; attempt < ATTEMPTS; attempt++) {
			spread.samples += sets[i][attempt].count;
			if (sets[i][attempt].min < spread.min)
				spread.min = sets[i][attempt].min;
		}
	}
	spread.noise = noise(sets, count, spread.median, values);
	free(values);
	return spread;
}
