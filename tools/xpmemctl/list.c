/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "xpmemctl.h"

static enum status print(const struct netlink *netlink, struct json_object **arrays, bool table)
{
	struct json_object *output;
	enum status status = STATUS_OK;
	const char *separator = "";
	int i;

	if (table) {
		for (i = 0; i < NOUN_COUNT; i++)
			if (arrays[i]) {
				fputs(separator, stdout);
				table_print_rows(nouns[i].plural, nouns[i].get->set, arrays[i]);
				separator = "\n";
			}
		return output_finish();
	}
	output = json_output(netlink);
	for (i = 0; i < NOUN_COUNT && output; i++)
		if (arrays[i] && !json_put(output, nouns[i].plural, json_object_get(arrays[i]))) {
			json_object_put(output);
			output = NULL;
		}
	status = output ? json_print(output) : fail(STATUS_FAILED, "out of memory");
	json_object_put(output);
	return status;
}

enum status list(int count, char **arguments, bool table)
{
	struct json_object *arrays[NOUN_COUNT] = { NULL };
	enum status status;
	struct netlink netlink;
	int only = -1, i;

	if (count > 1)
		return fail(STATUS_USAGE, "list takes one argument at most; see: xpmemctl list --help");
	for (i = 0; count && i < NOUN_COUNT; i++)
		if (!strcmp(arguments[0], nouns[i].plural))
			only = i;
	if (count && only < 0)
		return fail(STATUS_USAGE, "cannot list \"%s\"; say segments, permits or attachments", arguments[0]);

	status = netlink_open(&netlink);
	for (i = 0; i < NOUN_COUNT && status == STATUS_OK; i++)
		if (only < 0 || only == i)
			status = netlink_dump(&netlink, nouns[i].get, &arrays[i]);
	if (status == STATUS_OK) {
		if (netlink.interrupted)
			warn("objects keep coming and going: some may be missing or there twice");
		status = print(&netlink, arrays, table);
	}
	for (i = 0; i < NOUN_COUNT; i++)
		json_object_put(arrays[i]);
	netlink_close(&netlink);
	return status;
}
