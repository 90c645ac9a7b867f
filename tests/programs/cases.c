/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define OUTPUT_MAX 16384

static struct test_case *cases, **cases_end = &cases;
static void (*after_each)(void);

/* what a case said, and how it ended */
struct outcome {
	char output[OUTPUT_MAX + 1];
	size_t length;
	int status;
	bool late;
};

void case_register(struct test_case *test)
{
	*cases_end = test;
	cases_end = &test->next;
}

void after_each_register(void (*run)(void))
{
	after_each = run;
}

static bool same_name(const char *given, const char *name)
{
	for (; *given && *name; given++, name++)
		if (*given != (*name == '_' ? '-' : *name))
			return false;
	return !*given && !*name;
}

static struct test_case *find_case(const char *given)
{
	struct test_case *test;

	for (test = cases; test && !same_name(given, test->name);)
		test = test->next;
	return test;
}

static void print_words(const char *name, char separator)
{
	for (; *name; name++)
		putchar(*name == '_' ? separator : *name);
}

static void print_description(const struct test_case *test)
{
	if (test->description)
		fputs(test->description, stdout);
	else
		print_words(test->name, ' ');
}

static void list_cases(void)
{
	struct test_case *test;

	for (test = cases; test; test = test->next) {
		print_words(test->name, '-');
		putchar('\t');
		print_description(test);
		putchar('\n');
	}
}

static long seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Seconds that a case may take in all, beside the time limit that it has itself. */
static long outer_limit(void)
{
	const char *limit = getenv("XPMEM_TEST_LIMIT");
	long seconds = limit ? strtol(limit, NULL, 10) : 0;

	return seconds > 0 ? seconds : 200 * (long)slowness();
}

/*
 * Read what the case says until all of its processes have closed the pipe.
 * Returns false when time is up.
 */
static bool read_output(struct outcome *outcome, int from, long end)
{
	struct pollfd poll_from = { .fd = from, .events = POLLIN };
	char rest[4096];
	ssize_t length;
	size_t room;
	int ready;

	for (;;) {
		long left = end - seconds_now();

		ready = left > 0 ? poll(&poll_from, 1, (int)left * 1000) : 0;
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return false;
		room = OUTPUT_MAX - outcome->length;
		length = read(from, room ? outcome->output + outcome->length : rest, room ? room : sizeof(rest));
		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return true;
		if (room)
			outcome->length += length;
	}
}

/* Wait for the case itself. Returns false when time is up. */
static bool reap(pid_t child, int *status, long end)
{
	const struct timespec pause_time = { .tv_nsec = 2000000 };
	pid_t got;

	for (;;) {
		got = waitpid(child, status, WNOHANG);
		if (got == child)
			return true;
		if ((got < 0 && errno != EINTR) || seconds_now() >= end)
			return false;
		nanosleep(&pause_time, NULL);
	}
}

static void __attribute__((noreturn)) run_as_child(const struct test_case *test, int to)
{
	char name[128], *c;

	setpgid(0, 0);
	if (dup2(to, STDOUT_FILENO) < 0 || dup2(to, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	snprintf(name, sizeof(name), "%s", test->name);
	for (c = name; *c; c++)
		if (*c == '_')
			*c = '-';
	execl("/proc/self/exe", program_invocation_name, name, (char *)NULL);
	perror("exec");
	_exit(EXIT_FAILURE);
}

/* Run a case as a process group of its own. */
static void run_apart(const struct test_case *test, struct outcome *outcome)
{
	long end = seconds_now() + outer_limit();
	int ends[2];
	pid_t child;

	memset(outcome, 0, sizeof(*outcome));
	outcome->status = -1;
	fflush(stdout);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	child = fork();
	if (child == 0)
		run_as_child(test, ends[1]);
	close(ends[1]);
	if (child > 0) {
		setpgid(child, child);
		if (!read_output(outcome, ends[0], end) || !reap(child, &outcome->status, end)) {
			outcome->late = true;
			kill(-child, SIGKILL);
			reap(child, &outcome->status, seconds_now() + 10);
		}
	}
	close(ends[0]);
}

static bool outcome_passed(const struct outcome *outcome)
{
	return !outcome->late && outcome->status == 0;
}

static bool outcome_skipped(const struct outcome *outcome)
{
	return !outcome->late && outcome->status != -1 && WIFEXITED(outcome->status) &&
		WEXITSTATUS(outcome->status) == EXIT_SKIPPED;
}

/* The lines of what a failed case said, and why it failed where it could not say so. */
static void print_notes(struct outcome *outcome)
{
	char *line, *rest = outcome->output;

	while ((line = strsep(&rest, "\n")))
		if (*line)
			printf("    # %s\n", line);
	if (outcome->late)
		printf("    # time limit passed: not over after %ld seconds\n", outer_limit());
	else if (outcome->status == -1)
		printf("    # it could not be run\n");
	else if (WIFSIGNALED(outcome->status))
		printf("    # killed by SIG%s\n", sigabbrev_np(WTERMSIG(outcome->status)));
	else
		printf("    # exit status %d\n", WEXITSTATUS(outcome->status));
}

/* Print the outcome of a case as a line of a TAP subtest. Returns whether the case failed. */
static bool print_outcome(const struct test_case *test, int number, struct outcome *outcome)
{
	bool failed = !outcome_passed(outcome) && !outcome_skipped(outcome);
	char *c;

	printf("    %s %d - ", failed ? "not ok" : "ok", number);
	print_description(test);
	if (outcome_skipped(outcome)) {
		while (outcome->length && outcome->output[outcome->length - 1] == '\n')
			outcome->output[--outcome->length] = '\0';
		for (c = outcome->output; *c; c++)
			if (*c == '\n')
				*c = ' ';
		printf(" # skip %s", outcome->output);
	}
	putchar('\n');
	if (failed)
		print_notes(outcome);
	fflush(stdout);
	return failed;
}

/* Mark the cases that are left out. Returns false if there is no such case. */
static bool leave_out(const char *program, char **names, int count)
{
	struct test_case *test;
	int i;

	for (i = 0; i < count; i++) {
		test = find_case(names[i]);
		if (!test) {
			fprintf(stderr, "%s: no case %s; --list names them\n", program, names[i]);
			return false;
		}
		test->left_out = true;
	}
	return true;
}

/* Run all cases but those named, and report each in TAP. */
static int run_all(const char *program, char **left_out, int left_out_count)
{
	static struct outcome outcome;
	struct test_case *test;
	int count = 0, number = 0, failed = 0;

	if (!leave_out(program, left_out, left_out_count))
		return 2;
	for (test = cases; test; test = test->next)
		count += !test->left_out;
	if (!count) {
		fprintf(stderr, "%s: there is no case\n", program);
		return 2;
	}
	printf("    1..%d\n", count);
	for (test = cases; test; test = test->next) {
		if (test->left_out)
			continue;
		run_apart(test, &outcome);
		failed += print_outcome(test, ++number, &outcome);
		if (after_each)
			after_each();
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct test_case *test;

	if (argc >= 2 && !strcmp(argv[1], "--tap"))
		return run_all(argv[0], argv + 2, argc - 2);
	if (argc != 2) {
		fprintf(stderr, "usage: %s CASE | --list | --tap [CASE...]\n", argv[0]);
		return 2;
	}
	if (!strcmp(argv[1], "--list")) {
		list_cases();
		return 0;
	}
	if (!strcmp(argv[1], "--idle")) {
		for (;;)
			pause();
	}
	test = find_case(argv[1]);
	if (!test) {
		fprintf(stderr, "%s: no case %s; --list names them\n", argv[0], argv[1]);
		return 2;
	}
	harness_start(argv[1], TIME_LIMIT);
	test->run();
	harness_end();
}
