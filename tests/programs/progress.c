/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An instruction that reads and writes a page of the exporter ends after few faults. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"

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
	struct peer *attacher = peer_start();
	long segid = export_range(page, PAGE), address, took;

	address = CHECK_OK(on(attacher, do_attach_segment, segid, 0, PAGE));

	left = alarm(INSTRUCTION_LIMIT);
	printf("%s\n", instruction_names[instruction]);
	took = on(attacher, do_execute, address, instruction);
	alarm(left);
	printf("%ld faults\n", took);
	CHECK(took <= MOST_FAULTS);
	CHECK_EQ(((int *)page)[0], after);
	if (instruction == MOVE)
		CHECK_EQ(((int *)page)[1], before);
	peer_end(attacher, 0);
}

static struct peer *child;

/* Tries each instruction on a page of its own, which a function prepares. */
static void check_instructions(void (*prepare)(void), int before)
{
	int i;

	CHECK_OK(device_open());
	for (i = 0; i < INSTRUCTIONS; i++) {
		page = map_anonymous(PAGE);
		prepare();
		check_instruction(i, before);
		if (child)
			peer_end(child, 0);
		child = NULL;
	}
}

static void leave_untouched(void)
{
}

static void read_zeros(void)
{
	CHECK_EQ(load(page), 0);
}

static void share_by_fork(void)
{
	CHECK_OK(store(page, 1));
	child = peer_fork();
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

/* The exporter shares the page with a child, so its entry is read-only. */
CASE(page_shared_by_fork)
{
	check_instructions(share_by_fork, 1);
}

CASE(page_never_touched)
{
	check_instructions(leave_untouched, 0);
}

/* The exporter has read the page, so its entry maps the page of zeros. */
CASE(page_of_zeros)
{
	check_instructions(read_zeros, 0);
}

/* The kernel makes the exporter's entries read-only, to see which pages it writes from then on. */
CASE(page_of_soft_dirty_tracking)
{
	check_instructions(track, 1);
}

/* Another attachment has read the page before. */
CASE(page_read_before)
{
	check_instructions(share_and_read_before, 1);
}
