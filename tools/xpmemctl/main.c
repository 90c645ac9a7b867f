/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shows, follows and revokes exported and attached memory of the XPMEM module. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xpmemctl.h"

struct options options;

#define OBJECT_SETS                                                            \
	{                                                                      \
		&exporter_attributes, &segment_attributes, &permit_attributes, \
			&attachment_attributes, NULL                           \
	}

const struct command commands[] = {
	{
		.name = "list",
		.arguments = "[exporters|segments|permits|attachments] [KEY VALUE]...",
		.summary = "lists all objects that you may see, or those of one kind",
		.details =
			"KEY VALUE pairs select objects. Without a kind, the command lists the kinds that\n"
			"have all KEYs.\n",
		.options = "--columns --sort",
		.sets = OBJECT_SETS,
		.filters = { &operation_exporter_get, &operation_segment_get, &operation_permit_get,
			     &operation_attachment_get, NULL },
		.run = list,
	},
	{
		.name = "inspect",
		.arguments = "exporter|segment|permit|attachment ID",
		.summary = "shows one object and its users",
		.details =
			"ID is decimal, or hexadecimal with 0x. Also shows the objects that exist through it: an\n"
			"exporter's segments, their permits, and the permits' attachments.\n",
		.options = "--columns --sort",
		.sets = OBJECT_SETS,
		.run = inspect,
	},
	{
		.name = "tree",
		.arguments = "[KEY VALUE]...",
		.summary = "shows exporters with their segments, permits and attachments",
		.options = "--columns",
		.sets = OBJECT_SETS,
		.filters = { &operation_exporter_get, NULL },
		.run = tree,
	},
	{
		.name = "stats",
		.arguments = "[exporters|segments|attachments [KEY VALUE]...]",
		.summary =
			"shows statistics of the machine (for administrators) or of each object",
		.details =
			"  --watch [SECONDS]   repeat (every second), with the growth per second\n"
			"  --count NUMBER      end after this number of rounds\n"
			"  --prometheus        totals of the machine and limits, as node_exporter's textfile\n"
			"                      collector reads them\n"
			"  --by KIND[,KIND]    with --prometheus: also series of each exporter, user or both\n"
			"  --openmetrics       machine and exporters as OpenMetrics\n"
			"  --output FILE       write these metrics to a file, and replace it once complete\n",
		.options = "--columns --sort --watch --count --prometheus --by --openmetrics "
			   "--output",
		.sets = { &stats_attributes, &exporter_attributes, &segment_attributes,
			  &attachment_attributes, NULL },
		.filters = { &operation_exporter_get, &operation_segment_get,
			     &operation_attachment_get, NULL },
		.run = stats,
	},
	{
		.name = "top",
		.arguments = "",
		.summary = "shows processes by faults, pages and retries per second",
		.details =
			"On a terminal, keys choose what to sort by, space refreshes, and q quits.\n"
			"  -d, --delay SECONDS time between updates (one second)\n"
			"      --count NUMBER  end after this number of rounds\n",
		.options = "--columns --sort --delay --count",
		.sets = { &process_attributes, NULL },
		.run = top,
	},
	{
		.name = "usage",
		.arguments = "[users|cgroups|jobs]",
		.summary =
			"sums up the objects of each user, cgroup and Slurm job that you may see",
		.options = "--columns --sort",
		.sets = { &usage_attributes, NULL },
		.run = usage,
	},
	{
		.name = "monitor",
		.arguments = "[KEY VALUE]...",
		.summary =
			"prints events as they happen, one per line; for administrators",
		.details =
			"KEY is event, kind, reason, or a key of the event's object. Ends with ctrl-C.\n"
			"  --snapshot          list existing objects first; again after lost events\n",
		.options = "--columns --snapshot",
		.sets = { &segment_attributes, &permit_attributes, &attachment_attributes,
			  &limit_attributes, &refusal_attributes, NULL },
		.run = monitor,
	},
	{
		.name = "revoke",
		.arguments = "segment|permit ID...",
		.summary = "revokes your segments or permits; administrators may revoke any",
		.details = "Their attachments stay mapped and raise SIGBUS.\n",
		.run = revoke_objects,
	},
	{
		.name = "info",
		.arguments = "",
		.summary = "shows version, features, parameters and totals of the loaded module",
		.options = "--columns",
		.sets = { &info_attributes, NULL },
		.run = info,
	},
	{
		.name = "doctor",
		.arguments = "",
		.summary =
			"finds problems that keep programs from using XPMEM, and prints remedies",
		.details =
			"The exit status is 1 if there is a problem.\n"
			"  --fix               run the commands that mend problems, and print them\n"
			"  --dry-run           with --fix: only print them\n",
		.options = "--fix --dry-run",
		.run = doctor,
	},
	{
		.name = "schema",
		.arguments = "",
		.summary = "prints the JSON Schema of all JSON output",
		.run = schema,
	},
	{
		.name = "help",
		.arguments = "[COMMAND]",
		.summary = "explains the tool, or a command",
		.run = help,
		.hidden = true,
	},
	{
		.name = "complete",
		.arguments = "[--describe] [WORD]...",
		.summary = "prints completions of a command line of these words, for shells",
		.details = "  --describe          also print what each means, after a tab\n",
		.options = "--describe",
		.run = complete,
		.hidden = true,
	},
};

const size_t command_count = sizeof(commands) / sizeof(commands[0]);

static enum status print_help(void)
{
	size_t i;

	puts("usage: xpmemctl [OPTION]... COMMAND [ARGUMENT]...\n"
	     "\n"
	     "Shows, follows and revokes exported and attached memory of the XPMEM kernel module.\n");
	for (i = 0; i < command_count; i++)
		if (!commands[i].hidden)
			printf("  %s%s%s\n        %s\n", commands[i].name,
			       *commands[i].arguments ? " " : "", commands[i].arguments,
			       commands[i].summary);
	puts("\n"
	     "Without a command it shows an overview. \"xpmemctl help COMMAND\" explains a command.\n"
	     "KEY VALUE may also be KEY=VALUE; kinds may be singular or plural.\n"
	     "\n"
	     "  -j, --json                JSON, one line per document (the default if output is\n"
	     "                            not a terminal)\n"
	     "  -p, --pretty              JSON, indented\n"
	     "  -t, --table               tables for people (the default on a terminal)\n"
	     "  -o, --columns KEY[,KEY]   only these keys, in this order; +KEY: beside the usual\n"
	     "                            ones; all: all keys\n"
	     "      --sort KEY            sort objects by a key; -KEY: the greatest first\n"
	     "  -n, --noheadings          tables without headings\n"
	     "  -b, --bytes               print sizes in tables in bytes, not as 4.0K\n"
	     "  -H, --human               sizes such as 4.0K (the default)\n"
	     "  -h, --help                this text; after a command, the keys of its output\n"
	     "  -V, --version             version of this tool\n"
	     "\n"
	     "You see your own objects in your ipc namespace; CAP_SYS_ADMIN shows those of others.\n"
	     "Exit status: 0 done, 1 failed, 2 wrong usage, 3 module not loaded, 4 not permitted,\n"
	     "5 no such object. See xpmemctl(8).");
	return output_finish();
}

static void print_keys(const struct attribute_set *set)
{
	const struct attribute *column;
	size_t i;

	printf("\nKeys of %s:\n", set->name);
	for (i = 0; (column = column_at(set, i)); i++)
		printf("  %-16s %s\n", column->key, column->doc);
}

static void print_filters(const struct operation *operation)
{
	char keys[256];

	filter_list_keys(operation, keys, sizeof(keys));
	printf("%ss are selected by: %s\n", operation->set->name, keys);
}

static enum status print_command_help(const struct command *command)
{
	size_t i;

	printf("usage: xpmemctl %s [OPTION]...%s%s\n\nThis command %s.\n%s", command->name,
	       *command->arguments ? " " : "", command->arguments, command->summary,
	       command->details ? command->details : "");
	if (command->filters[0])
		putchar('\n');
	for (i = 0; command->filters[i]; i++)
		print_filters(command->filters[i]);
	for (i = 0; command->sets[i]; i++)
		print_keys(command->sets[i]);
	return output_finish();
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < command_count; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

/*
 * The netlink socket would reuse a closed standard descriptor, and output would go there. A
 * placeholder with the wrong access mode makes each use fail, as it should.
 */
static void occupy_standard_descriptors(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(STATUS_FAILED);
}

/* Accepts a positive number without a suffix. */
static bool parse_seconds(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return *text && !*end && *seconds >= 0.001 && *seconds <= 1e6;
}

static bool parse_count(const char *text, unsigned long *count)
{
	int64_t number = parse_id(text);

	*count = number;
	return number > 0;
}

/* Keys may be written as the headings of tables are. */
static void make_lower(char *text)
{
	for (; *text; text++)
		*text = tolower((unsigned char)*text);
}

/* Splits the list in place. */
static enum status parse_columns(char *list)
{
	char *column;

	make_lower(list);
	options.more_columns = *list == '+';
	if (options.more_columns)
		list++;
	/* The last option counts. */
	options.all_columns = false;
	options.column_count = 0;
	free(options.columns);
	options.columns = calloc(strlen(list) + 1, sizeof(*options.columns));
	if (!options.columns)
		return out_of_memory();
	while ((column = strsep(&list, ",")))
		if (strcmp(column, "all"))
			options.columns[options.column_count++] = column;
		else
			options.all_columns = true;
	return STATUS_OK;
}

/* Splits the list in place. */
static enum status parse_by(char *list)
{
	struct guess guess;
	char *kind;

	while ((kind = strsep(&list, ","))) {
		if (!strcmp(kind, "exporter") || !strcmp(kind, "exporters")) {
			options.by_exporter = true;
		} else if (!strcmp(kind, "user") || !strcmp(kind, "users")) {
			options.by_user = true;
		} else {
			guess_begin(&guess, kind);
			guess_add(&guess, "exporter");
			guess_add(&guess, "user");
			return fail(STATUS_USAGE,
				    "there are no series by \"%s\"; give exporter or user%s", kind,
				    guess_text(&guess, "; ", ""));
		}
	}
	return STATUS_OK;
}

static enum status parse_sort(char *key)
{
	make_lower(key);
	options.descending = *key == '-';
	options.sort = key + options.descending;
	return STATUS_OK;
}

/* All commands take the options with a letter; only --columns and --delay are for some. */
enum { OPTION_WATCH = 256, OPTION_COUNT, OPTION_OPENMETRICS, OPTION_SNAPSHOT, OPTION_FIX,
       OPTION_DRY_RUN, OPTION_SORT, OPTION_PROMETHEUS, OPTION_BY, OPTION_OUTPUT };

static const char letters[] = ":jpto:bHnhVd:";

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "table", no_argument, NULL, 't' },
	{ "columns", required_argument, NULL, 'o' },
	{ "sort", required_argument, NULL, OPTION_SORT },
	{ "noheadings", no_argument, NULL, 'n' },
	{ "bytes", no_argument, NULL, 'b' },
	{ "human", no_argument, NULL, 'H' },
	{ "watch", optional_argument, NULL, OPTION_WATCH },
	{ "delay", required_argument, NULL, 'd' },
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ "prometheus", no_argument, NULL, OPTION_PROMETHEUS },
	{ "by", required_argument, NULL, OPTION_BY },
	{ "openmetrics", no_argument, NULL, OPTION_OPENMETRICS },
	{ "output", required_argument, NULL, OPTION_OUTPUT },
	{ "snapshot", no_argument, NULL, OPTION_SNAPSHOT },
	{ "fix", no_argument, NULL, OPTION_FIX },
	{ "dry-run", no_argument, NULL, OPTION_DRY_RUN },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static void take_format(int option)
{
	if (option == 'j' || option == 'p' || option == 't')
		options.json_wanted = option != 't';
	if (option == 'j')
		options.format = FORMAT_JSON;
	else if (option == 'p')
		options.format = FORMAT_PRETTY;
	else if (option == 't')
		options.format = FORMAT_TABLE;
	else if (option == OPTION_OPENMETRICS)
		options.format = FORMAT_OPENMETRICS;
	else if (option == OPTION_PROMETHEUS)
		options.format = FORMAT_PROMETHEUS;
}

/* An error of an earlier option is reported in the format that a later one selects. */
static void find_format(int argc, char **argv)
{
	char *copy[argc + 1];	/* getopt reorders it */
	int option;

	options.format = isatty(STDOUT_FILENO) ? FORMAT_TABLE : FORMAT_JSON;
	memcpy(copy, argv, sizeof(copy));
	while ((option = getopt_long(argc, copy, letters, long_options, NULL)) != -1)
		take_format(option);
	optind = 0;
}

static enum status unknown_option(const char *option)
{
	char name[48];
	struct guess guess;
	size_t i;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(option + 2, "="), option + 2);
	guess_begin(&guess, name);
	for (i = 0; long_options[i].name; i++)
		guess_add(&guess, long_options[i].name);
	if (!guess.best)
		return fail(STATUS_USAGE, "unknown option \"%s\"; see: xpmemctl --help", option);
	return fail(STATUS_USAGE,
		    "unknown option \"%s\"; did you mean \"--%s\"? see: xpmemctl --help", option,
		    guess.best);
}

static enum status refuse_option(int argc, char **argv)
{
	if (optopt && optopt < OPTION_WATCH && !strchr(letters, optopt))
		return fail(STATUS_USAGE, "unknown option \"-%c\"; see: xpmemctl --help", optopt);
	if (optopt)
		return fail(STATUS_USAGE, "option \"%.*s\" takes no value; see: xpmemctl --help",
			    (int)strcspn(argv[optind - 1], "="), argv[optind - 1]);
	return unknown_option(argv[optind <= argc ? optind - 1 : argc - 1]);
}

/* The seconds may also be the next word. */
static enum status take_interval(int argc, char **argv)
{
	const char *text = optarg;

	if (!text && optind < argc && strchr("0123456789.", argv[optind][0]) && argv[optind][0])
		text = argv[optind++];
	options.interval = 1;
	if (text && !parse_seconds(text, &options.interval))
		return fail(STATUS_USAGE, "\"%s\" is not a number of seconds", text);
	return STATUS_OK;
}

/* The options on the command line that only some commands take. */
static struct {
	const char *names[8];
	size_t count;
} given;

static void note_given(const char *name)
{
	if (given.count < sizeof(given.names) / sizeof(*given.names))
		given.names[given.count++] = name;
}

static enum status take_option(int option, int argc, char **argv)
{
	take_format(option);
	switch (option) {
	case 'o':
		note_given("--columns");
		return parse_columns(optarg);
	case OPTION_SORT:
		note_given("--sort");
		return parse_sort(optarg);
	case 'n':
		options.no_headings = true;
		return STATUS_OK;
	case 'b':
	case 'H':
		options.bytes = option == 'b';
		return STATUS_OK;
	case OPTION_WATCH:
		note_given("--watch");
		return take_interval(argc, argv);
	case 'd':
		note_given("--delay");
		return parse_seconds(optarg, &options.interval) ?
			       STATUS_OK :
			       fail(STATUS_USAGE, "\"%s\" is not a number of seconds", optarg);
	case OPTION_COUNT:
		note_given("--count");
		return parse_count(optarg, &options.count) ?
			       STATUS_OK :
			       fail(STATUS_USAGE, "\"%s\" is not a count", optarg);
	case OPTION_OPENMETRICS:
		note_given("--openmetrics");
		return STATUS_OK;
	case OPTION_PROMETHEUS:
		note_given("--prometheus");
		return STATUS_OK;
	case OPTION_BY:
		note_given("--by");
		return parse_by(optarg);
	case OPTION_OUTPUT:
		note_given("--output");
		options.output = optarg;
		return STATUS_OK;
	case OPTION_SNAPSHOT:
		note_given("--snapshot");
		options.snapshot = true;
		return STATUS_OK;
	case OPTION_FIX:
		note_given("--fix");
		options.fix = true;
		return STATUS_OK;
	case OPTION_DRY_RUN:
		note_given("--dry-run");
		options.dry_run = true;
		return STATUS_OK;
	case ':':
		return fail(STATUS_USAGE, "option \"%s\" lacks a value; see: xpmemctl --help",
			    argv[argc - 1]);
	case '?':
		return refuse_option(argc, argv);
	default:
		return STATUS_OK;
	}
}

static enum status run_overview(int count, char **arguments)
{
	(void)count;
	(void)arguments;
	return overview();
}

static const struct command no_command = { .name = "", .run = run_overview };

static bool takes_option(const struct command *command, const char *name)
{
	return command->options && strstr(command->options, name);
}

static enum status run(const struct command *command, int count, char **arguments)
{
	size_t i;

	for (i = 0; i < given.count; i++)
		if (command == &no_command)
			return fail(STATUS_USAGE, "%s needs a command; see: xpmemctl --help",
				    given.names[i]);
		else if (!takes_option(command, given.names[i]))
			return fail(STATUS_USAGE, "%s takes no %s; see: xpmemctl %s --help",
				    command->name, given.names[i], command->name);
	return command->run(count, arguments);
}

static enum status unknown_command(const char *name)
{
	struct guess guess;
	size_t i;

	if (noun_of(name) != NOUN_COUNT)
		return fail(STATUS_USAGE,
			    "unknown command \"%s\"; did you mean \"list %s\"? see: xpmemctl --help",
			    name, name);
	guess_begin(&guess, name);
	for (i = 0; i < command_count; i++)
		guess_add(&guess, commands[i].name);
	return fail(STATUS_USAGE, "unknown command \"%s\"; %ssee: xpmemctl --help", name,
		    guess_text(&guess, "", " "));
}

enum status help(int count, char **arguments)
{
	const struct command *command = count ? find_command(arguments[0]) : NULL;

	if (!count)
		return print_help();
	if (count > 1)
		return fail(STATUS_USAGE,
			    "help takes one command, but there is \"%s\"; see: xpmemctl --help",
			    arguments[1]);
	return command ? print_command_help(command) : unknown_command(arguments[0]);
}

static int version(void)
{
	puts("xpmemctl " XPMEM_VERSION);
	return output_finish();
}

int main(int argc, char **argv)
{
	const struct command *command;
	bool wants_help = false;
	int option;

	/* For the characters in tables. Numbers stay as they are in all languages. */
	setlocale(LC_CTYPE, "");
	occupy_standard_descriptors();
	/* The words to complete have options of their own. */
	if (argc > 1 && !strcmp(argv[1], "complete") && (argc != 3 || strcmp(argv[2], "--help")))
		return complete(argc - 2, argv + 2);
	opterr = 0;
	find_format(argc, argv);
	while ((option = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		enum status status = take_option(option, argc, argv);

		if (status != STATUS_OK)
			return status;
		if (option == 'V')
			return version();
		wants_help |= option == 'h';
	}
	if (optind >= argc)
		return wants_help ? print_help() : run(&no_command, 0, NULL);
	command = find_command(argv[optind]);
	if (!command)
		return unknown_command(argv[optind]);
	if (wants_help)
		return print_command_help(command);
	return run(command, argc - optind - 1, argv + optind + 1);
}
