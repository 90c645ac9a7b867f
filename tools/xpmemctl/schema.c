/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xpmemctl.h"

/* The build makes it from schema.json. */
static const char *const lines[] = {
#include "schema_text.h"
};

enum status schema(int count, char **arguments)
{
	size_t i;

	if (count)
		return fail(
			STATUS_USAGE,
			"schema takes no argument, but there is \"%s\"; see: xpmemctl schema --help",
			arguments[0]);
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		puts(lines[i]);
	return output_finish();
}
