// SPDX-License-Identifier: GPL-2.0-or-later
/* Compares XPMEM with its alternatives. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "xpmembench.h"

enum status {
	STATUS_OK,
	STATUS_FAILURE,		/* nothing or not all could be measured, or not written */
	STATUS_USAGE,
};

struct options options = { .seconds = 0.05, .processors = { -1, -1 } };

static bool progress_shown;

static void progress_clear(void)
{
	if (progress_shown)
		fprintf(stderr, "\r\033[K");
	progress_shown = false;
}

void complain(const char *format, ...)
{
	va_list arguments;

	progress_clear();
	fprintf(stderr, "xpmembench: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

/* Shows the current measurement and its progress on a terminal. */
void progress(const char *format, ...)
{
	static unsigned int done;
	unsigned int number, total = 0;
	va_list arguments;

	done++;
	if (options.quiet || !isatty(STDERR_FILENO))
		return;
	for (number = 0; number < method_count; number++)
		total += options.methods[number] ? USE_COUNT * options.size_count : 0;
	progress_clear();
	fprintf(stderr, "[%u/%u] ", done, total);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fflush(stderr);
	progress_shown = true;
}

static void print_help(FILE *file)
{
	unsigned int number;

	fprintf(file,
		"Usage: xpmembench [OPTION]...\n\n"
		"Measures how long messages take from one process to another through XPMEM and through\n"
		"its alternatives, side by side, copied and read in place.\n\n"
		"  -s, --sizes SIZES      8:64M is from 8 bytes, doubled up to 64 MiB; 8:1G*4 has each four\n"
		"                         times the last; 8,4K,1M is a list (8:64M)\n"
		"  -m, --methods NAMES    with commas between them (all)\n"
		"  -t, --time SECONDS     for each figure (0.05)\n"
		"  -c, --processors A,B   on which receiver and sender stay\n"
		"  -H, --huge-pages       in memory of huge pages, where the kernel has some\n"
		"  -j, --json             JSON for programs instead of tables\n"
		"  -p, --plot FILE        a picture of the bandwidth too, .svg or .png; needs gnuplot\n"
		"  -q, --quiet            no progress on a terminal\n"
		"  -h, --help             this text\n"
		"  -V, --version          the version\n\n"
		"Methods:\n\n");
	for (number = 0; number < method_count; number++)
		fprintf(file, "  %-12s %s\n", methods[number].name, methods[number].what);
}

static _Noreturn void misuse(const char *format, const char *what)
{
	fprintf(stderr, "xpmembench: ");
	fprintf(stderr, format, what);
	fprintf(stderr, "; see xpmembench --help\n");
	exit(STATUS_USAGE);
}

static const char *parse_size(const char *text, size_t *size)
{
	static const char units[] = "KMG";
	unsigned long long value;
	const char *unit;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno || !value || value > (size_t)1 << 40)
		return NULL;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit) {
		value <<= 10 * (unit - units + 1);
		end++;
	}
	*size = value;
	return value <= (size_t)1 << 40 ? end : NULL;
}

static bool add_size(size_t size)
{
	if (options.size_count == SIZES_MAX ||
	    (options.size_count && size <= options.sizes[options.size_count - 1]))
		return false;
	options.sizes[options.size_count++] = size;
	return true;
}

/* Rising, so that tables and pictures are read easily. */
static bool parse_sizes(const char *text)
{
	size_t first, last, factor = 2;

	options.size_count = 0;
	text = parse_size(text, &first);
	if (text && *text == ':') {
		text = parse_size(text + 1, &last);
		if (text && *text == '*')
			text = parse_size(text + 1, &factor);
		if (!text || *text || factor < 2 || first > last)
			return false;
		for (; first <= last; first *= factor)
			if (!add_size(first))
				return false;
		return true;
	}
	while (text && add_size(first)) {
		if (!*text)
			return true;
		text = *text == ',' ? parse_size(text + 1, &first) : NULL;
	}
	return false;
}

static bool parse_methods(char *text)
{
	unsigned int number;
	char *name, *rest;

	memset(options.methods, 0, sizeof(options.methods));
	for (name = strtok_r(text, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		for (number = 0; number < method_count && strcmp(methods[number].name, name);
		     number++)
			;
		if (number == method_count)
			misuse("unknown method '%s'", name);
		options.methods[number] = true;
	}
	for (number = 0; number < method_count; number++)
		if (options.methods[number])
			return true;
	return false;
}

static bool parse_seconds(const char *text)
{
	char *end;

	options.seconds = strtod(text, &end);
	return end != text && !*end && options.seconds > 0 && options.seconds <= 3600;
}

static bool parse_processors(const char *text)
{
	char rest;

	return sscanf(text, "%4d,%4d%c", &options.processors[0], &options.processors[1], &rest) ==
		       2 &&
	       options.processors[0] >= 0 && options.processors[1] >= 0;
}

static void parse_options(int count, char **arguments)
{
	static const struct option known[] = {
		{ "sizes", required_argument, NULL, 's' },
		{ "methods", required_argument, NULL, 'm' },
		{ "time", required_argument, NULL, 't' },
		{ "processors", required_argument, NULL, 'c' },
		{ "huge-pages", no_argument, NULL, 'H' },
		{ "json", no_argument, NULL, 'j' },
		{ "plot", required_argument, NULL, 'p' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char *terminal;
	int option;

	parse_sizes("8:64M");
	memset(options.methods, true, method_count);
	while ((option = getopt_long(count, arguments, "s:m:t:c:Hjp:qhV", known, NULL)) != -1) {
		switch (option) {
		case 's':
			if (!parse_sizes(optarg))
				misuse("'%s' is not a list of rising sizes", optarg);
			break;
		case 'm':
			if (!parse_methods(optarg))
				misuse("'%s' names no method", optarg);
			break;
		case 't':
			if (!parse_seconds(optarg))
				misuse("'%s' is not a number of seconds", optarg);
			break;
		case 'c':
			if (!parse_processors(optarg))
				misuse("'%s' is not two processors", optarg);
			break;
		case 'H':
			options.huge_pages = true;
			break;
		case 'j':
			options.format = FORMAT_JSON;
			break;
		case 'p':
			options.plot = optarg;
			if (!plot_format(optarg, &terminal))
				misuse("'%s' must end in .svg or .png", optarg);
			break;
		case 'q':
			options.quiet = true;
			break;
		case 'h':
			print_help(stdout);
			exit(STATUS_OK);
		case 'V':
			puts("xpmembench " XPMEM_VERSION);
			exit(STATUS_OK);
		default:
			fprintf(stderr, "see xpmembench --help\n");
			exit(STATUS_USAGE);
		}
	}
	if (optind < count)
		misuse("unknown argument '%s'", arguments[optind]);
}

int main(int count, char **arguments)
{
	static struct results results;
	enum status status = STATUS_OK;
	unsigned int number;

	parse_options(count, arguments);
	measure(&results);
	progress_clear();
	if (options.format == FORMAT_JSON)
		report_json(&results, stdout);
	else
		report_table(&results, stdout);
	if (fflush(stdout) || ferror(stdout)) {
		complain("could not write: %s", strerror(errno));
		status = STATUS_FAILURE;
	}
	for (number = 0; number < method_count; number++) {
		if (!results.missing[number][0])
			continue;
		complain("%s was not measured: %s", methods[number].name, results.missing[number]);
		status = STATUS_FAILURE;
	}
	if (options.plot && !plot(&results, options.plot))
		status = STATUS_FAILURE;
	return status;
}
