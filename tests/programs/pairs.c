/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs pairs of operations against each other:
 *
 *	pairs SECONDS [SEED [FIRST SECOND]]
 *	pairs --list
 *
 * An exporter, an attacher and this process, the keeper, go through rounds. In each round two
 * operations run at the same time and aim at the same pages, while a thread of the attacher touches
 * these pages. Then the operations have ended, and each side must see what the other writes. The
 * seed gives the order of the pairs and all choices within a round. The invariants are:
 *
 *  - A page holds a stamp of its own or zero. The attacher neither sees nor changes memory that is
 *    not exported.
 *  - After a call that ends the segment or the permit has returned, every touch raises a signal.
 *  - Every process ends after SIGKILL, and uses little processor time until then.
 *  - Nothing of the module is in use at the end.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "pairs.h"
#include "sweep.h"

#define STILL 60		/* seconds in a phase that count as a hang */
#define DEATH_COST 2.0		/* seconds of processor time of a process that was killed */

struct stage *stage;
int shared_file, hugetlb_file, direct_file = -1;

static const char *names[2];	/* of the pair */
static unsigned int first_seed;
static enum side self = OUTSIDE;

long page_offset(int page)
{
	static const long offsets[] = {
		[PRIVATE_PART] = PRIVATE_OFFSET, [SHARED_PART] = SHARED_OFFSET, [HUGE_PART] = 0,
		[HUGETLB_PART] = HUGETLB_OFFSET,
	};

	return offsets[page / PART_PAGES] + page % PART_PAGES * PAGE;
}

long stamp(int page, unsigned int *seed)
{
	return (page + 1L) << 32 | (rand_r(seed) & 0x7fffffff);
}

bool legal(int page, long value)
{
	return !value || value >> 32 == page + 1;
}

static bool is_signal(long value)
{
	return value == GOT_SIGBUS || value == GOT_SIGSEGV;
}

/* What the processes do in a phase. */

static void *run_operation(void *number)
{
	const struct operation *chosen = &operations[stage->operations[(long)number]];
	unsigned int seed = stage->seed + (long)number;
	struct timespec delay = { 0, rand_r(&seed) % 200000 };

	stage->standing++;
	while (stage->standing < 3)
		sched_yield();
	if (rand_r(&seed) % 2)
		nanosleep(&delay, NULL);
	chosen->run(&stage->targets[(long)number], &seed);
	return NULL;
}

/* Runs the operations of this process, each in a thread of its own. */
static void run_operations(void)
{
	bool runs[2] = { false };
	pthread_t threads[2];
	long i;

	for (i = 0; i < 2; i++)
		if (operations[stage->operations[i]].side == self)
			runs[i] = !pthread_create(&threads[i], NULL, run_operation, (void *)i);
	for (i = 0; i < 2; i++)
		if (runs[i])
			CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void map_region(void)
{
	long address = REGION + SHARED_OFFSET;

	/* The previous exporter may have died while it truncated the file. */
	CHECK_OK(answer(ftruncate(shared_file, PART_PAGES * PAGE)));
	map_over(REGION, REGION_LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (kernel_has_huge_pages())
		use_huge_pages(REGION, HUGE_PAGE);
	map_over(address, PART_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, shared_file);
	map_over(REGION + HUGETLB_OFFSET, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		 hugetlb_file);
	secrets_create();
}

static void prepare_export(void)
{
	static long last;

	if (device < 0)
		CHECK_OK(device_open());
	if (stage->segid > 0)
		return;
	(void)REMOVE(.segid = last);
	stage->segid = last = export_range(REGION, REGION_LENGTH);
}

/* Returns XPMEM_ATTACH_PINNABLE in half of the rounds, if the kernel has it. */
static unsigned int pinnable_by_chance(void)
{
	return device_has(XPMEM_FEATURE_PINNABLE) && stage->seed % 2 ? XPMEM_ATTACH_PINNABLE : 0;
}

static void prepare_attachment(void)
{
	static long last;

	if (device < 0)
		CHECK_OK(device_open());
	if (!stage->view_changed && stage->apid > 0)
		return;
	stage->view_changed = false;
	if (stage->apid <= 0) {
		(void)RELEASE(.apid = last);
		stage->apid = last = CHECK_OK(GET(.segid = stage->segid, .flags = XPMEM_GET_RDWR));
	}
	unmap(VIEW, REGION_LENGTH);
	unmap(VIEW_MOVED, REGION_LENGTH);
	CHECK_EQ(ATTACH(.apid = stage->apid, .length = REGION_LENGTH, .vaddr = VIEW,
			.flags = XPMEM_ATTACH_FIXED | pinnable_by_chance()),
		 VIEW);
}

static atomic_bool touching;

/* Maps what the operations are aimed at before they begin. */
static void touch_targets(void)
{
	long i, offset;

	for (i = 0; i < 2; i++)
		for (offset = 0; offset < stage->targets[i].length; offset += PAGE)
			(void)load(VIEW + stage->targets[i].offset + offset);
	stage->standing++;
}

/* Touches pages as long as the operations run. */
static void *touch(void *nothing)
{
	int round = 0;
	unsigned int seed = first_seed;
	bool ended, store_it;
	long value;
	int page;

	for (;;) {
		touching = true;
		if (stage->phase != RUN) {
			touching = false;
			usleep(100);
			continue;
		}
		if (round != stage->round) {
			round = stage->round;
			touch_targets();
		}
		store_it = rand_r(&seed) % 3 == 0;
		/* In every other round nothing else is mapped, if the attachment is new. */
		page = stage->targets[rand_r(&seed) % 2].page;
		if (round % 2 && rand_r(&seed) % 4 == 0)
			page = rand_r(&seed) % PAGES;
		ended = stage->ended;
		value = store_it ? store(VIEW + page_offset(page), stamp(page, &seed))
				 : load(VIEW + page_offset(page));
		stage->touches++;
		if (is_signal(value))
			stage->signals++;
		else if (ended)
			FAIL("page %d was reached after the end", page);
		else if (!store_it && !legal(page, value))
			FAIL("page %d holds %s", page, describe(value));
	}
	return nothing;
}

static void write_all(void)
{
	unsigned int seed = stage->seed;
	long address, value;
	int page;

	while (touching)
		usleep(50);
	if (!stage->ended && stage->view_changed)
		prepare_attachment();
	stage->written = !stage->ended;
	for (page = 0; page < PAGES; page++) {
		address = VIEW + page_offset(page);
		stage->values[page] = stamp(page, &seed);
		value = store(address, stage->values[page]);
		if (stage->ended && !is_signal(value))
			FAIL("page %d is reached after the end", page);
		if (!stage->ended && value)
			FAIL("page %d cannot be written: %s", page, describe(value));
	}
}

static void exchange_all(void)
{
	unsigned int seed = stage->seed + 1;
	long value;
	int page;

	secrets_check();
	for (page = 0; page < PAGES; page++) {
		value = load(REGION + page_offset(page));
		if (stage->written ? value != stage->values[page] : !legal(page, value))
			FAIL("the exporter has %s in page %d, and %s was written", describe(value),
			     page, describe(stage->values[page]));
		stage->values[page] = stamp(page, &seed);
		CHECK_OK(store(REGION + page_offset(page), stage->values[page]));
	}
}

static void read_all(void)
{
	long value;
	int page;

	for (page = 0; page < PAGES; page++) {
		value = load(VIEW + page_offset(page));
		if (stage->ended ? !is_signal(value) : value != stage->values[page])
			FAIL("the attacher has %s in page %d, and %s was written%s",
			     describe(value), page, describe(stage->values[page]),
			     stage->ended ? " after the end" : "");
	}
}

static void act(int phase)
{
	if (phase == RUN)
		run_operations();
	else if (phase == PREPARE && self == EXPORTER)
		prepare_export();
	else if (phase == ATTACH && self == ATTACHER)
		prepare_attachment();
	else if (phase == WRITE && self == ATTACHER)
		write_all();
	else if (phase == EXCHANGE && self == EXPORTER)
		exchange_all();
	else if (phase == READ && self == ATTACHER)
		read_all();
}

static void __attribute__((noreturn)) serve(enum side side, int turn)
{
	pthread_t thread;

	self = side;
	if (side == EXPORTER)
		map_region();
	else
		CHECK_EQ(pthread_create(&thread, NULL, touch, NULL), 0);
	for (;;) {
		while (stage->turn == turn)
			usleep(50);
		turn = stage->turn;
		if (stage->phase == STOP)
			_exit(EXIT_SUCCESS);
		act(stage->phase);
		stage->arrived[side] = turn;
	}
}

/* What the keeper does. */

static bool may_end[SIDES];

static double processor_time(pid_t pid)
{
	struct timespec time;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &time))
		return 0;
	return time.tv_sec + time.tv_nsec * 1e-9;
}

static void check_death(enum side side, int status, double cost)
{
	static const char *const side_names[] = { "exporter", "attacher" };

	if (WIFEXITED(status) ? WEXITSTATUS(status) != 0 : WTERMSIG(status) != SIGKILL)
		FAIL("%s against %s, seed %u: the %s ended with status %#x", names[0], names[1],
		     first_seed, side_names[side], status);
	if (!may_end[side])
		FAIL("%s against %s, seed %u: the %s is gone", names[0], names[1], first_seed,
		     side_names[side]);
	if (cost > DEATH_COST * slowness())
		FAIL("%s against %s, seed %u: the death of the %s cost %.1f s", names[0], names[1],
		     first_seed, side_names[side], cost);
}

/* Reaps a process that has ended. Returns whether it is alive. */
static bool is_there(enum side side)
{
	static double last_seen[SIDES];
	struct rusage usage;
	double used;
	int status;

	if (!stage->pids[side])
		return false;
	if (wait4(stage->pids[side], &status, WNOHANG, &usage) != stage->pids[side]) {
		last_seen[side] = processor_time(stage->pids[side]);
		return true;
	}
	used = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
	check_death(side, status, used - last_seen[side]);
	stage->pids[side] = 0;
	return false;
}

static void say_who_hangs(void)
{
	int side;

	for (side = EXPORTER; side <= ATTACHER; side++)
		if (stage->pids[side])
			print_kernel_stacks(stage->pids[side]);
	FAIL("%s against %s are stuck in phase %d, seed %u", names[0], names[1], stage->phase,
	     first_seed);
}

/* Whether a process has completed the phase or has ended. */
static bool is_through(enum side side)
{
	return !is_there(side) || stage->arrived[side] == stage->turn;
}

/* Has all processes complete a phase. */
static void go_through(enum phase phase)
{
	double end = now() + STILL * slowness();

	stage->standing = 0;
	stage->phase = phase;
	stage->turn++;
	if (phase == RUN)
		run_operations();
	while (!is_through(EXPORTER) || !is_through(ATTACHER)) {
		if (now() > end)
			say_who_hangs();
		usleep(50);
	}
	stage->phase = REST;
}

static void await_end(enum side side)
{
	double end = now() + STILL * slowness();

	while (is_there(side)) {
		if (now() > end)
			say_who_hangs();
		usleep(100);
	}
}

static void start(enum side side)
{
	pid_t child;
	int turn;

	if (is_there(side))
		return;
	turn = stage->turn;
	child = CHECK_OK(answer(fork_bound()));
	if (!child)
		serve(side, turn);
	stage->pids[side] = child;
	may_end[side] = false;
}

static void aim(unsigned int *seed)
{
	const struct operation *one = &operations[stage->operations[0]];
	const struct operation *other = &operations[stage->operations[1]];
	unsigned int common = one->parts & other->parts, parts;
	int first = rand_r(seed) % PART_PAGES, count = 1 + rand_r(seed) % 4;
	bool all = rand_r(seed) % 2;
	int i, part = rand_r(seed) % PARTS;

	if (all) {
		first = 0;
		count = PART_PAGES;
	} else if (first + count > PART_PAGES) {
		count = PART_PAGES - first;
	}
	for (i = 0; i < 2; i++) {
		parts = common ? common : (i ? other : one)->parts;
		for (; !(parts & 1U << part); part = (part + 1) % PARTS)
			;
		stage->targets[i].page = part * PART_PAGES + first;
		stage->targets[i].offset = page_offset(stage->targets[i].page);
		stage->targets[i].length = count * PAGE;
	}
	stage->close_is_end = one->side != other->side && !one->forks && !other->forks;
}

/* Replaces processes and objects that have ended. */
static void make_whole(void)
{
	if (stage->ended || !is_there(EXPORTER))
		stage->segid = stage->apid = 0;
	if (!is_there(ATTACHER))
		stage->apid = 0;
	stage->ended = false;
	start(EXPORTER);
	start(ATTACHER);
	if (!stage->segid)
		go_through(PREPARE);
	if (!stage->apid)
		go_through(ATTACH);
}

/* The segments end with the exporter's mm, which other tasks may keep for a moment. */
static void await_end_of_export(void)
{
	double end = now() + STILL * slowness();

	await_end(EXPORTER);
	while (sweep_stat(XPMEM_A_STATS_SEGMENTS)) {
		if (now() > end)
			FAIL("%s against %s, seed %u: segments are left", names[0], names[1],
			     first_seed);
		usleep(1000);
	}
	stage->ended = true;
}

static void run_round(unsigned int *seed)
{
	int i;

	make_whole();
	stage->seed = rand_r(seed);
	aim(seed);
	for (i = 0; i < 2; i++) {
		may_end[EXPORTER] |= operations[stage->operations[i]].ends_exporter;
		may_end[ATTACHER] |= operations[stage->operations[i]].ends_attacher;
	}
	stage->closed = stage->written = false;
	stage->round++;
	go_through(RUN);
	if (may_end[EXPORTER])
		await_end_of_export();
	if (may_end[ATTACHER])
		await_end(ATTACHER);
	if (stage->closed)
		stage->ended = true;
	go_through(WRITE);
	go_through(EXCHANGE);
	go_through(READ);
}

static void choose(int first, int second)
{
	stage->operations[0] = first;
	stage->operations[1] = second;
	names[0] = operations[first].name;
	names[1] = operations[second].name;
}

/* Puts all pairs in random order. Returns their number. */
static int shuffle(int (*pairs)[2], unsigned int *seed)
{
	int count = 0, i, j, other, swap;

	for (i = 0; i < operation_count; i++)
		for (j = i; j < operation_count; j++) {
			other = rand_r(seed) % (count + 1);
			pairs[count][0] = pairs[other][0];
			pairs[count][1] = pairs[other][1];
			swap = rand_r(seed) % 2;
			pairs[other][0] = swap ? j : i;
			pairs[other][1] = swap ? i : j;
			count++;
		}
	return count;
}

static void stop_all(void)
{
	may_end[EXPORTER] = may_end[ATTACHER] = true;
	stage->phase = STOP;
	stage->turn++;
	await_end(EXPORTER);
	await_end(ATTACHER);
}

/* Returns a file of hugetlbfs, or of small pages where no huge one is free. */
static int create_hugetlb_file(void)
{
	int file = memfd_create("pairs", MFD_CLOEXEC | MFD_HUGETLB);
	void *mapped = MAP_FAILED;

	if (file >= 0 && !ftruncate(file, HUGE_PAGE))
		mapped = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (mapped != MAP_FAILED) {
		CHECK_OK(answer(munmap(mapped, HUGE_PAGE)));
		return file;
	}
	puts("no page of hugetlbfs is free");
	if (file >= 0)
		close(file);
	return memory_file(HUGE_PAGE);
}

static int create_direct_file(void)
{
	static long content[PAGE / sizeof(long)];
	unsigned int seed = first_seed;
	int file, page, flags;

	if (!getenv("XPMEM_TEST_DISK")) {
		puts("XPMEM_TEST_DISK names no file system");
		return -1;
	}
	file = temporary_file("pairs", 0);
	for (page = 0; page < PAGES; page++) {
		content[0] = stamp(page, &seed);
		CHECK_EQ(pwrite(file, content, PAGE, page * PAGE), PAGE);
	}
	CHECK_OK(answer(fsync(file)));
	flags = CHECK_OK(answer(fcntl(file, F_GETFL)));
	CHECK_OK(answer(fcntl(file, F_SETFL, flags | O_DIRECT)));
	return file;
}

static void keep(double seconds, unsigned int seed, int first, int second)
{
	static int pairs[64 * 65 / 2][2];
	double end = now() + seconds, next_line = now() + 10;
	int count = 1, tried = 0;
	long users = module_users();

	harness_start("pairs", 0);
	CHECK(operation_count <= 64);
	first_seed = seed;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	stage = (void *)map_file(memory_file(sizeof(*stage)), sizeof(*stage),
				 PROT_READ | PROT_WRITE, MAP_SHARED);
	shared_file = memory_file(PART_PAGES * PAGE);
	hugetlb_file = create_hugetlb_file();
	direct_file = create_direct_file();
	CHECK_EQ(sweep_stat(XPMEM_A_STATS_SEGMENTS), 0);
	if (first < 0)
		count = shuffle(pairs, &seed);
	for (; now() < end || !tried; tried++) {
		if (first < 0)
			choose(pairs[tried % count][0], pairs[tried % count][1]);
		else
			choose(first, second);
		run_round(&seed);
		if (now() >= next_line) {
			next_line += 10;
			printf("%.0f s left: %d of %d pairs\n", end - now(), tried, count);
		}
	}
	stop_all();
	if (!module_users_fall_to(users, STILL))
		FAIL("the module has %ld users, and had %ld", module_users(), users);
	printf("pairs: seed %u: %d of %d pairs, %ld touches, %ld signals, %ld ends by calls\n",
	       first_seed, tried < count ? tried : count, count, (long)stage->touches,
	       (long)stage->signals, (long)stage->endings);
	harness_end();
}

static int operation_named(const char *name)
{
	int i;

	for (i = 0; i < operation_count; i++)
		if (!strcmp(operations[i].name, name))
			return i;
	fprintf(stderr, "no operation is named %s; see --list\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	int i;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (i = 0; i < operation_count; i++)
			puts(operations[i].name);
		return 0;
	}
	if (argc < 2 || argc == 4 || argc > 5 || atoi(argv[1]) <= 0) {
		fprintf(stderr, "usage: %s SECONDS [SEED [FIRST SECOND]]\n", argv[0]);
		return 2;
	}
	keep(atoi(argv[1]), argc > 2 ? strtoul(argv[2], NULL, 10) : (unsigned long)time(NULL),
	     argc > 3 ? operation_named(argv[3]) : -1, argc > 3 ? operation_named(argv[4]) : -1);
}
