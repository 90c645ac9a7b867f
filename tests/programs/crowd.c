/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A crowd of processes that do everything to each other at once:
 *
 *	crowd SECONDS [PROCESSES [SEED]]
 *
 * Each member exports its whole address space and attaches parts of all others, itself among them,
 * with threads that touch, unmap, protect, move, advise, fork, attach anew and let go. The keeper
 * kills, stops and replaces members at random, watches that none of their threads stands still, and
 * that every killed one ends. A page of a member's arena may only hold what is written for that
 * page of that member, and each member's own words in the others' arenas may not go back.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"

#define MOST_MEMBERS 256
#define THREADS 3
#define PAGES 48
#define KEPT_PAGES 4		/* behind the others: their content is never given up */
#define LENGTH ((PAGES + KEPT_PAGES) * PAGE)
#define STARTS 4	/* at most, between two looks at all */
#define STILL 90		/* seconds after which a thread that did nothing hangs */

/*
 * what all know of all; a member that is replaced leaves what it wrote until its successor is there
 */
struct member {
	_Atomic pid_t pid;
	_Atomic long segid;	/* the whole address space */
	_Atomic long arena;
	_Atomic long life;	/* counts the successors */
	_Atomic long steps[THREADS];
	_Atomic long touched, refused, signals;
};

struct table {
	int count;
	struct member members[MOST_MEMBERS];
};

static struct table *table;
static int table_file, slot;
static struct member *self;

struct view {
	int of;
	long at, length, life;
	bool is_arena;	/* or something else that the other has */
};

static long value_for(int of, long page, unsigned int *seed)
{
	return ((of + 1L) * 1000 + page) << 32 | (rand_r(seed) & 0x7fffffff);
}

static bool legal(int of, long page, long value)
{
	return value == 0 || value == GOT_SIGBUS || value == GOT_SIGSEGV ||
	       value >> 32 == (of + 1L) * 1000 + page;
}

static void note(long value)
{
	if (value == GOT_SIGBUS || value == GOT_SIGSEGV)
		self->signals++;
	else
		self->touched++;
}

static void touch_arena(const struct view *view, long base, unsigned int *seed)
{
	long page = rand_r(seed) % PAGES, value;

	if (page * PAGE >= view->length)
		return;
	if (rand_r(seed) % 2)
		value = store(base + page * PAGE, value_for(view->of, page, seed));
	else
		value = load(base + page * PAGE);
	if (!legal(view->of, page, value))
		FAIL("page %ld of member %d holds %s", page, view->of, describe(value));
	note(value);
}

/*
 * The word of this thread in the kept pages of each arena, and what it last wrote there. A write is
 * not lost as long as the other lives; its successor begins with zeros.
 */
static __thread long written[MOST_MEMBERS], written_in_life[MOST_MEMBERS];

static void touch_kept(const struct view *view, int thread)
{
	long where = view->at + PAGES * PAGE + (slot * THREADS + thread) * 8, value;

	if (view->length < LENGTH)
		return;
	value = load(where);
	note(value);
	if (value == GOT_SIGBUS || value == GOT_SIGSEGV)
		return;
	if (written_in_life[view->of] == view->life && value != written[view->of])
		FAIL("the word in member %d is %s, and %ld was written", view->of, describe(value),
		     written[view->of]);
	if (store(where, value + 1))
		return;
	written[view->of] = value + 1;
	written_in_life[view->of] = view->life;
}

/* a few pages for a device, that nobody has; where the kernel has no dma-bufs there is none */
static void pin_some(long apid, long offset, unsigned int *seed)
{
	long page = rand_r(seed) % PAGES, count = 1 + rand_r(seed) % 4, descriptor;

	descriptor = DMABUF(.apid = apid, .offset = offset + page * PAGE, .length = count * PAGE);
	if (descriptor >= 0)
		close(descriptor);
}

/* attaches another's arena, or something else of all that it has */
static bool attach(struct view *view, unsigned int *seed)
{
	struct member *member;
	long apid, at, offset;

	view->of = rand_r(seed) % table->count;
	member = &table->members[view->of];
	view->life = member->life;
	view->is_arena = true;
	view->length = LENGTH;
	apid = GET(.segid = member->segid,
		   .flags = rand_r(seed) % 8 ? XPMEM_GET_RDWR : XPMEM_GET_RDONLY);
	if (apid < 0) {
		self->refused++;
		return false;
	}
	offset = member->arena;
	/* seldom: the kernel makes all processors put their pages in order first */
	if (rand_r(seed) % 64 == 0)
		pin_some(apid, offset, seed);
	if (rand_r(seed) % 4 == 0) {
		/*
		 * somewhere around code, heap, stack, libraries or attachments of its own: all lie
		 * alike in its kin
		 */
		const long near[] = { (long)&table,  (long)attach, (long)sbrk(0) - 16 * PAGE,
				      (long)&offset, (long)printf, view->at };

		offset = (near[rand_r(seed) % 6] + (rand_r(seed) % 64 - 32) * PAGE) & -PAGE;
		view->length = 32 * PAGE;
		view->is_arena = false;
	}
	at = ATTACH(.apid = apid, .offset = offset, .length = view->length,
		    .flags = rand_r(seed) % 3 ? 0 : XPMEM_ATTACH_POPULATE);
	if (at < 0) {
		self->refused++;
		(void)RELEASE(.apid = apid);
		return false;
	}
	view->at = at;
	/* the arena of another life may lie elsewhere */
	view->is_arena &= member->life == view->life;
	return true;
}

static void fork_one(const struct view *view, unsigned int *seed)
{
	pid_t child = fork_bound();
	long i;

	if (child < 0)
		return;
	if (!child) {
		for (i = 0; i < 8 && i * PAGE < view->length; i++)
			if (load(view->at + i * PAGE) != GOT_SIGSEGV)
				_exit(3);	/* a child has no attachment */
		(void)store(self->arena + rand_r(seed) % PAGES * PAGE, 0);
		if (rand_r(seed) % 2)
			execl("/proc/self/exe", "crowd", "--nothing", NULL);
		_exit(0);
	}
	if (rand_r(seed) % 8 == 0)
		kill(child, SIGKILL);
	CHECK_OK(wait_for_end(child, STILL));
}

/* for two milliseconds at most, unless somebody else's wake comes first */
static void wait_or_wake(long word, unsigned int *seed)
{
	struct timespec now;

	if (rand_r(seed) % 2) {
		(void)device_call(XPMEM_IOC_WAKE,
				  &SIZED(xpmem_ioc_wake, .vaddr = word, .count = 2));
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	(void)device_call(XPMEM_IOC_WAIT,
			  &SIZED(xpmem_ioc_wait, .vaddr = word, .expected = load(word) & 0xffffffff,
				 .deadline = now.tv_sec * 1000000000ULL + now.tv_nsec + 2000000));
}

/* what an attacher may do to its own mapping */
static void change_view(struct view *view, unsigned int *seed)
{
	long page = rand_r(seed) % (view->length / PAGE), bytes = view->length;
	void *at = (void *)view->at, *moved;

	switch (rand_r(seed) % 12) {
	case 0:
		(void)!munmap((char *)at + page * PAGE, PAGE);
		view->length = page * PAGE;
		break;
	case 1:
		(void)!mprotect(at, bytes, PROT_NONE);
		(void)!mprotect(at, bytes, PROT_READ);
		(void)!mprotect(at, bytes, PROT_READ | PROT_WRITE);
		break;
	case 2:
		moved = mremap(at, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
			       (char *)map_anonymous(bytes));
		if (moved != MAP_FAILED)
			view->at = (long)moved;
		break;
	case 3:
		(void)!madvise(at, bytes, MADV_DONTNEED);
		break;
	case 4:
		(void)!madvise(at, bytes, MADV_PAGEOUT);
		break;
	case 5:
		(void)!madvise(at, bytes, MADV_COLD);
		break;
	case 6:
		(void)!mlock(at, PAGE);
		(void)!munlock(at, PAGE);
		break;
	case 7:
		(void)!msync(at, bytes, MS_SYNC);
		break;
	case 8:
		if (rand_r(seed) % 4 == 0)
			fork_one(view, seed);
		break;
	case 9:
		wait_or_wake(view->at + page * PAGE, seed);
		break;
	default:
		return;
	}
}

/* what an exporter may do to what it exports, in the pages whose content may go */
static void change_arena(unsigned int *seed)
{
	long page = rand_r(seed) % PAGES, count = 1 + rand_r(seed) % 8, bytes, other;
	void *at = (void *)(self->arena + page * PAGE);

	bytes = (page + count > PAGES ? PAGES - page : count) * PAGE;
	switch (rand_r(seed) % 9) {
	case 0:
		(void)!munmap(at, bytes);
		/* fall through */
	case 1:
		map_over((long)at, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1);
		break;
	case 2:
		map_over((long)at, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_SHARED, -1);
		break;
	case 3:
		(void)!madvise(at, bytes, MADV_DONTNEED);
		break;
	case 4:
		(void)!mprotect(at, bytes, PROT_READ);
		(void)!mprotect(at, bytes, PROT_READ | PROT_WRITE);
		break;
	case 5:
		/* of everything, what is kept too: it must come back as it was */
		(void)!madvise((void *)self->arena, LENGTH, MADV_PAGEOUT);
		break;
	case 6:
		(void)!mprotect((void *)self->arena, LENGTH, PROT_READ);
		(void)!mprotect((void *)self->arena, LENGTH, PROT_READ | PROT_WRITE);
		break;
	case 7:
		other = map_anonymous(LENGTH);
		if (mremap((void *)(self->arena + PAGES * PAGE), KEPT_PAGES * PAGE,
			   KEPT_PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   (void *)other) != MAP_FAILED)
			CHECK(mremap((void *)other, KEPT_PAGES * PAGE, KEPT_PAGES * PAGE,
				     MREMAP_MAYMOVE | MREMAP_FIXED,
				     (void *)(self->arena + PAGES * PAGE)) != MAP_FAILED);
		unmap(other + KEPT_PAGES * PAGE, LENGTH - KEPT_PAGES * PAGE);
		break;
	default:
		(void)!madvise((void *)self->arena, LENGTH,
			       rand_r(seed) % 2 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	}
}

static void let_go(struct view *view, unsigned int *seed)
{
	if (rand_r(seed) % 3)
		(void)DETACH(.vaddr = view->at);
	else
		(void)!munmap((void *)view->at, view->length);
	view->at = 0;
}

/* everything that was made through this open file goes; the other threads see that too */
static void open_anew(void)
{
	int file = open("/dev/xpmem", O_RDWR | O_CLOEXEC);

	if (file < 0 || dup3(file, device, O_CLOEXEC) < 0)
		return;
	close(file);
	self->segid = MAKE(.length = XPMEM_LENGTH_MAX, .mode = 0600);
}

static void be_replaced_by_exec(unsigned int seed)
{
	char numbers[3][16];

	snprintf(numbers[0], sizeof(numbers[0]), "%d", table_file);
	snprintf(numbers[1], sizeof(numbers[1]), "%d", slot);
	snprintf(numbers[2], sizeof(numbers[2]), "%u", seed);
	execl("/proc/self/exe", "crowd", "--member", numbers[0], numbers[1], numbers[2], NULL);
	_exit(errno == ENOMEM ? 0 : 4);
}

struct thread {
	int number;
	unsigned int seed;
};

static void *live(void *thread_pointer)
{
	struct thread *thread = thread_pointer;
	unsigned int *seed = &thread->seed;
	struct view views[4] = { 0 }, *view;
	int chance, i;

	for (;;) {
		self->steps[thread->number]++;
		view = &views[rand_r(seed) % 4];
		if (!view->at && !attach(view, seed))
			continue;
		chance = rand_r(seed) % 1000;
		if (view->length < PAGE || chance < 30) {
			let_go(view, seed);
		} else if (chance < 130) {
			change_view(view, seed);
		} else if (chance < 230) {
			change_arena(seed);
		} else if (chance < 233) {
			open_anew();
		} else if (chance < 234) {
			be_replaced_by_exec(rand_r(seed));
		} else if (chance < 235) {
			_exit(0);
		} else if (view->is_arena) {
			for (i = 0; i < 10; i++)
				touch_arena(view, view->at, seed);
			touch_kept(view, thread->number);
		} else {
			note(load(view->at + rand_r(seed) % (view->length / PAGE) * PAGE));
			note(touch_for_writing(view->at +
					       rand_r(seed) % (view->length / PAGE) * PAGE));
		}
	}
	return NULL;
}

static void be_member(unsigned int seed)
{
	static struct thread threads[THREADS];
	pthread_t thread;
	int i;

	harness_start("member", 0);
	self = &table->members[slot];
	/* where memory is short, members die before their keeper */
	(void)write_file("/proc/self/oom_score_adj", "0");
	self->life++;
	CHECK_OK(device_open());
	self->arena = map_anonymous(LENGTH);
	self->segid = CHECK_OK(MAKE(.length = XPMEM_LENGTH_MAX, .mode = 0600));
	for (i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){ i, seed * THREADS + i };
		if (i && pthread_create(&thread, NULL, live, &threads[i]))
			_exit(0);
	}
	live(&threads[0]);
}

/* the keeper's own notes of each member */
static struct care {
	bool stopped;
	double killed;		/* when, or 0 */
	double moved;		/* when its threads were last seen to do something */
	long steps[THREADS];
} cares[MOST_MEMBERS];

static void start_member(int number, unsigned int seed)
{
	pid_t pid = fork_bound();

	if (pid < 0)
		return;
	if (!pid) {
		slot = number;
		be_replaced_by_exec(seed);
	}
	table->members[number].pid = pid;
	memset((void *)table->members[number].steps, 0, sizeof(table->members[number].steps));
	cares[number] = (struct care){ .moved = now() };
}

static int member_of(pid_t pid)
{
	int i;

	for (i = 0; i < table->count; i++)
		if (table->members[i].pid == pid)
			return i;
	return -1;
}

static long deaths;

/* whether any child is left */
static bool bury_the_dead(void)
{
	int status, number;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		number = member_of(pid);
		if (WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status) != SIGKILL)
			FAIL("%s %d ended with status %#x", number < 0 ? "an orphan," : "member",
			     pid, status);
		if (number < 0)
			continue;
		table->members[number].pid = 0;
		deaths++;
	}
	return pid == 0;
}

static void kill_member(int number)
{
	CHECK_OK(answer(kill(table->members[number].pid, SIGKILL)));
	if (!cares[number].killed)
		cares[number].killed = now();
}

static void look_after(int number)
{
	struct member *member = &table->members[number];
	struct care *care = &cares[number];
	bool moved = true;
	int i;

	for (i = 0; i < THREADS; i++) {
		moved &= member->steps[i] != care->steps[i];
		if (moved)
			care->steps[i] = member->steps[i];
	}
	if (moved || care->stopped)
		care->moved = now();
	if (care->killed && now() - care->killed > STILL) {
		print_kernel_stacks(member->pid);
		FAIL("member %d cannot be killed", number);
	}
	if (!care->killed && now() - care->moved > STILL) {
		print_kernel_stacks(member->pid);
		FAIL("a thread of member %d stands still", number);
	}
}

static void interfere(int number, unsigned int *seed)
{
	struct care *care = &cares[number];
	pid_t pid = table->members[number].pid;

	/* most have done something before they die */
	if (care->killed || (!table->members[number].steps[0] && rand_r(seed) % 8))
		return;
	switch (rand_r(seed) % 4) {
	case 0:
		kill_member(number);
		break;
	case 1:
		if (!kill(pid, SIGSTOP))
			care->stopped = true;
		break;
	default:
		if (care->stopped && !kill(pid, SIGCONT))
			care->stopped = false;
	}
}

static long total(size_t offset)
{
	long sum = 0;
	int i;

	for (i = 0; i < table->count; i++)
		sum += *(_Atomic long *)((char *)&table->members[i] + offset);
	return sum;
}

#define TOTAL(field) total(offsetof(struct member, field))

/* whether enough happened to prove something, however slow the machine is */
static bool has_proved(void)
{
	return TOTAL(touched) > 100 && deaths > 0;
}

static void end_all(void)
{
	double end = now() + STILL;
	int i;

	for (i = 0; i < table->count; i++)
		if (table->members[i].pid)
			kill_member(i);
	while (bury_the_dead()) {
		for (i = 0; i < table->count; i++)
			if (table->members[i].pid)
				look_after(i);
		CHECK(now() < end);
		usleep(10000);
	}
}

static void keep(double seconds, int count, unsigned int seed)
{
	double end = now() + seconds, next_line = now() + 10;
	long users = module_users();
	int i, started;

	harness_start("crowd", 0);
	printf("seed %u, %d members\n", seed, count);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)write_file("/proc/self/oom_score_adj", "-1000");
	table->count = count;
	while (now() < end || (!has_proved() && now() < end + STILL)) {
		bury_the_dead();
		for (i = started = 0; i < count; i++) {
			if (table->members[i].pid)
				look_after(i);
			else if (started++ < STARTS)
				start_member(i, rand_r(&seed));
		}
		i = rand_r(&seed) % count;
		if (table->members[i].pid)
			interfere(i, &seed);
		if (now() >= next_line) {
			next_line += 10;
			printf("%.0f s left: %ld touches, %ld signals, %ld refusals, %ld deaths\n",
			       end - now(), TOTAL(touched), TOTAL(signals), TOTAL(refused), deaths);
		}
		usleep(rand_r(&seed) % 100000);
	}
	end_all();
	if (!module_users_fall_to(users, STILL))
		FAIL("the module has %ld users, and had %ld", module_users(), users);
	printf("crowd: %ld touches, %ld signals, %ld refusals, %ld deaths, %ld lives\n",
	       TOTAL(touched), TOTAL(signals), TOTAL(refused), deaths, TOTAL(life));
	CHECK(has_proved());
	harness_end();
}

static void map_table(void)
{
	table = (void *)map_file(table_file, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--nothing"))
		return 0;
	if (argc == 5 && !strcmp(argv[1], "--member")) {
		table_file = atoi(argv[2]);
		slot = atoi(argv[3]);
		map_table();
		be_member(strtoul(argv[4], NULL, 10));
	}
	if (argc < 2 || argc > 4 || atoi(argv[1]) <= 0 ||
	    (argc > 2 && (atoi(argv[2]) < 1 || atoi(argv[2]) > MOST_MEMBERS))) {
		fprintf(stderr, "usage: %s SECONDS [PROCESSES [SEED]]\n", argv[0]);
		return 2;
	}
	table_file = memory_file(sizeof(*table));
	CHECK_OK(answer(fcntl(table_file, F_SETFD, 0)));
	map_table();
	keep(atoi(argv[1]), argc > 2 ? atoi(argv[2]) : 6,
	     argc > 3 ? strtoul(argv[3], NULL, 10) : (unsigned long)time(NULL));
}
