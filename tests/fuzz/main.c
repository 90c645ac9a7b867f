/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explores, or replays what was found. */
#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

static const char usage[] =
	"usage: fuzz replay [-v] FILE...           run programs, say what each call returned with -v\n"
	"       fuzz explore [OPTION]... [FILE...]  change programs at random, beginning with those\n"
	"       fuzz minimize FILE                  print the least program that fails like this one\n"
	"       fuzz distill DIR FILE...            write there the programs that reach more than those before, shortened\n"
	"       fuzz calls                          list what a program can call\n"
	"\n"
	"  --seconds N     explore for so long (60)\n"
	"  --executions N  or for so many programs\n"
	"  --seed N        the same programs again (as far as coverage, or the lack of it, is the same)\n"
	"  --unguided      do not look at coverage\n"
	"  --out DIR       write new programs, failures and the program that runs there\n"
	"\n"
	"Needs root and the loaded module. Exit status: 0, or 1 when something happened that must not.\n";

#define MAX_CORPUS 4096

static struct program corpus[MAX_CORPUS];
static unsigned int corpus_count, corpus_read;
static uint8_t known[COVERAGE_SIZE];
static unsigned int edges;
static unsigned long executions;
static const char *out;
static int running_file = -1;
static double started, deadline;	/* of the exploration */

void die(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fputs("fuzz: ", stderr);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	exit(2);
}

static void save(const struct program *program, const char *kind, unsigned int number,
		 const char *comment)
{
	char path[512];
	FILE *file;

	if (!out)
		return;
	snprintf(path, sizeof(path), "%s/%s-%u.txt", out, kind, number);
	file = fopen(path, "w");
	if (!file)
		die("cannot write %s: %m", path);
	fprintf(file, "# SPDX-License-Identifier: GPL-2.0-or-later\n%s%s%s", comment ? "# " : "",
		comment ?: "", comment ? "\n" : "");
	program_print(program, file);
	fclose(file);
}

/* So that it is known even when the kernel does not survive it. */
static void note_running(const struct program *program)
{
	static char text[16384];
	FILE *file;

	if (running_file < 0)
		return;
	file = fmemopen(text, sizeof(text), "w");
	program_print(program, file);
	fputs("# end\n", file);
	fclose(file);
	if (pwrite(running_file, text, strlen(text), 0) < 0)
		die("cannot write to %s: %m", out);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

/* Every ten seconds of exploration. */
static void tell_progress(void)
{
	static double told;
	double time = now();

	if (!started || time - (told ? told : started) < 10)
		return;
	told = time;
	printf("%.0f s: %lu executions, %.1f a second, %u edges, %u programs in the corpus\n",
	       time - started, executions, executions / (time - started), edges, corpus_count);
}

static const char *run(const struct program *program, bool verbose)
{
	tell_progress();
	note_running(program);
	executions++;
	coverage_reset();
	return execute(program, verbose);
}

static void fail(const struct program *program, const char *what)
{
	static unsigned int failures;

	printf("FAILURE: %s\n", what);
	program_print(program, stdout);
	fflush(stdout);
	save(program, "failure", failures++, what);
}

static void keep(const struct program *program)
{
	if (corpus_count == MAX_CORPUS)
		return;
	corpus[corpus_count] = *program;
	save(program, "corpus", corpus_count, NULL);
	corpus_count++;
}

/* Leaves out what is not needed to take these edges. */
static void shorten(struct program *program, const uint8_t *wanted)
{
	for (unsigned int i = program->count; i-- && program->count > 1;) {
		struct program shorter = *program;

		program_remove(&shorter, i);
		if (!run(&shorter, false) && coverage_includes(wanted))
			*program = shorter;
	}
}

/* false when it failed; how many edges were new is left in *found */
static bool try_program(const struct program *program, unsigned int *found)
{
	const char *failure = run(program, false);

	if (failure) {
		fail(program, failure);
		return false;
	}
	*found = coverage_merge(known);
	edges += *found;
	return true;
}

static int explore(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "executions", required_argument, NULL, 'e' },
		{ "seed", required_argument, NULL, 'r' },
		{ "unguided", no_argument, NULL, 'u' },
		{ "out", required_argument, NULL, 'o' },
		{ 0 },
	};
	unsigned long limit = 0, seed = time(NULL) ^ (unsigned long)getpid() << 20;
	bool unguided = false, coverage;
	struct program program;
	unsigned int found;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 's':
			deadline = now() + atof(optarg);
			break;
		case 'e':
			limit = strtoul(optarg, NULL, 0);
			deadline = now() + 1e9;
			break;
		case 'r':
			seed = strtoul(optarg, NULL, 0);
			break;
		case 'u':
			unguided = true;
			break;
		case 'o':
			out = optarg;
			break;
		default:
			fputs(usage, stderr);
			return 2;
		}
	started = now();
	if (!deadline)
		deadline = started + 60;
	random_seed(seed);
	coverage = coverage_open();
	if (out) {
		char path[512];

		snprintf(path, sizeof(path), "%s/running.txt", out);
		running_file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (running_file < 0)
			die("cannot write %s: %m", path);
	}
	printf("seed %lu, %s\n", seed,
	       !coverage ? "without coverage" :
	       unguided	 ? "coverage is measured only" :
			   "guided by coverage");
	for (; optind < argc; optind++) {
		if (corpus_read == MAX_CORPUS || !program_read(&corpus[corpus_read], argv[optind]))
			return 2;
		corpus_read += corpus[corpus_read].count > 0;
	}
	corpus_count = corpus_read;
	for (unsigned int i = 0; i < corpus_read; i++)
		if (!try_program(&corpus[i], &found))
			return 1;
	while (now() < deadline && (!limit || executions < limit)) {
		if (!corpus_count || random_below(100) < 8) {
			program_generate(&program);
		} else {
			program = corpus[random_below(2) ?
						 random_below(corpus_count) :
						 corpus_count - 1 -
							 random_below((corpus_count + 3) / 4)];
			program_mutate(&program, &corpus[random_below(corpus_count)]);
		}
		if (!try_program(&program, &found))
			return 1;
		if (found && !unguided)
			keep(&program);
	}
	printf("no failure in %lu executions in %.0f seconds: %u edges, %u programs in the corpus, %u of them new\n",
	       executions, now() - started, edges, corpus_count, corpus_count - corpus_read);
	return 0;
}

static int replay(int argc, char **argv)
{
	bool verbose = argc > 1 && !strcmp(argv[1], "-v");
	unsigned int failed = 0, count = 0;

	for (int i = 1 + verbose; i < argc; i++) {
		struct program program;
		const char *failure;

		if (!program_read(&program, argv[i]))
			return 2;
		count++;
		if (verbose)
			printf("%s\n", argv[i]);
		failure = run(&program, verbose);
		if (!failure)
			continue;
		printf("%s: %s\n", argv[i], failure);
		failed++;
	}
	if (!count) {
		fputs("fuzz: name the programs to replay\n", stderr);
		return 2;
	}
	printf("%u of %u programs failed\n", failed, count);
	return failed != 0;
}

static int minimize(const char *path)
{
	struct program program, shorter;

	if (!program_read(&program, path))
		return 2;
	if (!run(&program, false)) {
		fprintf(stderr, "fuzz: %s does not fail\n", path);
		return 1;
	}
	for (unsigned int i = program.count; i--;) {
		shorter = program;
		program_remove(&shorter, i);
		if (run(&shorter, false))
			program = shorter;
	}
	program_print(&program, stdout);
	return 0;
}

/* Of programs, those that take edges which the ones before do not, as short as they can be. */
static int distill(int argc, char **argv)
{
	if (argc < 3 || !coverage_open()) {
		fputs("fuzz: distill needs a folder, programs, and a module built with XPMEM_COVERAGE=1\n",
		      stderr);
		return 2;
	}
	out = argv[1];
	for (int i = 2; i < argc; i++) {
		static uint8_t before[COVERAGE_SIZE], wanted[COVERAGE_SIZE];
		struct program program;
		unsigned int found;

		if (!program_read(&program, argv[i]))
			return 2;
		memcpy(before, known, sizeof(before));
		if (!try_program(&program, &found))
			return 1;
		for (size_t j = 0; j < COVERAGE_SIZE; j++)
			wanted[j] = known[j] && !before[j];
		if (!found)
			continue;
		shorten(&program, wanted);
		keep(&program);
	}
	printf("%u of %d programs kept, %u edges\n", corpus_count, argc - 2, edges);
	return 0;
}

static int list_calls(void)
{
	for (unsigned int i = 0; i < call_type_count; i++) {
		printf("%s", call_types[i].name);
		for (unsigned int j = 0; j < call_types[i].parameter_count; j++)
			printf(" %s=%#llx", call_types[i].parameters[j].name,
			       (unsigned long long)call_types[i].parameters[j].usual);
		puts("");
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(command, "calls")) {
		calls_init(0);
		return list_calls();
	}
	if (strcmp(command, "replay") && strcmp(command, "explore") && strcmp(command, "distill") &&
	    (strcmp(command, "minimize") || argc != 3)) {
		fputs(usage, stderr);
		return 2;
	}
	execute_init();
	oracle_init();
	calls_init(oracle_family());
	switch (*command) {
	case 'r':
		return replay(argc - 1, argv + 1);
	case 'e':
		return explore(argc - 1, argv + 1);
	case 'd':
		return distill(argc - 1, argv + 1);
	default:
		return minimize(argv[2]);
	}
}
