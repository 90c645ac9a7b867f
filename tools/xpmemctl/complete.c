/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion for shells: prints candidates for the last of the given words, one per line. Reports
 * no errors.
 */
#include <string.h>

#include "xpmemctl.h"

static const char *word;	/* word to complete */

static void offer(const char *candidate)
{
	if (!strncmp(candidate, word, strlen(word)))
		puts(candidate);
}

static enum status offer_id(struct json_object *object, void *data)
{
	(void)data;
	offer(json_text_or(object, "id", ""));
	return STATUS_OK;
}

/* Ids of existing objects, if the module is loaded. */
static void offer_ids(int noun)
{
	struct netlink netlink;

	if (noun == NOUN_COUNT || netlink_open(&netlink) != STATUS_OK)
		return;
	netlink_dump(&netlink, nouns[noun].get, NULL, offer_id, NULL);
	netlink_close(&netlink);
}

static void offer_plurals(void)
{
	int i;

	for (i = 0; i < NOUN_COUNT; i++)
		offer(nouns[i].plural);
}

static const struct attribute *attribute_of(const struct operation *operation, int id)
{
	size_t i;

	for (i = 0; operation->set->attributes[i].id != id; i++)
		;
	return &operation->set->attributes[i];
}

/* A key, or a value of the key before it: names, or ids of the kind that the key names. */
static void offer_filter(const struct operation *operation, int count, char **arguments)
{
	const char *key = count % 2 ? NULL : arguments[count - 2];
	const struct value_name *name;
	char noun[32];
	size_t i;

	for (i = 0; i < operation->filter_count; i++) {
		const struct attribute *attribute = attribute_of(operation, operation->filter[i]);

		if (!key) {
			offer(attribute->key);
			continue;
		}
		if (strcmp(attribute->key, key))
			continue;
		for (name = attribute->names; name && name->name; name++)
			offer(name->name);
		snprintf(noun, sizeof(noun), "%.*s", (int)strcspn(key, "_"), key);
		offer_ids(!strcmp(key, "id") ? noun_of_singular(operation->set->name) : noun_of_singular(noun));
	}
}

static void offer_monitor(int count, char **arguments)
{
	size_t i;

	if (count % 2) {
		offer("event");
		offer("kind");
		for (i = 0; i < segment_attributes.count; i++)
			offer(segment_attributes.attributes[i].key);
		return;
	}
	if (!strcmp(arguments[count - 2], "event")) {
		for (i = 0; i < EVENT_COUNT; i++)
			offer(events[i].name);
		offer("present");
	} else if (!strcmp(arguments[count - 2], "kind")) {
		for (i = NOUN_SEGMENT; i < NOUN_COUNT; i++)
			offer(nouns[i].singular);
	}
}

static void offer_options(const struct command *command)
{
	static const char *const common[] = { "--json", "--pretty", "--table", "--human", "--help" };
	char own[128], *option, *rest = own;
	size_t i;

	for (i = 0; i < sizeof(common) / sizeof(*common); i++)
		offer(common[i]);
	if (!command) {
		offer("--columns");
		offer("--version");
		return;
	}
	snprintf(own, sizeof(own), "%s", command->options ? command->options : "");
	while ((option = strsep(&rest, " ")))
		if (*option)
			offer(option);
}

static void offer_arguments(const char *command, int count, char **arguments)
{
	int noun = NOUN_COUNT, i;

	if (!strcmp(command, "list") || !strcmp(command, "stats")) {
		if (count == 1)
			offer_plurals();
		else if ((noun = noun_of_plural(arguments[0])) != NOUN_COUNT)
			offer_filter(nouns[noun].get, count - 1, arguments + 1);
	} else if (!strcmp(command, "tree")) {
		offer_filter(&operation_exporter_get, count, arguments);
	} else if (!strcmp(command, "monitor")) {
		offer_monitor(count, arguments);
	} else if (!strcmp(command, "inspect") || !strcmp(command, "revoke")) {
		for (i = 0; count == 1 && i < NOUN_COUNT; i++)
			if (*command == 'i' || nouns[i].revoke)
				offer(nouns[i].singular);
		if (count > 1)
			noun = noun_of_singular(arguments[0]);
		if (*command == 'r' || count == 2)
			offer_ids(noun);
	}
}

/* Whether one of the first sets has a key. */
static bool has_key(const struct attribute_set *const *sets, size_t count, const char *key)
{
	size_t i, j;

	for (i = 0; i < count; i++)
		for (j = 0; j < sets[i]->count; j++)
			if (!strcmp(sets[i]->attributes[j].key, key))
				return true;
	return false;
}

static bool takes_columns(const char *option)
{
	return !strcmp(option, "-o") || !strcmp(option, "--columns");
}

static bool is_value(const char *option, const char *text)
{
	return takes_columns(option) || !strcmp(option, "--count") ||
	       (!strcmp(option, "--watch") && strchr("0123456789.", *text));
}

/* The last of some keys with commas between them, after those before it. */
static void offer_columns(const struct command *command)
{
	const char *last = strrchr(word, ','), *key;
	int before = last ? last + 1 - word : 0;
	char candidate[256];
	size_t i, j;

	for (i = 0; command && command->sets[i]; i++)
		for (j = 0; j < command->sets[i]->count; j++) {
			key = command->sets[i]->attributes[j].key;
			if (has_key(command->sets, i, key))
				continue;
			snprintf(candidate, sizeof(candidate), "%.*s%s", before, word, key);
			offer(candidate);
		}
}

enum status complete(int count, char **arguments)
{
	const struct command *command = NULL;
	char *plain[count + 1];
	int plain_count = 0, i;
	size_t j;

	/* Without its options and their values; the last word counts, whatever it is. */
	for (i = 0; i < count; i++)
		if (i == count - 1 ||
		    (arguments[i][0] != '-' && !(i && is_value(arguments[i - 1], arguments[i]))))
			plain[plain_count++] = arguments[i];
	word = count ? arguments[count - 1] : "";
	for (j = 0; plain_count > 1 && j < command_count; j++)
		if (!strcmp(commands[j].name, plain[0]))
			command = &commands[j];
	/* Error messages must not appear between the user's words. */
	options.format = FORMAT_TABLE;
	if (!freopen("/dev/null", "w", stderr))
		return STATUS_FAILED;
	if (count > 1 && takes_columns(arguments[count - 2]))
		offer_columns(command);
	else if (*word == '-')
		offer_options(command);
	else if (plain_count <= 1)
		for (j = 0; j < command_count; j++) {
			if (!commands[j].hidden)
				offer(commands[j].name);
		}
	else if (command)
		offer_arguments(command->name, plain_count - 1, plain + 1);
	return output_finish();
}
