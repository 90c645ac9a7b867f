/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints a file that has to agree with the ABI, from the two specifications and its template. The
 * exit status is 0, or 1 with one line on what is wrong and where.
 */
#include <err.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "rules.h"
#include "template.h"

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

int main(int argc, char **argv)
{
	struct scope ioctl = { .name = "ioctl" }, netlink = { .name = "netlink", .outer = &ioctl };
	struct node *ioctls;
	const char *text;

	if (argc != 3)
		errx(1, "usage: generate SPEC_DIR TEMPLATE");
	ioctls = ioctl_spec_load(format_text("%s/ioctl.yaml", argv[1]));
	ioctl.value = ioctls;
	netlink.value = netlink_spec_load(format_text("%s/control.yaml", argv[1]), ioctls);
	text = template_render(argv[2], &netlink);
	fputs(strstr(argv[2], ".json.") ? lay_out_json(argv[2], text) : text, stdout);
	if (ferror(stdout) || fclose(stdout))
		err(1, "cannot write");
	return 0;
}
