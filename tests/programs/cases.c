/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

static struct test_case *cases;
static struct test_case **end = &cases;

void case_register(struct test_case *test)
{
	*end = test;
	end = &test->next;
}

static bool same_name(const char *given, const char *name)
{
	for (; *given && *name; given++, name++)
		if (*given != (*name == '_' ? '-' : *name))
			return false;
	return !*given && !*name;
}

static void put_name(const char *name, char separator)
{
	for (; *name; name++)
		putchar(*name == '_' ? separator : *name);
}

static void list_cases(void)
{
	struct test_case *test;

	for (test = cases; test; test = test->next) {
		put_name(test->name, '-');
		putchar('\t');
		if (test->description)
			fputs(test->description, stdout);
		else
			put_name(test->name, ' ');
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	struct test_case *test;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CASE | --list\n", argv[0]);
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
	for (test = cases; test && !same_name(argv[1], test->name);)
		test = test->next;
	if (!test) {
		fprintf(stderr, "%s: no case %s; --list names them\n", argv[0], argv[1]);
		return 2;
	}
	harness_start(argv[1], TIME_LIMIT);
	test->run();
	harness_end();
}
