/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "xpmemctl.h"

static enum status parse_ids(int count, char **arguments, int64_t *ids)
{
	int i;

	for (i = 0; i < count; i++) {
		ids[i] = parse_id(arguments[i]);
		if (!ids[i]) {
			fail(STATUS_USAGE,
			     "\"%s\" is not an id; give a positive number, decimal or 0x and hexadecimal",
			     arguments[i]);
			return STATUS_USAGE;
		}
	}
	return STATUS_OK;
}

/* Lists the objects that were revoked before an error, too. */
static enum status print(const struct noun *noun, int64_t id)
{
	struct json_object *item;
	char text[32];

	json_format_id(text, sizeof(text), id);
	if (options.format == FORMAT_TABLE) {
		printf("revoked %s %s\n", noun->singular, text);
		return STATUS_OK;
	}
	item = json_object_new_object();
	if (!json_put(item, "kind", json_object_new_string(noun->singular)) ||
	    !json_put(item, "id", json_object_new_string(text))) {
		json_object_put(item);
		return out_of_memory();
	}
	output_item(item);
	json_object_put(item);
	return STATUS_OK;
}

enum status revoke_objects(int count, char **arguments)
{
	int noun = count ? noun_of(arguments[0]) : NOUN_COUNT, i;
	int64_t ids[count ? count : 1];
	struct netlink netlink;
	enum status status;

	if (count < 2)
		return fail(STATUS_USAGE,
			    "revoke takes a kind and ids: xpmemctl revoke segment|permit ID...");
	if (noun == NOUN_COUNT || !nouns[noun].revoke) {
		struct guess guess;

		guess_begin(&guess, arguments[0]);
		for (i = 0; i < NOUN_COUNT; i++)
			if (nouns[i].revoke)
				guess_add(&guess, nouns[i].singular);
		return fail(STATUS_USAGE, "cannot revoke \"%s\"; give segment or permit%s",
			    arguments[0], guess_text(&guess, "; ", ""));
	}
	status = parse_ids(count - 1, arguments + 1, ids);
	if (status == STATUS_OK)
		status = netlink_open(&netlink);
	if (status != STATUS_OK)
		return status;
	if (options.format != FORMAT_TABLE) {
		output_begin();
		output_array_begin("revoked");
	}
	for (i = 0; i < count - 1 && status == STATUS_OK; i++) {
		status = netlink_do(&netlink, nouns[noun].revoke, ids[i]);
		if (status == STATUS_OK)
			status = print(&nouns[noun], ids[i]);
	}
	netlink_close(&netlink);
	if (status != STATUS_OK)
		return status;
	if (options.format == FORMAT_TABLE)
		return output_finish();
	output_array_end();
	return output_end();
}
