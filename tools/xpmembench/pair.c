// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pairs of processes. In each pair, the first process receives what the second sends. If the pair
 * is bidirectional, the second receives as well, and a thread of each process sends.
 *
 * The first process of the first pair is the program itself. It starts the first processes of the
 * others, and each of these starts its second. A process ends when the one that started it ends.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xpmembench.h"

/* In every process, and of every process the same until it forks. */
static struct pairs {
	const struct plan *plan;
	struct results *results;
	void (*receive)(const struct member *member, struct results *results);
	struct crew *crew;
	struct pair of[MEMBERS_MAX];	/* the directions back come after the others */
	bool spins;
} pairs;

static void relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Leaves the child for others to find. */
static bool has_ended(pid_t child)
{
	siginfo_t ended = { .si_pid = 0 };

	return waitid(P_PID, child, &ended, WEXITED | WNOHANG | WNOWAIT) || ended.si_pid;
}

/*
 * Yields the processor at times. Returns false, with errno set, if the sender ended, or in the
 * sender if the receiver takes no more.
 */
bool pair_wait(const struct pair *pair, const atomic_ulong *counter, unsigned long value)
{
	unsigned long spins = 0, limit = pair->spins ? SPINS : 1;

	while (atomic_load_explicit(counter, memory_order_acquire) < value) {
		if (pair->sends && pair->channel->abandoned) {
			errno = ECANCELED;
			return false;
		}
		if (++spins < limit) {
			relax();
			continue;
		}
		sched_yield();
		/* The sender ends by itself when the receiver ends. */
		if (spins % YIELDS == 0 && pair->child && has_ended(pair->child)) {
			errno = ESRCH;
			return false;
		}
	}
	return true;
}

static void send_asked(struct pair *pair, unsigned long *sent)
{
	struct channel *channel = pair->channel;
	const struct method *method = &methods[channel->method];
	unsigned long asked = atomic_load_explicit(&channel->asked, memory_order_acquire);
	unsigned long made = channel->made;

	while (*sent < asked) {
		if (method->send && !method->send(pair, &channel->message))
			channel->error = errno ? errno : EIO;
		atomic_store_explicit(&channel->sent, ++*sent, memory_order_release);
	}
	for (; method->finish && made < channel->made; made++) {
		if (!method->finish(pair))
			channel->error = errno ? errno : EIO;
		atomic_fetch_add_explicit(&channel->finished, 1, memory_order_release);
	}
}

static void send_messages(struct pair *pair)
{
	struct channel *channel = pair->channel;
	unsigned long sent = 0;

	memcpy(pair->memory, pair->shared, pair->length);
	channel->segment = xpmem_make(pair->memory, pair->length, XPMEM_PERMIT_MODE, (void *)0600);
	if (channel->segment <= 0)
		channel->segment = -errno;
	environment_place(&channel->placement, pair->memory);
	atomic_store_explicit(&channel->ready, 1, memory_order_release);
	for (;;) {
		/* While the receiver abandons messages, it asks for none; it may end after that. */
		if (!pair_wait(pair, &channel->asked, sent + 1)) {
			sched_yield();
			continue;
		}
		if (channel->ended)
			return;
		send_asked(pair, &sent);
	}
}

static void *send_in_thread(void *pair)
{
	send_messages(pair);
	return NULL;
}

static _Noreturn void fail(const char *what)
{
	complain("%s: %s", what, strerror(errno));
	_exit(STATUS_FAILURE);
}

static void *map(size_t length, int flags)
{
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
			    MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);

	if (memory == MAP_FAILED)
		fail("cannot map memory; lower --sizes or --pairs, or raise ulimit -v");
	if (pairs.plan->huge_pages)
		madvise(memory, length, MADV_HUGEPAGE);
	return memory;
}

/* Every 8 bytes are others, and those of each pair and direction too. */
static void fill(char *memory, size_t length, unsigned int number)
{
	uint64_t word = number + 1;
	size_t i;

	for (i = 0; i + sizeof(word) <= length; i += sizeof(word)) {
		word = next_random(word);
		memcpy(memory + i, &word, sizeof(word));
	}
}

static void stay_on(unsigned int number)
{
	cpu_set_t set;

	if (!pairs.plan->processor_count)
		return;
	CPU_ZERO(&set);
	CPU_SET(pairs.plan->processors[number], &set);
	if (!sched_setaffinity(0, sizeof(set), &set))
		return;
	complain("processor %d: %s; --processors takes those that this prints: taskset -cp $$",
		 pairs.plan->processors[number], strerror(errno));
	_exit(STATUS_FAILURE);
}

/* Ends the program if it may not use a processor, before others wait for a process that ends. */
static void try_processors(void)
{
	unsigned int number;
	cpu_set_t own;

	if (sched_getaffinity(0, sizeof(own), &own))
		fail("cannot read on which processors this program may run");
	for (number = 0; number < pairs.plan->processor_count; number++)
		stay_on(number);
	if (sched_setaffinity(0, sizeof(own), &own))
		fail("cannot return to the processors of this program");
}

/* The processors of this program are enough for all that run at once. */
static bool have_processors(const struct plan *plan)
{
	unsigned int i, j, tasks = 2 * plan_members(plan);
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		fail("cannot read on which processors this program may run");
	if (!plan->processor_count)
		return (unsigned int)CPU_COUNT(&set) >= tasks;
	for (i = 0; i < plan->processor_count; i++)
		for (j = 0; j < i; j++)
			if (plan->processors[i] == plan->processors[j])
				return false;
	return !plan->bidirectional;
}

unsigned int plan_members(const struct plan *plan)
{
	return plan->bidirectional ? 2 * plan->pairs : plan->pairs;
}

int plan_place(const struct plan *plan, size_t size)
{
	unsigned int i;

	for (i = 0; i < plan->size_count; i++)
		if (plan->sizes[i] == size)
			return i;
	return -1;
}

static size_t plan_length(const struct plan *plan)
{
	size_t page_size = sysconf(_SC_PAGESIZE);

	return (method_memory(plan) + page_size - 1) & ~(page_size - 1);
}

/*
 * The sender's memory, its shared copy and the receiver's buffer; page tables map them, the shared
 * copy twice and the sender's memory also in the receiver.
 */
size_t plan_need(const struct plan *plan)
{
	size_t length = plan_length(plan), members = plan_members(plan);
	size_t tables = 5 * length / sysconf(_SC_PAGESIZE) * sizeof(void *);

	return members * (3 * length + tables + sizeof(struct channel)) + crew_size(members);
}

/* Prepares the memory and the pipe of a direction, which both processes have after the fork. */
static void prepare_direction(unsigned int number)
{
	struct pair *pair = &pairs.of[number];

	pair->page_size = sysconf(_SC_PAGESIZE);
	pair->length = plan_length(pairs.plan);
	pair->spins = pairs.spins;
	pair->memory = map(pair->length, MAP_PRIVATE);
	pair->shared = map(pair->length, MAP_SHARED);
	pair->buffer = map(pair->length, MAP_PRIVATE);
	fill(pair->shared, pair->length, number);
	if (pipe(pair->pipe))
		fail("cannot make a pipe");
}

static void receive(unsigned int number)
{
	struct pair *pair = &pairs.of[number];
	struct member member = { .crew = pairs.crew, .pair = pair, .number = number };

	memset(pair->buffer, 0, pair->length);
	if (!pair_wait(pair, &pair->channel->ready, 1))
		fail("the sending process ended");
	pairs.receive(&member, pairs.results);
	pair->channel->ended = true;
	atomic_fetch_add(&pair->channel->asked, 1);
}

static void begin_sending(unsigned int number, pthread_t *thread)
{
	pairs.of[number].sends = true;
	close(pairs.of[number].pipe[0]);
	errno = pthread_create(thread, NULL, send_in_thread, &pairs.of[number]);
	if (errno)
		fail("cannot start a thread");
}

static _Noreturn void run_second(unsigned int number, pid_t first)
{
	struct pair *forth = &pairs.of[number], *back = forth + pairs.plan->pairs;
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != first)
		_exit(STATUS_FAILURE);
	stay_on(2 * number + 1);
	forth->child = 0;
	begin_sending(number, &thread);
	if (pairs.plan->bidirectional) {
		back->sender = first;
		back->receiver = getpid();
		close(back->pipe[1]);
		receive(back - pairs.of);
	}
	pthread_join(thread, NULL);
	_exit(STATUS_OK);
}

static void run_pair(unsigned int number)
{
	struct pair *forth = &pairs.of[number], *back = forth + pairs.plan->pairs;
	pid_t first = getpid(), second;
	pthread_t thread = 0;

	prepare_direction(number);
	if (pairs.plan->bidirectional)
		prepare_direction(number + pairs.plan->pairs);
	forth->receiver = first;
	second = fork();
	if (second < 0)
		fail("cannot start a process");
	if (!second)
		run_second(number, first);
	/* Yama lets only an ancestor reach into another process, unless that one agrees. */
	prctl(PR_SET_PTRACER, second, 0, 0, 0);
	forth->sender = forth->child = second;
	close(forth->pipe[1]);
	stay_on(2 * number);
	if (pairs.plan->bidirectional) {
		back->receiver = second;
		begin_sending(back - pairs.of, &thread);
	}
	receive(number);
	if (pairs.plan->bidirectional)
		pthread_join(thread, NULL);
	waitpid(second, NULL, 0);
}

static void start_others(void)
{
	pid_t program = getpid(), started;
	unsigned int number;

	for (number = 1; number < pairs.plan->pairs; number++) {
		started = fork();
		if (started < 0)
			fail("cannot start a process");
		if (started)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != program)
			_exit(STATUS_FAILURE);
		run_pair(number);
		_exit(STATUS_OK);
	}
}

void pairs_run(struct results *results,
	       void (*receiver)(const struct member *member, struct results *results))
{
	struct environment *environment = &results->environment;
	unsigned int number, members = plan_members(&results->plan);

	pairs.plan = &results->plan;
	pairs.results = results;
	pairs.receive = receiver;
	try_processors();
	pairs.spins = have_processors(pairs.plan);
	pairs.crew = map(crew_size(members), MAP_SHARED);
	pairs.crew->members = members;
	pairs.crew->spins = pairs.spins;
	for (number = 0; number < members; number++)
		pairs.of[number].channel = map(sizeof(struct channel), MAP_SHARED);
	signal(SIGPIPE, SIG_IGN);
	start_others();
	run_pair(0);
	while (wait(NULL) > 0)
		;
	environment->placement_count = members;
	for (number = 0; number < members; number++)
		environment->placements[number] = pairs.of[number].channel->placement;
}
