/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shows what is exported and attached through the XPMEM module. */
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "xpmemctl.h"

const struct noun nouns[NOUN_COUNT] = {
	[NOUN_SEGMENT] = { "segment", "segments", &operation_segment_get },
	[NOUN_PERMIT] = { "permit", "permits", &operation_permit_get },
	[NOUN_ATTACHMENT] = { "attachment", "attachments", &operation_attachment_get },
};

static const struct command commands[] = {
	{
		.name = "list",
		.arguments = "[segments|permits|attachments]",
		.summary = "all objects that you may see, or those of one kind",
		.keys = { true, true, true },
		.run = list,
	},
	{
		.name = "inspect",
		.arguments = "segment|permit|attachment ID",
		.summary = "one object and who uses it",
		.details = "ID is decimal, or hexadecimal with 0x. With a segment come its permits and their\n"
			   "attachments, with a permit its attachments.\n",
		.keys = { true, true, true },
		.run = inspect,
	},
	{
		.name = "info",
		.arguments = "",
		.summary = "what the loaded module is, can do and has done",
		.info_keys = true,
		.run = info,
	},
};

enum status fail(enum status status, const char *format, ...)
{
	va_list arguments;

	fputs("xpmemctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return status;
}

void warn(const char *message)
{
	fail(STATUS_OK, "%s", message);
}

static enum status print_help(void)
{
	size_t i;

	puts("usage: xpmemctl [--table] COMMAND [ARGUMENT]...\n"
	     "\n"
	     "Shows what is exported and attached through the XPMEM kernel module.\n");
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		printf("  %s%s%s\n        %s\n", commands[i].name, *commands[i].arguments ? " " : "", commands[i].arguments, commands[i].summary);
	puts("\n"
	     "  --table     aligned columns for people; otherwise JSON\n"
	     "  --help      this text; after a command, what its output means\n"
	     "  --version   version of this tool\n"
	     "\n"
	     "You see your own objects in your ipc namespace; its administrator sees all of them.\n"
	     "Exit status: 0 done, 1 failed, 2 wrong use, 3 module not loaded, 4 not permitted,\n"
	     "5 no such object. See xpmemctl(8).");
	return output_finish();
}

static void print_keys(const char *name, const struct attribute_set *set)
{
	size_t i;

	printf("\nKeys of %s:\n", name);
	for (i = 0; i < set->count; i++)
		printf("  %-16s %s\n", set->attributes[i].key, set->attributes[i].doc);
}

static enum status print_command_help(const struct command *command)
{
	char of[64];
	int i;

	printf("usage: xpmemctl %s [--table]%s%s\n\nShows %s.\n%s", command->name, *command->arguments ? " " : "", command->arguments,
	       command->summary, command->details ? command->details : "");
	for (i = 0; i < NOUN_COUNT; i++)
		if (command->keys[i]) {
			snprintf(of, sizeof(of), "a%s %s", strchr("aeiou", nouns[i].singular[0]) ? "n" : "", nouns[i].singular);
			print_keys(of, nouns[i].get->set);
		}
	if (command->info_keys)
		print_keys("info", &info_attributes);
	return output_finish();
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
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

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "table", no_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 },
	};
	bool table = false, help = false;
	const struct command *command;
	int option;

	occupy_standard_descriptors();
	opterr = 0;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 't':
			table = true;
			break;
		case 'h':
			help = true;
			break;
		case 'v':
			puts("xpmemctl " XPMEM_VERSION);
			return output_finish();
		default:
			return fail(STATUS_USAGE, "unknown option \"%s\"; see: xpmemctl --help", argv[optind - 1]);
		}
	}
	if (optind == argc)
		return help ? print_help() : fail(STATUS_USAGE, "what is to be done? say a command; see: xpmemctl --help");
	command = find_command(argv[optind]);
	if (!command)
		return fail(STATUS_USAGE, "unknown command \"%s\"; see: xpmemctl --help", argv[optind]);
	if (help)
		return print_command_help(command);
	return command->run(argc - optind - 1, argv + optind + 1, table);
}
