// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One process sends messages to another: the receiver asks for messages, the sender says that they
 * are ready, and the receiver gets them by the method under test. The receiver measures the time
 * from asking for the messages to having them.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "xpmembench.h"

/* The median of so many counts. */
#define ATTEMPTS 3
/* Messages asked for at a time for the bandwidth, if that is not more than so many bytes. */
#define WINDOW 64
#define WINDOW_BYTES ((size_t)64 * 1024 * 1024)
#define SPINS 2000
#define YIELDS 1000

const char *const use_names[USE_COUNT] = { "copy", "in_place" };

/* Keeps the compiler from leaving out what is only read. */
static volatile uint64_t sink;

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

bool wait_until(const struct pair *pair, const atomic_ulong *counter, unsigned long value)
{
	unsigned long spins = 0, limit = pair->spins ? SPINS : 1;
	int status;

	while (atomic_load_explicit(counter, memory_order_acquire) < value) {
		if (++spins < limit) {
			relax();
			continue;
		}
		sched_yield();
		/* The sender ends by itself when the receiver ends. */
		if (spins % YIELDS == 0 && pair->sender &&
		    waitpid(pair->sender, &status, WNOHANG) != 0) {
			errno = ESRCH;
			return false;
		}
	}
	return true;
}

static _Noreturn void send_messages(struct pair *pair)
{
	struct channel *channel = pair->channel;
	unsigned long sent = 0, asked;

	for (;;) {
		wait_until(pair, &channel->asked, sent + 1);
		if (channel->ended)
			_exit(0);
		asked = atomic_load_explicit(&channel->asked, memory_order_acquire);
		for (; sent < asked;
		     atomic_store_explicit(&channel->sent, ++sent, memory_order_release))
			if (methods[channel->method].send &&
			    !methods[channel->method].send(pair, &channel->message))
				channel->error = errno ? errno : EIO;
	}
}

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

/* Asks for @count and gets them. */
static bool get_messages(struct run *run, unsigned int count)
{
	struct channel *channel = run->pair->channel;
	unsigned long asked = atomic_load_explicit(&channel->asked, memory_order_relaxed);
	unsigned int i;

	atomic_store_explicit(&channel->asked, asked + count, memory_order_release);
	for (i = 1; i <= count; i++) {
		struct message message = { .length = run->length };

		if (!run->method->streams && !wait_until(run->pair, &channel->sent, asked + i))
			return false;
		if (!get_message(run, &message))
			return false;
	}
	if (!wait_until(run->pair, &channel->sent, asked + count))
		return false;
	errno = channel->error;
	return !errno;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Seconds for a message, or negative. */
static double time_message(struct run *run, unsigned int window)
{
	double attempts[ATTEMPTS], begun, elapsed;
	unsigned long rounds, i;
	int attempt;

	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		for (rounds = 1;; rounds *= 2) {
			begun = now();
			for (i = 0; i < rounds; i++)
				if (!get_messages(run, window))
					return -1;
			elapsed = now() - begun;
			if (elapsed * ATTEMPTS >= options.seconds)
				break;
		}
		attempts[attempt] = elapsed / rounds / window;
	}
	qsort(attempts, ATTEMPTS, sizeof(*attempts), compare_doubles);
	return attempts[ATTEMPTS / 2];
}

/* That what arrives is what the sender has. */
static bool check_message(struct run *run)
{
	struct message message = { .length = run->length };
	const char *expected;

	if (run->method->choose)
		run->method->choose(run->pair, run->number, &message);
	expected = run->pair->shared + message.offset;
	memset(run->pair->buffer, 0xa5, run->length);
	run->total = 0;
	if (!get_messages(run, 1))
		return false;
	if (run->use == USE_IN_PLACE ? run->total != sum(expected, run->length) :
				       memcmp(run->pair->buffer, expected, run->length)) {
		errno = EILSEQ;
		return false;
	}
	return true;
}

static bool measure_run(struct run *run, struct result *result)
{
	size_t window = WINDOW_BYTES / run->length;
	struct message message = { .length = run->length };
	double latency, message_time;

	if (run->method->choose && !run->method->choose(run->pair, 0, &message))
		return true;
	window = window > WINDOW ? WINDOW : window ? window : 1;
	if (!check_message(run))
		return false;
	method_cache_hits();
	latency = time_message(run, 1);
	message_time = latency < 0 ? -1 : time_message(run, window);
	if (message_time < 0)
		return false;
	sink += run->total;
	*result = (struct result){
		.measured = true,
		.latency = latency,
		.bandwidth = run->length / message_time,
		.cache_hits = method_cache_hits(),
	};
	return true;
}

static void measure_method(struct pair *pair, unsigned int number, struct results *results)
{
	struct run run = { .pair = pair, .method = &methods[number] };
	char *missing = results->missing[number];
	enum use use;
	unsigned int i;
	char text[32];

	if (run.method->uses_xpmem && pair->channel->segment <= 0) {
		snprintf(missing, sizeof(results->missing[number]), "%s",
			 strerror(-pair->channel->segment));
		return;
	}
	pair->channel->method = number;
	pair->channel->error = 0;
	errno = 0;
	if (run.method->begin && !run.method->begin(pair)) {
		snprintf(missing, sizeof(results->missing[number]), "%s", strerror(errno));
		return;
	}
	for (i = 0; i < options.size_count; i++) {
		run.length = pair->channel->message.length = options.sizes[i];
		format_size(run.length, text, sizeof(text));
		for (use = 0; use < USE_COUNT; use++) {
			run.use = use;
			run.number = 0;
			progress("%s, %s, %s", run.method->what, text,
				 use == USE_COPY ? "copied" : "in place");
			if (!measure_run(&run, &results->of[number][use][i])) {
				snprintf(missing, sizeof(results->missing[number]), "%s at %s",
					 errno == EILSEQ ? "wrong data" : strerror(errno), text);
				return;
			}
		}
	}
}

static void fail(const char *what)
{
	complain("%s: %s", what, strerror(errno));
	exit(1);
}

static void *map(size_t length, int flags)
{
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
			    MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	if (memory == MAP_FAILED)
		fail("no memory");
	if (options.huge_pages)
		madvise(memory, length, MADV_HUGEPAGE);
	return memory;
}

/* Every 8 bytes are others. */
static void fill(char *memory, size_t length)
{
	uint64_t word = 1;
	size_t i;

	for (i = 0; i + sizeof(word) <= length; i += sizeof(word)) {
		/* the multiplier of Knuth's MMIX generator */
		word = word * 6364136223846793005u + 1442695040888963407u;
		memcpy(memory + i, &word, sizeof(word));
	}
}

static void stay_on(int processor)
{
	cpu_set_t set;

	if (processor < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		complain("processor %d: %s", processor, strerror(errno));
		exit(1);
	}
}

static void prepare(struct pair *pair)
{
	size_t length = (size_t)64 * 1024 * 1024;
	cpu_set_t set;
	unsigned int i;

	for (i = 0; i < options.size_count; i++)
		length = options.sizes[i] > length ? options.sizes[i] : length;
	pair->page_size = sysconf(_SC_PAGESIZE);
	pair->length = (length + pair->page_size - 1) & ~(pair->page_size - 1);
	if (sched_getaffinity(0, sizeof(set), &set))
		fail("processors");
	pair->spins = options.processors[0] >= 0 ? options.processors[0] != options.processors[1] :
						   CPU_COUNT(&set) > 1;
	pair->channel = map(sizeof(*pair->channel), MAP_SHARED);
	pair->memory = map(pair->length, MAP_PRIVATE);
	pair->shared = map(pair->length, MAP_SHARED);
	pair->buffer = map(pair->length, MAP_PRIVATE);
	fill(pair->shared, pair->length);
	memset(pair->buffer, 0, pair->length);
	if (pipe(pair->pipe))
		fail("pipe");
	signal(SIGPIPE, SIG_IGN);
	pair->receiver = getpid();
}

static void start_sender(struct pair *pair)
{
	struct channel *channel = pair->channel;

	pair->sender = fork();
	if (pair->sender < 0)
		fail("fork");
	if (pair->sender == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != pair->receiver)
			_exit(1);
		close(pair->pipe[0]);
		stay_on(options.processors[1]);
		memcpy(pair->memory, pair->shared, pair->length);
		channel->segment =
			xpmem_make(pair->memory, pair->length, XPMEM_PERMIT_MODE, (void *)0600);
		if (channel->segment <= 0)
			channel->segment = -errno;
		atomic_store_explicit(&channel->ready, 1, memory_order_release);
		send_messages(pair);
	}
	close(pair->pipe[1]);
	stay_on(options.processors[0]);
}

/* Measures all that the options say. Ends the program if two processes cannot be had. */
void measure(struct results *results)
{
	static struct pair pair;
	unsigned int number;

	prepare(&pair);
	results->xpmem_version = xpmem_version();
	start_sender(&pair);
	if (!wait_until(&pair, &pair.channel->ready, 1))
		fail("the sender");
	for (number = 0; number < method_count; number++)
		if (options.methods[number])
			measure_method(&pair, number, results);
	pair.channel->ended = true;
	atomic_fetch_add(&pair.channel->asked, 1);
	waitpid(pair.sender, NULL, 0);
}
