/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes every file that has to agree with the ABI, from its two specifications and templates. */
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rules.h"
#include "template.h"

static const char usage[] =
	"usage: generate [--spec-dir DIR] [--out-root DIR]\n"
	"\n"
	"Reads ioctl.yaml and control.yaml in the spec dir (abi) and writes every generated file\n"
	"from them below the out root (the current folder). Files that would not change are\n"
	"left alone. Exit status: 0, or 1 with one line on what is wrong and where.\n";

/* The generated files. The template of each has its path below abi/templates, and ends with .in. */
static const char *const files[] = {
	"abi/REFERENCE.md",
	"abi/netlink.yaml",
	"module/abi_assert_gen.h",
	"module/ioctl_gen.c",
	"module/ioctl_gen.h",
	"module/netlink_gen.c",
	"module/netlink_gen.h",
	"module/stats_gen.h",
	"python/xpmem/_abi_gen.py",
	"tests/programs/abi_table_gen.h",
	"tests/programs/netlink_table_gen.h",
	"tools/xpmemctl/netlink_gen.c",
	"tools/xpmemctl/netlink_gen.h",
	"tools/xpmemctl/schema.json",
	"uapi/linux/xpmem.h",
};

static _Noreturn void fail_file(const char *verb, const char *path)
{
	fprintf(stderr, "generate: cannot %s %s: %s\n", verb, path, strerror(errno));
	exit(1);
}

static char *path_in(const char *folder, const char *file, const char *suffix)
{
	size_t size = strlen(folder) + strlen(file) + strlen(suffix) + 2;
	char *path = malloc(size);

	if (!path)
		fail_without_memory();
	snprintf(path, size, "%s/%s%s", folder, file, suffix);
	return path;
}

static void make_folders(const char *path)
{
	const char *slash;
	char *folder;

	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		folder = strndup(path, slash - path);
		if (!folder)
			fail_without_memory();
		if (mkdir(folder, 0777) && errno != EEXIST)
			fail_file("make folder", folder);
		free(folder);
	}
}

static void write_file(const char *path, const char *text)
{
	const char *old = file_read(path);
	FILE *file;

	if (old && !strcmp(old, text))
		return;
	make_folders(path);
	file = fopen(path, "w");
	if (!file)
		fail_file("write", path);
	fputs(text, file);
	if (fclose(file))
		fail_file("write", path);
}

/* So templates need no layout, and may leave a comma after the last item of a list. */
static const char *lay_out_json(const char *path, const char *text)
{
	enum json_tokener_error error;
	struct json_object *object = json_tokener_parse_verbose(text, &error);
	char *laid_out;

	if (!object) {
		fprintf(stderr, "generate: %s: not JSON: %s\n", path,
			json_tokener_error_desc(error));
		exit(1);
	}
	if (asprintf(&laid_out, "%s\n",
		     json_object_to_json_string_ext(
			     object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
					     JSON_C_TO_STRING_NOSLASHESCAPE)) < 0)
		fail_without_memory();
	return laid_out;
}

static void make_file(const char *path, const struct scope *specs, const char *out_root)
{
	const char *text = template_render(path_in(TEMPLATES, path, ".in"), specs);

	if (strstr(path, ".json"))
		text = lay_out_json(path, text);
	write_file(path_in(out_root, path, ""), text);
}

static void make_files(const char *spec_dir, const char *out_root)
{
	struct scope ioctl = { .name = "ioctl" }, netlink = { .name = "netlink", .outer = &ioctl };
	size_t i;

	ioctl.value = ioctl_spec_load(path_in(spec_dir, "ioctl.yaml", ""));
	netlink.value = netlink_spec_load(path_in(spec_dir, "control.yaml", ""), ioctl.value);
	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		make_file(files[i], &netlink, out_root);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "spec-dir", required_argument, NULL, 's' },
		{ "out-root", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *spec_dir = "abi", *out_root = ".";
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 's':
			spec_dir = optarg;
			break;
		case 'o':
			out_root = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs("try: generate --help\n", stderr);
			return 1;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "generate: unexpected argument \"%s\"; try: generate --help\n",
			argv[optind]);
		return 1;
	}
	make_files(spec_dir, out_root);
	return 0;
}
