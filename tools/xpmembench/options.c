// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "xpmembench.h"

struct options options = { .plan = { .seconds = 0.05, .pairs = 1 } };

static void print_help(FILE *file)
{
	unsigned int number;

	fprintf(file,
		"Usage: xpmembench [OPTION]...\n"
		"       xpmembench --compare OLD NEW\n\n"
		"Measures how long messages take from one process to another through XPMEM and\n"
		"through its alternatives, side by side, copied and read in place.\n\n"
		"  -s, --sizes SIZES      8:64M is from 8 bytes, doubled up to 64 MiB; 8:1G*4\n"
		"                         has each four times the last; 8,4K,1M is a list (8:64M)\n"
		"  -m, --methods NAMES    methods to measure, separated by commas (all)\n"
		"  -t, --time SECONDS     for each figure (0.05)\n"
		"  -P, --pairs COUNT      number of pairs that run at once (1)\n"
		"  -d, --bidirectional    both processes of a pair send and receive at once\n"
		"  -c, --processors LIST  processors for receiver and sender of each pair\n"
		"  -H, --huge-pages       use huge pages if the kernel has some\n"
		"  -b, --brief            tables of medians only, without their spread\n"
		"  -j, --json             JSON for programs instead of tables\n"
		"  -p, --plot FILE        a picture too, .svg or .png; needs gnuplot\n"
		"  -f, --from FILE        show results saved with --json instead of measuring\n"
		"  -C, --compare OLD      compare results saved with --json with those in NEW\n"
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

static bool add_size(struct plan *plan, size_t size)
{
	if (plan->size_count == SIZES_MAX ||
	    (plan->size_count && size <= plan->sizes[plan->size_count - 1]))
		return false;
	plan->sizes[plan->size_count++] = size;
	return true;
}

/* Rising, so that tables and pictures are read easily. */
static bool parse_sizes(struct plan *plan, const char *text)
{
	size_t first, last, factor = 2;

	plan->size_count = 0;
	text = parse_size(text, &first);
	if (text && *text == ':') {
		text = parse_size(text + 1, &last);
		if (text && *text == '*')
			text = parse_size(text + 1, &factor);
		if (!text || *text || factor < 2 || first > last)
			return false;
		for (; first <= last; first *= factor)
			if (!add_size(plan, first))
				return false;
		return true;
	}
	while (text && add_size(plan, first)) {
		if (!*text)
			return true;
		text = *text == ',' ? parse_size(text + 1, &first) : NULL;
	}
	return false;
}

static bool parse_methods(struct plan *plan, char *text)
{
	bool any = false;
	char *name, *rest;
	int number;

	memset(plan->methods, 0, sizeof(plan->methods));
	for (name = strtok_r(text, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		number = method_find(name);
		if (number < 0)
			misuse("unknown method '%s'", name);
		plan->methods[number] = any = true;
	}
	return any;
}

static bool parse_seconds(struct plan *plan, const char *text)
{
	char *end;

	plan->seconds = strtod(text, &end);
	return end != text && !*end && plan->seconds > 0 && plan->seconds <= 3600;
}

static bool parse_pairs(struct plan *plan, const char *text)
{
	char rest;

	return sscanf(text, "%3u%c", &plan->pairs, &rest) == 1 && *text != '-' && plan->pairs > 0 &&
	       plan->pairs <= PAIRS_MAX;
}

static bool parse_processors(struct plan *plan, const char *text)
{
	int processor, length;

	plan->processor_count = 0;
	for (;; text += length + 1) {
		length = 0;
		if (sscanf(text, "%5d%n", &processor, &length) != 1 || processor < 0 ||
		    plan->processor_count == PROCESSORS_MAX)
			return false;
		plan->processors[plan->processor_count++] = processor;
		if (!text[length])
			return true;
		if (text[length] != ',')
			return false;
	}
}

static void parse_option(int option, char *value)
{
	struct plan *plan = &options.plan;
	const char *terminal;

	switch (option) {
	case 's':
		if (!parse_sizes(plan, value))
			misuse(
				"'%s' is not a list of rising sizes up to 1024G, such as 8:64M or 8,4K,1M",
				value);
		break;
	case 'm':
		if (!parse_methods(plan, value))
			misuse("'%s' names no method", value);
		break;
	case 't':
		if (!parse_seconds(plan, value))
			misuse("'%s' is not a number of seconds", value);
		break;
	case 'P':
		if (!parse_pairs(plan, value))
			misuse("'%s' is not a number of pairs from 1 to 64", value);
		break;
	case 'd':
		plan->bidirectional = true;
		break;
	case 'c':
		if (!parse_processors(plan, value))
			misuse("'%s' is not a list of processors", value);
		break;
	case 'H':
		plan->huge_pages = true;
		break;
	case 'b':
		options.brief = true;
		break;
	case 'j':
		options.format = FORMAT_JSON;
		break;
	case 'p':
		options.plot = value;
		if (!plot_format(value, &terminal))
			misuse("'%s' must end in .svg or .png", value);
		break;
	case 'f':
		options.from = value;
		break;
	case 'C':
		options.compare[0] = value;
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

/* The options that say what to measure. */
static const char measuring[] = "smtPdcH";

static void check_together(int count, char **arguments, bool measures)
{
	const struct plan *plan = &options.plan;
	char text[16];

	if (options.compare[0]) {
		if (optind == count)
			misuse("--compare %s needs the file of new results too",
			       options.compare[0]);
		options.compare[1] = arguments[optind++];
		if (options.from || options.plot || options.format != FORMAT_TABLE)
			misuse("%s takes no --from, --plot or --json", "--compare");
	}
	if (optind < count)
		misuse("unknown argument '%s'", arguments[optind]);
	if (measures && (options.from || options.compare[0]))
		misuse("%s shows results as they were saved, and takes no options of a measurement",
		       options.from ? "--from" : "--compare");
	snprintf(text, sizeof(text), "%u", 2 * plan->pairs);
	if (plan->processor_count && plan->processor_count != 2 * plan->pairs)
		misuse("--processors needs %s processors, two for each pair", text);
}

void parse_options(int count, char **arguments)
{
	static const struct option known[] = {
		{ "sizes", required_argument, NULL, 's' },
		{ "methods", required_argument, NULL, 'm' },
		{ "time", required_argument, NULL, 't' },
		{ "pairs", required_argument, NULL, 'P' },
		{ "bidirectional", no_argument, NULL, 'd' },
		{ "processors", required_argument, NULL, 'c' },
		{ "huge-pages", no_argument, NULL, 'H' },
		{ "brief", no_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'j' },
		{ "plot", required_argument, NULL, 'p' },
		{ "from", required_argument, NULL, 'f' },
		{ "compare", required_argument, NULL, 'C' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	bool measures = false;
	int option;

	parse_sizes(&options.plan, "8:64M");
	memset(options.plan.methods, true, method_count);
	while ((option = getopt_long(count, arguments, "s:m:t:P:dc:Hbjp:f:C:qhV", known,
				     NULL)) != -1) {
		parse_option(option, optarg);
		measures |= strchr(measuring, option) != NULL;
	}
	check_together(count, arguments, measures);
}
