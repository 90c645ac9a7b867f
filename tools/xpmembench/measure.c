// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A receiver asks for messages, the sender says that they are ready, and the receiver gets them by
 * the method under test. The receiver measures the time from asking for the messages to having
 * them, and to being rid of what the method needed for them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "xpmembench.h"

/* A sample takes at least this many times as long as a look at the clock. */
#define CLOCK_SHARE 20

const char *const use_names[USE_COUNT] = { "copy", "in_place" };

/* Keeps the compiler from leaving out what is only read. */
static volatile uint64_t sink;

static uint64_t sum(const char *from, size_t length)
{
	uint64_t total = 0, word;
	size_t i;

	for (i = 0; i + sizeof(word) <= length; i += sizeof(word)) {
		memcpy(&word, from + i, sizeof(word));
		total += word;
	}
	for (; i < length; i++)
		total += (unsigned char)from[i];
	return total;
}

/* The current measurement, in the receiver. */
struct run {
	const struct member *member;
	const struct plan *plan;
	struct pair *pair;
	const struct method *method;
	enum use use;
	size_t length;
	unsigned long number;	/* of messages in this run */
	uint64_t total;
};

/* One message that is there. */
static bool get_message(struct run *run, struct message *message)
{
	const struct method *method = run->method;
	char *buffer = run->pair->buffer;
	const char *view = buffer;

	if (method->choose)
		method->choose(run->pair, run->number, message);
	run->number++;
	if (method->view)
		view = method->view(run->pair, message);
	else if (!method->receive(run->pair, message, buffer))
		return false;
	if (!view)
		return false;
	if (run->use == USE_IN_PLACE)
		run->total += sum(view, message->length);
	else if (view != buffer)
		memcpy(buffer, view, message->length);
	return !method->end_view || method->end_view(run->pair, view);
}

static bool get_asked(struct run *run, unsigned long asked, unsigned int count)
{
	struct channel *channel = run->pair->channel;
	unsigned int i;

	for (i = 1; i <= count; i++) {
		struct message message = { .length = run->length };

		if (!run->method->streams && !pair_wait(run->pair, &channel->sent, asked + i))
			return false;
		if (!get_message(run, &message))
			return false;
	}
	return true;
}

/* Waits until the sender has ended its work for all messages, also those that failed. */
static bool end_asked(struct run *run, unsigned long asked)
{
	struct channel *channel = run->pair->channel;

	return pair_wait(run->pair, &channel->sent, asked) &&
	       (!run->method->finish || pair_wait(run->pair, &channel->finished, channel->made));
}

/* Lets the sender skip what it was asked for, so that the two agree again. */
static void abandon(struct run *run, unsigned long asked)
{
	struct channel *channel = run->pair->channel;
	int error = errno ? errno : EIO;

	channel->abandoned = true;
	end_asked(run, asked);
	atomic_store(&channel->received, channel->made);
	atomic_store(&channel->emptied, channel->filled);
	channel->abandoned = false;
	errno = error;
}

/* Asks for @count and gets them. */
static bool get_messages(struct run *run, unsigned int count)
{
	struct channel *channel = run->pair->channel;
	unsigned long asked = atomic_load_explicit(&channel->asked, memory_order_relaxed);

	atomic_store_explicit(&channel->asked, asked + count, memory_order_release);
	if (!get_asked(run, asked, count) || !end_asked(run, asked + count)) {
		abandon(run, asked + count);
		return false;
	}
	errno = channel->error;
	return !errno;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* Nanoseconds that reading the clock takes, when nothing interrupts this task. */
static uint64_t clock_cost(void)
{
	static uint64_t cost;
	uint64_t least = UINT64_MAX, begun, ended;
	int i, attempt;

	for (attempt = 0; !cost && attempt < 10; attempt++) {
		begun = ended = now();
		for (i = 1; i < 100; i++)
			ended = now();
		if (ended - begun < least)
			least = ended - begun;
	}
	if (!cost)
		cost = least / 100 + 1;
	return cost;
}

/* Returns the nanoseconds that @repeats rounds of @window messages take, or 0 on failure. */
static uint64_t time_messages(struct run *run, unsigned int window, unsigned long repeats)
{
	uint64_t begun = now(), elapsed;
	unsigned long i;

	for (i = 0; i < repeats; i++)
		if (!get_messages(run, window))
			return 0;
	elapsed = now() - begun;
	return elapsed ? elapsed : 1;
}

/* How often a sample repeats so that reading the clock does not matter; 0 on failure. */
static unsigned long warm_up(struct run *run, unsigned int window)
{
	unsigned long repeats;
	uint64_t elapsed;

	for (repeats = 1;; repeats *= 2) {
		elapsed = time_messages(run, window, repeats);
		if (!elapsed)
			return 0;
		if (elapsed >= CLOCK_SHARE * clock_cost())
			return repeats;
	}
}

static bool fill_samples(struct run *run, enum figure figure, unsigned int window,
			 unsigned long repeats, struct samples *samples)
{
	uint64_t begun = now(), limit = run->plan->seconds / ATTEMPTS * 1e9, elapsed;
	double seconds;

	do {
		elapsed = time_messages(run, window, repeats);
		if (!elapsed)
			return false;
		seconds = elapsed / 1e9 / repeats / window;
		samples_add(samples,
			    figure == FIGURE_LATENCY ? seconds : run->length / seconds);
	} while (now() - begun < limit);
	return true;
}

/* Returns an error of any receiver, or 0. */
static int take_figure(struct run *run, enum figure figure)
{
	struct share *share = &run->member->crew->shares[run->member->number];
	size_t window = WINDOW_BYTES / run->length;
	unsigned long repeats;
	int attempt, error;

	window = figure == FIGURE_LATENCY || !window ? 1 : window > WINDOW ? WINDOW : window;
	repeats = warm_up(run, window);
	error = repeats ? 0 : errno;
	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		struct samples *samples = &share->samples[figure][attempt];

		error = crew_meet(run->member, error);
		if (error)
			return error;
		samples_clear(samples);
		if (!fill_samples(run, figure, window, repeats, samples))
			error = errno;
	}
	return crew_meet(run->member, error);
}

/* Checks that the sender's message arrives. Returns an error of any receiver, or 0. */
static int check_message(struct run *run)
{
	struct message message = { .length = run->length };
	const char *expected;
	int error = 0;

	if (run->method->choose)
		run->method->choose(run->pair, run->number, &message);
	expected = run->pair->shared + message.offset;
	memset(run->pair->buffer, 0xa5, run->length);
	run->total = 0;
	if (!get_messages(run, 1))
		error = errno;
	else if (run->use == USE_IN_PLACE ? run->total != sum(expected, run->length) :
					    memcmp(run->pair->buffer, expected, run->length))
		error = EILSEQ;
	return crew_meet(run->member, error);
}

/* Bandwidths of all receivers add up; their latencies are samples of the same. */
static struct spread combine(const struct crew *crew, enum figure figure)
{
	struct samples *sets[MEMBERS_MAX];
	struct spread total = { 0 }, one;
	unsigned int i;

	for (i = 0; i < crew->members; i++)
		sets[i] = (struct samples *)crew->shares[i].samples[figure];
	if (figure == FIGURE_LATENCY)
		return samples_spread(sets, crew->members);
	for (i = 0; i < crew->members; i++) {
		one = samples_spread(&sets[i], 1);
		total.min += one.min;
		total.median += one.median;
		total.p99 += one.p99;
		total.samples += one.samples;
		total.noise = one.noise > total.noise ? one.noise : total.noise;
	}
	return total;
}

/* The first receiver has the result. Returns an error of any receiver, or 0. */
static int measure_run(struct run *run, struct result *result)
{
	struct message message = { .length = run->length };
	enum figure figure;
	int error;

	if (run->method->choose && !run->method->choose(run->pair, 0, &message))
		return 0;
	error = check_message(run);
	method_cache_hits();
	for (figure = 0; !error && figure < FIGURE_COUNT; figure++) {
		error = take_figure(run, figure);
		if (!error && run->member->number == 0)
			result->figures[figure] = combine(run->member->crew, figure);
	}
	result->cache_hits = method_cache_hits();
	sink += run->total;
	if (!error)
		error = check_message(run);
	method_cache_hits();
	result->measured = !error;
	return error;
}

static void note_missing(const struct run *run, int error, struct missing *missing)
{
	char size[32];

	format_size(run->length, size, sizeof(size));
	snprintf(missing->reason, sizeof(missing->reason), run->length ? "%s at %s" : "%s",
		 error == EILSEQ ? "wrong data" : strerror(error), size);
	mend(run->method, error, missing->mend, sizeof(missing->mend));
}

static int measure_sizes(struct run *run, struct result (*of)[SIZES_MAX])
{
	struct result unused;
	unsigned int i;
	int error = 0;
	char text[32];

	for (i = 0; i < run->plan->size_count; i++) {
		run->length = run->pair->channel->message.length = run->plan->sizes[i];
		format_size(run->length, text, sizeof(text));
		for (run->use = 0; run->use < USE_COUNT; run->use++) {
			run->number = 0;
			if (run->member->number == 0)
				progress("%s, %s, %s", run->method->what, text,
					 run->use == USE_COPY ? "copied" : "in place");
			error = measure_run(run,
					    run->member->number ? &unused : &of[run->use][i]);
			if (error)
				return error;
		}
	}
	return 0;
}

static void measure_method(const struct member *member, unsigned int number,
			   struct results *results)
{
	struct run run = {
		.member = member,
		.plan = &results->plan,
		.pair = member->pair,
		.method = &methods[number],
	};
	int error = 0;

	member->pair->channel->method = number;
	member->pair->channel->error = 0;
	if (run.method->begin && !run.method->begin(member->pair))
		error = errno ? errno : EIO;
	error = crew_meet(member, error);
	if (!error)
		error = measure_sizes(&run, results->of[number]);
	if (error && member->number == 0)
		note_missing(&run, error, &results->missing[number]);
}

/* Measures all that the plan says, in each receiver. */
void measure(const struct member *member, struct results *results)
{
	unsigned int number;

	for (number = 0; number < method_count; number++)
		if (results->plan.methods[number])
			measure_method(member, number, results);
	environment_place(&member->pair->channel->placement, NULL);
	crew_meet(member, 0);
}

double result_rate(const struct result *result, size_t size)
{
	return result->figures[FIGURE_BANDWIDTH].median / size;
}
