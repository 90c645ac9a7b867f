/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A test program holds named cases, and a run is one case: `coherence fork-exporter-writes`.
 * Exit status 0 passed, 1 failed, 77 skipped, each of the last two with its reason on stderr.
 * `--list` prints a line for each case, in the order of the source: its name, a tab, and its
 * description. A case that takes longer than its time limit fails. A suite in tests/bats runs all
 * cases of a program with `run_cases PROGRAM`.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifndef XPMEM_TEST_PAGE
#define XPMEM_TEST_PAGE 4096L
#endif
#define PAGE XPMEM_TEST_PAGE
#define MIB (1L << 20)
#define HUGE_PAGE (PAGE / 8 * PAGE)	/* what a table of entries for pages maps */

#define EXIT_SKIPPED 77
#define TIME_LIMIT 40	/* seconds; an emulated processor is slow */

struct test_case {
	const char *name;
	const char *description;	/* NULL: the words of the name */
	void (*run)(void);
	struct test_case *next;
};

void case_register(struct test_case *test);

#define CASE(id) CASE_DESCRIBED(id, NULL)
#define CASE_DESCRIBED(id, text) \
	static void case_##id(void); \
	__attribute__((constructor)) static void register_##id(void) \
	{ \
		static struct test_case test = { \
			.name = #id, .description = text, .run = case_##id \
		}; \
		case_register(&test); \
	} \
	static void case_##id(void)

/*
 * how many times slower than the stock kernel this one is, as the environment says: for time limits
 */
unsigned int slowness(void);

/* what main does around a case: the end of the time limit (0: none) fails the run */
void harness_start(const char *name, unsigned int time_limit);
/*
 * Begins the time limit anew, because the case has made progress: it limits each part then, however
 * slow the machine is. For the process of the case, not for a peer.
 */
void harness_renew(void);
void harness_end(void) __attribute__((noreturn));

/*
 * Everything that can be asked of a process answers with one long: zero or more is a value, -errno
 * an error, and the two below say which signal a touch of memory raised.
 */
#define BY_SIGNAL(number) (-10000L - (number))
#define GOT_SIGBUS BY_SIGNAL(SIGBUS)
#define GOT_SIGSEGV BY_SIGNAL(SIGSEGV)

/* fails the case in the process that calls it, and with it the whole run */
#define FAIL(...) fail(__FILE__, __LINE__, __VA_ARGS__)
#define SKIP(...) skip(__VA_ARGS__)
#define CHECK(condition) do { if (!(condition)) FAIL("not so: %s", #condition); } while (0)
#define CHECK_EQ(actual, expected) \
	check_equal(__FILE__, __LINE__, #actual, (long)(actual), #expected, (long)(expected))
/* the value, which must not be an error or a signal */
#define CHECK_OK(actual) check_ok(__FILE__, __LINE__, #actual, (long)(actual))
/* one of two signals or errors, where the contract leaves the choice open */
#define CHECK_EITHER(actual, first, second) \
	check_either(__FILE__, __LINE__, #actual, (long)(actual), (long)(first), (long)(second))

void fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
void skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void check_equal(const char *file, int line, const char *what, long actual, const char *wanted,
		 long expected);
long check_ok(const char *file, int line, const char *what, long actual);
void check_either(const char *file, int line, const char *what, long actual, long first,
		  long second);

/* "EINVAL", "SIGBUS" or the number; in a buffer that the eighth call from here overwrites */
const char *describe(long answer);

/* turns -1 and errno into -errno */
static inline long answer(long result)
{
	return result == -1 ? -errno : result;
}

/* fork(), but the child is killed when the thread that called this ends */
pid_t fork_bound(void);

/* touches of 8 bytes that survive SIGBUS and SIGSEGV; safe in any thread */
long load(long address);
long store(long address, long value);
/* a write that changes nothing, even if other tasks write there */
long touch_for_writing(long address);

#endif
