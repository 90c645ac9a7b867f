/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes every file that has to agree with the ABI, from its two specifications and templates. */
#include <err.h>
#include <errno.h>
#include <ftw.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rules.h"
#include "template.h"

static const char usage[] =
	"usage: generate SPEC_DIR OUT_ROOT\n"
	"\n"
	"Reads ioctl.yaml and control.yaml in SPEC_DIR (abi) and writes every generated file from\n"
	"them below OUT_ROOT. Files that would not change are left alone. Exit status: 0, or 1\n"
	"with one line on what is wrong and where.\n";

/* The ioctl specification, and within it that of the netlink family, which uses its enums. */
static struct scope ioctls = { .name = "ioctl" };
static struct scope specs = { .name = "netlink", .outer = &ioctls };
static const char *out_root;

static void write_file(const char *path, const char *text)
{
	const char *old = file_read(path);
	FILE *file;

	if (old && !strcmp(old, text))
		return;
	file = fopen(path, "w");
	if (!file || fputs(text, file) == EOF || fclose(file))
		err(1, "cannot write %s", path);
}

/* So templates need no layout, and may leave a comma after the last item of a list. */
static const char *lay_out_json(const char *path, const char *text)
{
	const int layout = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
			   JSON_C_TO_STRING_NOSLASHESCAPE;
	enum json_tokener_error error;
	struct json_object *object = json_tokener_parse_verbose(text, &error);

	if (!object)
		errx(1, "%s: not JSON: %s", path, json_tokener_error_desc(error));
	return format_text("%s\n", json_object_to_json_string_ext(object, layout));
}

/* The template of a file has the file's path, below TEMPLATES, and the suffix .in. */
static int make_file(const char *template, const struct stat *status, int type, struct FTW *place)
{
	char *path = format_text("%s%s", out_root, template + strlen(TEMPLATES));
	char *suffix = path + strlen(path) - strlen(".in");
	const char *text;

	(void)status;
	(void)place;
	if (type == FTW_D && mkdir(path, 0777) && errno != EEXIST)
		err(1, "cannot make folder %s", path);
	if (type != FTW_F || strcmp(suffix, ".in"))
		return 0;
	*suffix = '\0';
	text = template_render(template, &specs);
	write_file(path, strstr(template, ".json") ? lay_out_json(path, text) : text);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs(usage, stderr);
		return 1;
	}
	out_root = argv[2];
	ioctls.value = ioctl_spec_load(format_text("%s/ioctl.yaml", argv[1]));
	specs.value = netlink_spec_load(format_text("%s/control.yaml", argv[1]), ioctls.value);
	if (nftw(TEMPLATES, make_file, 8, FTW_PHYS))
		err(1, "cannot read %s", TEMPLATES);
	return 0;
}
