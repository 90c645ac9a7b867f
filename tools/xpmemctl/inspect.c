/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xpmemctl.h"

/* Hexadecimal with 0x, or decimal; 0 when it is no id. */
static int64_t parse_id(const char *text)
{
	int base = !strncmp(text, "0x", 2) || !strncmp(text, "0X", 2) ? 16 : 10;
	const char *digits = base == 16 ? text + 2 : text;
	char *end;
	long long id;

	if (!*digits || digits[strspn(digits, base == 16 ? "0123456789abcdefABCDEF" : "0123456789")])
		return 0;
	errno = 0;
	id = strtoll(digits, &end, base);
	return errno || *end ? 0 : id;
}

static enum status print(const struct netlink *netlink, int noun, struct json_object *object, struct json_object **users, bool table)
{
	struct json_object *output;
	enum status status;
	int i;

	if (table) {
		table_print_object(nouns[noun].singular, nouns[noun].get->set, object);
		for (i = noun + 1; i < NOUN_COUNT; i++) {
			putchar('\n');
			table_print_rows(nouns[i].plural, nouns[i].get->set, users[i]);
		}
		return output_finish();
	}
	output = json_output(netlink);
	if (output && !json_put(output, nouns[noun].singular, json_object_get(object))) {
		json_object_put(output);
		output = NULL;
	}
	for (i = noun + 1; i < NOUN_COUNT && output; i++)
		if (!json_put(output, nouns[i].plural, json_object_get(users[i]))) {
			json_object_put(output);
			output = NULL;
		}
	status = output ? json_print(output) : fail(STATUS_FAILED, "out of memory");
	json_object_put(output);
	return status;
}

/* What exists through an object: of a segment its permits and attachments, of a permit its attachments. */
static enum status find_users(struct netlink *netlink, int noun, const char *id, struct json_object **users)
{
	struct json_object *all;
	enum status status;
	char key[64];
	int i;

	snprintf(key, sizeof(key), "%s_id", nouns[noun].singular);
	for (i = noun + 1; i < NOUN_COUNT; i++) {
		status = netlink_dump(netlink, nouns[i].get, &all);
		if (status != STATUS_OK)
			return status;
		users[i] = json_select(all, key, id);
		json_object_put(all);
		if (!users[i])
			return fail(STATUS_FAILED, "out of memory");
	}
	return STATUS_OK;
}

enum status inspect(int count, char **arguments, bool table)
{
	struct json_object *users[NOUN_COUNT] = { NULL }, *object = NULL;
	struct netlink netlink;
	enum status status;
	int noun, i;
	int64_t id;
	char text[32];

	if (count != 2)
		return fail(STATUS_USAGE, "inspect takes what and which: xpmemctl inspect segment|permit|attachment ID");
	for (noun = 0; noun < NOUN_COUNT && strcmp(arguments[0], nouns[noun].singular); noun++)
		;
	if (noun == NOUN_COUNT)
		return fail(STATUS_USAGE, "cannot inspect \"%s\"; say segment, permit or attachment", arguments[0]);
	id = parse_id(arguments[1]);
	if (id <= 0)
		return fail(STATUS_USAGE, "\"%s\" is no id; give a positive number, decimal or 0x and hexadecimal", arguments[1]);
	json_format_id(text, sizeof(text), id);

	status = netlink_open(&netlink);
	if (status != STATUS_OK)
		return status;
	status = netlink_get(&netlink, nouns[noun].get, id, &object);
	if (status == STATUS_OK)
		status = find_users(&netlink, noun, text, users);
	if (status == STATUS_OK) {
		if (netlink.interrupted)
			warn("objects keep coming and going: some may be missing or there twice");
		status = print(&netlink, noun, object, users, table);
	}
	json_object_put(object);
	for (i = 0; i < NOUN_COUNT; i++)
		json_object_put(users[i]);
	netlink_close(&netlink);
	return status;
}
