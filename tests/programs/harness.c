/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"

static const char *running = "";
static pid_t main_pid;
static unsigned int limit;	/* seconds */

static __thread sigjmp_buf touch_exit;
static __thread volatile sig_atomic_t touching;

const char *describe(long value)
{
	static char buffers[8][48];
	static int next;
	char *text = buffers[next++ % 8];
	const char *name;

	if (value <= BY_SIGNAL(1) && value >= BY_SIGNAL(64)) {
		name = sigabbrev_np((int)(BY_SIGNAL(0) - value));
		snprintf(text, sizeof(buffers[0]), "SIG%s", name ? name : "?");
	} else if (value < 0 && value > -4096) {
		name = strerrorname_np((int)-value);
		snprintf(text, sizeof(buffers[0]), "%s (%ld)", name ? name : "errno", -value);
	} else {
		snprintf(text, sizeof(buffers[0]), "%ld (%#lx)", value, value);
	}
	return text;
}

static void __attribute__((noreturn)) leave(int status)
{
	fflush(NULL);
	if (getpid() != main_pid)
		_exit(status);
	peer_stop_all();
	exit(status);
}

void fail(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s:%d: %s: ", file, line, running);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	leave(EXIT_FAILURE);
}

void skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	leave(EXIT_SKIPPED);
}

void check_equal(const char *file, int line, const char *what, long actual, const char *wanted,
		 long expected)
{
	if (actual != expected)
		fail(file, line, "%s is %s, expected %s = %s", what, describe(actual), wanted,
		     describe(expected));
}

long check_ok(const char *file, int line, const char *what, long actual)
{
	if (actual < 0)
		fail(file, line, "%s is %s, expected success", what, describe(actual));
	return actual;
}

void check_either(const char *file, int line, const char *what, long actual, long first,
		  long second)
{
	if (actual != first && actual != second)
		fail(file, line, "%s is %s, expected %s or %s", what, describe(actual),
		     describe(first), describe(second));
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	char text[96];
	int length;

	(void)context;
	if (touching)
		siglongjmp(touch_exit, number);
	length = snprintf(text, sizeof(text), "unexpected %s at %p\n",
			  number == SIGBUS ? "SIGBUS" : "SIGSEGV", info->si_addr);
	if (write(STDERR_FILENO, text, length) != length)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

static void on_alarm(int number)
{
	static const char text[] = "time limit passed\n";

	(void)number;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

/*
 * noinline: the value that sigsetjmp's caller holds must not live in a register that the jump loses
 */
#define TOUCH(access) do { \
	int number_ = sigsetjmp(touch_exit, 1); \
	if (number_) { \
		touching = 0; \
		return BY_SIGNAL(number_); \
	} \
	touching = 1; \
	access; \
	touching = 0; \
} while (0)

__attribute__((noinline)) long load(long address)
{
	volatile long value = 0;

	TOUCH(value = *(volatile long *)address);
	return value;
}

__attribute__((noinline)) long store(long address, long value)
{
	TOUCH(*(volatile long *)address = value);
	return 0;
}

unsigned int slowness(void)
{
	const char *times = getenv("XPMEM_TEST_SLOWNESS");

	return times ? strtoul(times, NULL, 10) : 1;
}

__attribute__((noinline)) long touch_for_writing(long address)
{
	TOUCH(__atomic_fetch_add((long *)address, 0, __ATOMIC_RELAXED));
	return 0;
}

void harness_start(const char *name, unsigned int time_limit)
{
	struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	running = name;
	main_pid = getpid();
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGBUS, &fault, NULL);
	sigaction(SIGSEGV, &fault, NULL);
	signal(SIGALRM, on_alarm);
	signal(SIGPIPE, SIG_IGN);
	limit = time_limit * slowness();
	harness_renew();
}

void harness_renew(void)
{
	alarm(limit);
}

pid_t fork_bound(void)
{
	pid_t parent = getpid(), child = fork();

	/* The caller may have ended before the child asked for the signal. */
	if (!child && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent))
		_exit(EXIT_FAILURE);
	return child;
}

void harness_end(void)
{
	leave(EXIT_SUCCESS);
}
