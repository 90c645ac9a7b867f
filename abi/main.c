/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes every file that has to agree with the ABI, from its two specifications. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "output.h"

static const char usage[] =
	"usage: generate [--spec-dir DIR] [--out-root DIR]\n"
	"\n"
	"Reads ioctl.yaml and control.yaml in the spec dir (abi) and writes every generated file\n"
	"from them below the out root (the current folder). Files that would not change are\n"
	"left alone. Exit status: 0, or 1 with one line on what is wrong and where.\n";

static const char *path_in(const char *folder, const char *file)
{
	char *path;

	if (asprintf(&path, "%s/%s", folder, file) < 0) {
		fputs("generate: out of memory\n", stderr);
		exit(1);
	}
	return path;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "spec-dir", required_argument, NULL, 's' },
		{ "out-root", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static void (*const emitters[])(const struct specs *specs, const char *root) = {
		emit_uapi, emit_layout, emit_module_ioctl, emit_module_netlink, emit_ynl,
		emit_tool, emit_schema, emit_conformance, emit_netlink_conformance, emit_python,
		emit_reference,
	};
	const char *spec_dir = "abi", *out_root = ".";
	struct specs specs;
	size_t i;
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
	specs.ioctls = ioctl_spec_load(path_in(spec_dir, "ioctl.yaml"));
	specs.netlink = netlink_spec_load(path_in(spec_dir, "control.yaml"), specs.ioctls);
	for (i = 0; i < sizeof(emitters) / sizeof(*emitters); i++)
		emitters[i](&specs, out_root);
	return 0;
}
