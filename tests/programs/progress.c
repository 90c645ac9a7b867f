/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An instruction that reads and writes a page of the exporter ends after few faults. */
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"
#include "merging.h"
#include "watching.h"

static struct peer *attacher;
static long page;

/* Operations that read a page and write it, some of them in one instruction. */
enum instruction { PLAIN, ATOMIC, COMPARE, ADD, LOCKED_ADD, MOVE, INSTRUCTIONS };

static const char *const instruction_names[] = {
	"plain", "atomic", "compare", "add", "locked add", "move"
};

static void execute(volatile int *word, enum instruction instruction)
{
	int value;

	switch (instruction) {
	case PLAIN:
		value = *word;
		*word = value + 1;
		break;
	case COMPARE:
		value = *word;
		while (!__atomic_compare_exchange_n(word, &value, value + 1, true, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
			;
		break;
#ifdef __x86_64__
	case ADD:
		__asm__ volatile("addl $1,(%0)" : : "r"(word) : "memory");
		break;
	case LOCKED_ADD:
		__asm__ volatile("lock addl $1,(%0)" : : "r"(word) : "memory");
		break;
	case MOVE: {
		volatile int *to = word + 1;

		__asm__ volatile("movsl" : "+S"(word), "+D"(to) : : "memory");
		break;
	}
#elif defined(__aarch64__)
	/* The compiler would use one instruction if the processor has it. */
	case ADD: {
		int failed;

		__asm__ volatile("1:	ldaxr	%w0, [%2]\n"
				 "	add	%w0, %w0, #1\n"
				 "	stlxr	%w1, %w0, [%2]\n"
				 "	cbnz	%w1, 1b"
				 : "=&r"(value), "=&r"(failed) : "r"(word) : "memory");
		break;
	}
#endif
#ifndef __x86_64__
	case MOVE:
		word[1] = word[0];
		break;
#endif
	default:
		__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
	}
}

static long faults(void)
{
	struct rusage usage;

	CHECK_OK(answer(getrusage(RUSAGE_SELF, &usage)));
	return usage.ru_minflt + usage.ru_majflt;
}

/* Returns the number of faults. */
static long do_execute(const long *address_instruction)
{
	long before;

	(void)faults();
	(void)now();
	before = faults();
	execute((volatile int *)address_instruction[0], address_instruction[1]);
	return faults() - before;
}

/* A read and a write fault for one instruction, each retried after a change. */
#define MOST_FAULTS 8
#define INSTRUCTION_LIMIT (8 * slowness())	/* seconds */

static void check_instruction(int instruction, int before)
{
	int after = instruction == MOVE ? before : before + 1, left;
	long segid = export_range(page, PAGE), took;
	long address = CHECK_OK(on(attacher, do_attach_segment, segid, 0, PAGE));

	left = alarm(INSTRUCTION_LIMIT);
	printf("%s\n", instruction_names[instruction]);
	took = on(attacher, do_execute, address, instruction);
	alarm(left);
	printf("%ld faults\n", took);
	CHECK(took <= MOST_FAULTS);
	CHECK_EQ(((int *)page)[0], after);
	if (instruction == MOVE)
		CHECK_EQ(((int *)page)[1], before);
}

static void do_nothing(void)
{
}

/*
 * Tries each instruction on a page of its own, between two functions: one prepares the page, the
 * other undoes that. The attacher begins before: it shares no page by its fork.
 */
static void check_instructions(void (*prepare)(void), void (*undo)(void), int before)
{
	int i;

	CHECK_OK(device_open());
	for (i = 0; i < INSTRUCTIONS; i++) {
		attacher = peer_start();
		page = map_anonymous(PAGE);
		prepare();
		check_instruction(i, before);
		undo();
		peer_end(attacher, 0);
	}
}

static void read_zeros(void)
{
	CHECK_EQ(load(page), 0);
}

static struct peer *child;

static void share_by_fork(void)
{
	CHECK_OK(store(page, 1));
	child = peer_fork();
}

static void end_child(void)
{
	peer_end(child, 0);
}

static void track(void)
{
	CHECK_OK(store(page, 1));
	if (write_file("/proc/self/clear_refs", "4") < 0)
		SKIP("this kernel has no soft-dirty tracking");
}

static void share_and_read_before(void)
{
	share_by_fork();
	CHECK_EQ(load(CHECK_OK(here(do_attach_segment, export_range(page, PAGE), 0, PAGE))), 1);
}

static long twin;

/* The other page stays merged: the kernel merges those that follow as soon as it finds them. */
static void merge(void)
{
	if (!twin) {
		twin = map_anonymous(PAGE);
		CHECK_OK(store(twin, 1));
		CHECK_OK(here(do_advise, twin, PAGE, MADV_MERGEABLE));
	}
	CHECK_OK(store(page, 1));
	CHECK_OK(here(do_advise, page, PAGE, MADV_MERGEABLE));
	start_merging();
	await_merged(page, twin);
	stop_merging();
}

static void check_separate(void)
{
	CHECK(!are_merged(page, twin));
	CHECK_EQ(load(twin), 1);
}

static pthread_t monitor;
static int lifted;

/* Lifts the protection once. A second fault would wait until the time limit. */
static void *lift_protection(void *unused)
{
	(void)unused;
	CHECK_EQ(next_fault(UFFD_PAGEFAULT_FLAG_WP), page);
	__atomic_store_n(&lifted, 1, __ATOMIC_SEQ_CST);
	protect_writes(page, false);
	return NULL;
}

static void protect_from_writes(void)
{
	CHECK_OK(store(page, 1));
	watch_writes(page, PAGE);
	protect_writes(page, true);
	lifted = 0;
	CHECK_EQ(pthread_create(&monitor, NULL, lift_protection, NULL), 0);
}

static void protect_shared_memory(void)
{
	map_over(page, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file(PAGE));
	protect_from_writes();
}

static void check_lifted(void)
{
	CHECK(__atomic_load_n(&lifted, __ATOMIC_SEQ_CST));
	pthread_join(monitor, NULL);
	close(watch_file);
}

/* The exporter shares the page with a child, so its entry is read-only. */
CASE(page_shared_by_fork)
{
	check_instructions(share_by_fork, end_child, 1);
}

CASE(page_never_touched)
{
	check_instructions(do_nothing, do_nothing, 0);
}

/* The exporter has read the page, so its entry maps the page of zeros. */
CASE(page_of_zeros)
{
	check_instructions(read_zeros, do_nothing, 0);
}

/* The kernel makes the exporter's entries read-only, to see which pages it writes from then on. */
CASE(page_of_soft_dirty_tracking)
{
	check_instructions(track, do_nothing, 1);
}

/* Another attachment has read the page before. */
CASE(page_read_before)
{
	check_instructions(share_and_read_before, end_child, 1);
}

/* The exporter's entry maps a page of the kernel, which other addresses share. */
CASE(page_merged)
{
	check_instructions(merge, check_separate, 1);
}

/* A thread of the exporter protects the page by userfaultfd, and lifts that when it is told. */
CASE(page_protected_by_userfaultfd)
{
	check_instructions(protect_from_writes, check_lifted, 1);
}

CASE(page_of_shared_memory_protected_by_userfaultfd)
{
	check_instructions(protect_shared_memory, check_lifted, 1);
}
