/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shows, follows and ends what is exported and attached through the XPMEM module. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
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
		.summary = "all objects that you may see, or those of one kind",
		.details =
			"Only those whose KEYs have the VALUEs; without a kind, of the kinds that can be selected by all of them.\n",
		.options = "--columns",
		.sets = OBJECT_SETS,
		.filters = { &operation_exporter_get, &operation_segment_get, &operation_permit_get,
			     &operation_attachment_get, NULL },
		.run = list,
	},
	{
		.name = "inspect",
		.arguments = "exporter|segment|permit|attachment ID",
		.summary = "one object and who uses it",
		.details =
			"ID is decimal, or hexadecimal with 0x. With an object comes what exists through it: of an\n"
			"exporter its segments, of those their permits, and of those their attachments.\n",
		.options = "--columns",
		.sets = OBJECT_SETS,
		.run = inspect,
	},
	{
		.name = "tree",
		.arguments = "[KEY VALUE]...",
		.summary = "who exports, what of it, to whom, and where it is attached",
		.options = "--columns",
		.sets = OBJECT_SETS,
		.filters = { &operation_exporter_get, NULL },
		.run = tree,
	},
	{
		.name = "stats",
		.arguments = "[exporters|segments|attachments [KEY VALUE]...]",
		.summary =
			"what was done so far: on the whole machine, for its administrator, or object by object",
		.details =
			"  --watch [SECONDS]   again and again (every second), with the growth per second\n"
			"  --count NUMBER      so many times\n"
			"  --openmetrics       machine and exporters as OpenMetrics, for Prometheus' node_exporter\n",
		.options = "--columns --watch --count --openmetrics",
		.sets = { &stats_attributes, &exporter_attributes, &segment_attributes,
			  &attachment_attributes, NULL },
		.filters = { &operation_exporter_get, &operation_segment_get,
			     &operation_attachment_get, NULL },
		.run = stats,
	},
	{
		.name = "monitor",
		.arguments = "[KEY VALUE]...",
		.summary =
			"what is made and ends, as it happens, one line an event; for the machine's administrator",
		.details =
			"KEY is event, kind, reason, or a key of what the event tells of. Ends with ctrl-C.\n"
			"  --snapshot          first what is there; again when events were lost\n",
		.options = "--columns --snapshot",
		.sets = { &segment_attributes, &permit_attributes, &attachment_attributes,
			  &limit_attributes, &refusal_attributes, NULL },
		.run = monitor,
	},
	{
		.name = "revoke",
		.arguments = "segment|permit ID...",
		.summary = "the end of segments or permits of yours; the administrator may end any",
		.details = "What is attached through them stays mapped and raises SIGBUS.\n",
		.run = revoke_objects,
	},
	{
		.name = "info",
		.arguments = "",
		.summary = "what the loaded module is, can do and has done",
		.options = "--columns",
		.sets = { &info_attributes, NULL },
		.run = info,
	},
	{
		.name = "doctor",
		.arguments = "",
		.summary =
			"what keeps programs from using XPMEM, or from using it well, and what to do",
		.details = "Status 1 when there is a problem.\n",
		.run = doctor,
	},
	{
		.name = "schema",
		.arguments = "",
		.summary = "the JSON Schema of all that is printed as JSON",
		.run = schema,
	},
	{
		.name = "complete",
		.arguments = "[WORD]...",
		.summary = "what may come next on a command line of these words, for shells",
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
	     "Shows, follows and ends what is exported and attached through the XPMEM kernel module.\n");
	for (i = 0; i < command_count; i++)
		if (!commands[i].hidden)
			printf("  %s%s%s\n        %s\n", commands[i].name,
			       *commands[i].arguments ? " " : "", commands[i].arguments,
			       commands[i].summary);
	puts("\n"
	     "  -j, --json                JSON, one line a document (the default)\n"
	     "  -p, --pretty              JSON, indented\n"
	     "  -t, --table               aligned columns for people\n"
	     "  -o, --columns KEY[,KEY]   only these keys, in this order\n"
	     "  -H, --human               in columns, sizes like 4.0K and times as dates\n"
	     "  -h, --help                this text; after a command, what its output means\n"
	     "      --version             version of this tool\n"
	     "\n"
	     "You see your own objects in your ipc namespace; its administrator sees all of them.\n"
	     "Exit status: 0 done, 1 failed, 2 wrong use, 3 module not loaded, 4 not permitted,\n"
	     "5 no such object. See xpmemctl(8).");
	return output_finish();
}

static void print_keys(const struct attribute_set *set)
{
	size_t i;

	printf("\nKeys of %s:\n", set->name);
	for (i = 0; i < set->count; i++)
		printf("  %-16s %s\n", set->attributes[i].key, set->attributes[i].doc);
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

	printf("usage: xpmemctl %s [OPTION]...%s%s\n\nShows %s.\n%s", command->name,
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
 * A standard descriptor that is closed would be taken by the netlink socket, and output
 * would go there. Opened the wrong way round, using it fails as it should.
 */
static void occupy_standard_descriptors(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(STATUS_FAILED);
}

/* A positive number and nothing behind it. */
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

/* The list is split in place. */
static enum status parse_columns(char *list)
{
	char *column;

	options.columns = calloc(strlen(list) + 1, sizeof(*options.columns));
	if (!options.columns)
		return out_of_memory();
	while ((column = strsep(&list, ",")))
		options.columns[options.column_count++] = column;
	return STATUS_OK;
}

/* Options with a letter are for all commands, except that not all have columns. */
enum { OPTION_WATCH = 256, OPTION_COUNT, OPTION_OPENMETRICS, OPTION_SNAPSHOT, OPTION_VERSION };

static const char letters[] = ":jpto:Hh";

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "table", no_argument, NULL, 't' },
	{ "columns", required_argument, NULL, 'o' },
	{ "human", no_argument, NULL, 'H' },
	{ "watch", optional_argument, NULL, OPTION_WATCH },
	{ "count", required_argument, NULL, OPTION_COUNT },
	{ "openmetrics", no_argument, NULL, OPTION_OPENMETRICS },
	{ "snapshot", no_argument, NULL, OPTION_SNAPSHOT },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ 0 },
};

static void take_format(int option)
{
	if (option == 'j')
		options.format = FORMAT_JSON;
	else if (option == 'p')
		options.format = FORMAT_PRETTY;
	else if (option == 't')
		options.format = FORMAT_TABLE;
	else if (option == OPTION_OPENMETRICS)
		options.format = FORMAT_OPENMETRICS;
}

/* What is wrong with an earlier option is said in the format that a later one asks for. */
static void find_format(int argc, char **argv)
{
	char *copy[argc + 1];	/* which getopt puts in another order */
	int option;

	memcpy(copy, argv, sizeof(copy));
	while ((option = getopt_long(argc, copy, letters, long_options, NULL)) != -1)
		take_format(option);
	optind = 0;
}

static enum status refuse_option(int argc, char **argv)
{
	if (optopt && optopt < OPTION_WATCH && !strchr(letters, optopt))
		return fail(STATUS_USAGE, "unknown option \"-%c\"; see: xpmemctl --help", optopt);
	if (optopt)
		return fail(STATUS_USAGE, "option \"%.*s\" takes no value; see: xpmemctl --help",
			    (int)strcspn(argv[optind - 1], "="), argv[optind - 1]);
	return fail(STATUS_USAGE, "unknown option \"%s\"; see: xpmemctl --help",
		    argv[optind <= argc ? optind - 1 : argc - 1]);
}

/* The seconds may also be the next word. */
static enum status take_interval(int argc, char **argv)
{
	const char *text = optarg;

	if (!text && optind < argc && strchr("0123456789.", argv[optind][0]) && argv[optind][0])
		text = argv[optind++];
	options.interval = 1;
	if (text && !parse_seconds(text, &options.interval))
		return fail(STATUS_USAGE, "\"%s\" is no number of seconds to wait", text);
	return STATUS_OK;
}

/* Options that not every command takes, of those that were given. */
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
	case 'H':
		options.human = true;
		return STATUS_OK;
	case OPTION_WATCH:
		note_given("--watch");
		return take_interval(argc, argv);
	case OPTION_COUNT:
		note_given("--count");
		return parse_count(optarg, &options.count) ?
			       STATUS_OK :
			       fail(STATUS_USAGE, "\"%s\" is no count", optarg);
	case OPTION_OPENMETRICS:
		note_given("--openmetrics");
		return STATUS_OK;
	case OPTION_SNAPSHOT:
		note_given("--snapshot");
		options.snapshot = true;
		return STATUS_OK;
	case ':':
		return fail(STATUS_USAGE, "option \"%s\" lacks a value; see: xpmemctl --help", argv[argc - 1]);
	case '?':
		return refuse_option(argc, argv);
	default:
		return STATUS_OK;
	}
}

static bool takes_option(const struct command *command, const char *name)
{
	return command->options && strstr(command->options, name);
}

static enum status run(const struct command *command, int count, char **arguments)
{
	size_t i;

	for (i = 0; i < given.count; i++)
		if (!takes_option(command, given.names[i]))
			return fail(STATUS_USAGE, "%s takes no %s; see: xpmemctl %s --help",
				    command->name, given.names[i], command->name);
	return command->run(count, arguments);
}

static int version(void)
{
	puts("xpmemctl " XPMEM_VERSION);
	return output_finish();
}

int main(int argc, char **argv)
{
	const struct command *command;
	bool help = false;
	int option;

	occupy_standard_descriptors();
	/* What is completed has options that are not ours. */
	if (argc > 1 && !strcmp(argv[1], "complete") && (argc != 3 || strcmp(argv[2], "--help")))
		return complete(argc - 2, argv + 2);
	opterr = 0;
	find_format(argc, argv);
	while ((option = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		enum status status = take_option(option, argc, argv);

		if (status != STATUS_OK)
			return status;
		if (option == OPTION_VERSION)
			return version();
		help |= option == 'h';
	}
	if (optind >= argc)
		return help ? print_help() :
			      fail(STATUS_USAGE,
				   "what is to be done? say a command; see: xpmemctl --help");
	command = find_command(argv[optind]);
	if (!command)
		return fail(STATUS_USAGE, "unknown command \"%s\"; see: xpmemctl --help", argv[optind]);
	if (help)
		return print_command_help(command);
	return run(command, argc - optind - 1, argv + optind + 1);
}
