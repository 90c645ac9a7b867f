/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion for shells: prints candidates for the last of the given words, one per line, and with
 * --describe what each means. Reports no errors.
 */
#include <pwd.h>
#include <string.h>

#include "xpmemctl.h"

static const char *word;	/* word to complete */
static bool describe;		/* whether candidates have a tab and a description after them */

static void offer_described(const char *candidate, const char *description)
{
	if (strncmp(candidate, word, strlen(word)))
		return;
	if (describe && description)
		printf("%s\t%s\n", candidate, description);
	else
		puts(candidate);
}

static void offer(const char *candidate)
{
	offer_described(candidate, NULL);
}

static enum status offer_id(struct json_object *object, void *data)
{
	const char *name = json_text(object, "name");
	char description[128];

	(void)data;
	snprintf(description, sizeof(description), "of process %llu%s%s",
		 (unsigned long long)json_number(object, "pid"), name ? ": " : "",
		 name ? name : "");
	offer_described(json_text_or(object, "id", ""), description);
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

/* The kinds of objects that a command selects by keys. */
static void offer_plurals(const struct command *command)
{
	int i, j;

	for (i = 0; i < NOUN_COUNT; i++)
		for (j = 0; command->filters[j]; j++)
			if (command->filters[j] == nouns[i].get)
				offer(nouns[i].plural);
}

static const struct attribute *attribute_of(const struct operation *operation, int id)
{
	size_t i;

	for (i = 0; operation->set->attributes[i].id != id; i++)
		;
	return &operation->set->attributes[i];
}

static void offer_users(void)
{
	const struct passwd *user;

	for (setpwent(); (user = getpwent());)
		offer(user->pw_name);
	endpwent();
}

/* A key, or a value of the key before it: names, or ids of the kind that the key names. */
static void offer_filter(const struct operation *operation, int count, char **arguments)
{
	const char *key = count % 2 ? NULL : arguments[count - 2];
	const struct value_name *name;
	char noun[32];
	size_t i;

	if (!key && column_of(operation->set, "command"))
		offer_described("comm", "Name of the process.");
	for (i = 0; i < operation->filter_count; i++) {
		const struct attribute *attribute = attribute_of(operation, operation->filter[i]);

		if (!key) {
			offer_described(attribute->key, attribute->doc);
			continue;
		}
		if (strcmp(attribute->key, key))
			continue;
		for (name = attribute->names; name && name->name; name++)
			offer(name->name);
		snprintf(noun, sizeof(noun), "%.*s", (int)strcspn(key, "_"), key);
		if (!strcmp(key, "uid"))
			offer_users();
		offer_ids(!strcmp(key, "id") ? noun_of(operation->set->name) :
					       noun_of(noun));
	}
}

static void offer_monitor(int count, char **arguments)
{
	size_t i;

	if (count % 2) {
		offer_described("event", "What happened.");
		offer_described("kind", "Kind of the object.");
		offer_described("comm", "Name of the process.");
		for (i = 0; i < segment_attributes.count; i++)
			offer_described(segment_attributes.attributes[i].key,
					segment_attributes.attributes[i].doc);
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

static const struct {
	const char *letter;	/* or NULL */
	const char *name;
	const char *description;
	bool special;		/* only for the commands that name it */
} known_options[] = {
	{ "-j", "--json", "JSON, one line per document", false },
	{ "-p", "--pretty", "JSON, indented", false },
	{ "-t", "--table", "tables for people", false },
	{ "-o", "--columns", "only these keys, in this order", true },
	{ NULL, "--sort", "sort objects by a key", true },
	{ "-n", "--noheadings", "tables without headings", false },
	{ "-b", "--bytes", "sizes in tables in bytes", false },
	{ "-H", "--human", "sizes such as 4.0K", false },
	{ "-h", "--help", "help text", false },
	{ "-V", "--version", "version of this tool", false },
	{ NULL, "--watch", "repeat, with the growth per second", true },
	{ "-d", "--delay", "seconds between looks", true },
	{ NULL, "--count", "end after this number of rounds", true },
	{ NULL, "--prometheus", "metrics for node_exporter's textfile collector", true },
	{ NULL, "--by", "also series of each exporter or user", true },
	{ NULL, "--openmetrics", "metrics as OpenMetrics", true },
	{ NULL, "--output", "file to write the metrics to", true },
	{ NULL, "--snapshot", "list existing objects first", true },
	{ NULL, "--fix", "run the commands that mend problems", true },
	{ NULL, "--dry-run", "only print them", true },
	{ NULL, "--describe", "print what each candidate means", true },
};

/* Whether a command has the option, or before a command any may. */
static bool may_have(const struct command *command, size_t number)
{
	const char *name = known_options[number].name;

	if (!known_options[number].special)
		return true;
	return command ? command->options && strstr(command->options, name) :
			 !strcmp(name, "--columns");
}

static void offer_options(const struct command *command)
{
	size_t i;

	for (i = 0; i < sizeof(known_options) / sizeof(*known_options); i++) {
		if (!may_have(command, i))
			continue;
		offer_described(known_options[i].name, known_options[i].description);
		if (known_options[i].letter)
			offer_described(known_options[i].letter, known_options[i].description);
	}
}

static void offer_arguments(const struct command *of, int count, char **arguments)
{
	const char *command = of->name;
	int noun = NOUN_COUNT, i;

	if (!strcmp(command, "list") || !strcmp(command, "stats")) {
		if (count == 1)
			offer_plurals(of);
		else if ((noun = noun_of(arguments[0])) != NOUN_COUNT)
			offer_filter(nouns[noun].get, count - 1, arguments + 1);
	} else if (!strcmp(command, "usage")) {
		for (i = 0; count == 1 && i < GROUPING_COUNT; i++)
			offer(groupings[i].plural);
	} else if (!strcmp(command, "tree")) {
		offer_filter(&operation_exporter_get, count, arguments);
	} else if (!strcmp(command, "monitor")) {
		offer_monitor(count, arguments);
	} else if (!strcmp(command, "inspect") || !strcmp(command, "revoke")) {
		for (i = 0; count == 1 && i < NOUN_COUNT; i++)
			if (*command == 'i' || nouns[i].revoke)
				offer(nouns[i].singular);
		if (count > 1)
			noun = noun_of(arguments[0]);
		if (*command == 'r' || count == 2)
			offer_ids(noun);
	}
}

/* Whether one of the first sets has a key. */
static bool has_key(const struct attribute_set *const *sets, size_t count, const char *key)
{
	size_t i;

	for (i = 0; i < count && !column_of(sets[i], key); i++)
		;
	return i < count;
}

/* -o may be the last of several letters. */
static bool takes_columns(const char *option)
{
	return !strcmp(option, "--columns") ||
	       (option[0] == '-' && option[1] != '-' && option[strcspn(option, "o")] &&
		!option[strcspn(option, "o") + 1]);
}

static bool is_value(const char *option, const char *text)
{
	return takes_columns(option) || !strcmp(option, "--count") || !strcmp(option, "--delay") ||
	       !strcmp(option, "-d") || !strcmp(option, "--sort") || !strcmp(option, "--by") ||
	       !strcmp(option, "--output") ||
	       (!strcmp(option, "--watch") && strchr("0123456789.", *text));
}

static void offer_after(int length, const char *before, const struct attribute *column)
{
	char candidate[256];

	snprintf(candidate, sizeof(candidate), "%.*s%s", length, before, column->key);
	offer_described(candidate, column->doc);
}

/* What series may be of, after an option. */
static void offer_kinds_of_series(const char *before)
{
	static const char *const kinds[] = { "exporter", "user", "exporter,user" };
	char candidate[64];
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		snprintf(candidate, sizeof(candidate), "%s%s", before, kinds[i]);
		offer(candidate);
	}
}

/*
 * Keys after what comes before them: an option, other keys with commas between them, a plus or a
 * minus.
 */
static void offer_columns(const struct attribute_set *const *sets, const char *keys, bool all)
{
	const struct attribute *column;
	const char *last = strrchr(keys, ',');
	int before = (last ? last + 1 : keys) - word;
	size_t i, j;

	if (all && word[before] != '+')
		offer_after(before, word,
			    &(struct attribute){ .key = "all", .doc = "All keys." });
	if (!last && (word[before] == '+' || word[before] == '-'))
		before++;
	for (i = 0; sets[i]; i++)
		for (j = 0; (column = column_at(sets[i], j)); j++)
			if (!has_key(sets, i, column->key))
				offer_after(before, word, column);
}

enum status complete(int count, char **arguments)
{
	const struct attribute_set *of_noun[] = { NULL, NULL }, *const *sets = of_noun;
	const struct command *command = NULL;
	char *plain[count + 1];
	int plain_count = 0, i;
	size_t j;

	if (count && !strcmp(arguments[0], "--describe")) {
		describe = true;
		count--;
		arguments++;
	}
	plain[0] = NULL;
	/* Without its options and their values; the last word counts, whatever it is. */
	for (i = 0; i < count; i++)
		if (i == count - 1 ||
		    (arguments[i][0] != '-' && !(i && is_value(arguments[i - 1], arguments[i]))))
			plain[plain_count++] = arguments[i];
	word = count ? arguments[count - 1] : "";
	for (j = 0; plain_count > 1 && j < command_count; j++)
		if (!strcmp(commands[j].name, plain[0]))
			command = &commands[j];
	if (command)
		sets = command->sets;
	/* All objects that list and stats show are of the kind that is named. */
	if (command && command->filters[0] && plain_count > 2 &&
	    noun_of(plain[1]) != NOUN_COUNT) {
		of_noun[0] = nouns[noun_of(plain[1])].get->set;
		sets = of_noun;
	}
	/* Error messages must not appear between the user's words. */
	options.format = FORMAT_TABLE;
	if (!freopen("/dev/null", "w", stderr))
		return STATUS_FAILED;
	if (count > 1 && takes_columns(arguments[count - 2]))
		offer_columns(sets, word, true);
	else if (!strncmp(word, "--columns=", strlen("--columns=")))
		offer_columns(sets, word + strlen("--columns="), true);
	else if (count > 1 && !strcmp(arguments[count - 2], "--sort"))
		offer_columns(sets, word, false);
	else if (!strncmp(word, "--sort=", strlen("--sort=")))
		offer_columns(sets, word + strlen("--sort="), false);
	else if (count > 1 && !strcmp(arguments[count - 2], "--by"))
		offer_kinds_of_series("");
	else if (!strncmp(word, "--by=", strlen("--by=")))
		offer_kinds_of_series("--by=");
	else if (*word == '-')
		offer_options(command);
	else if (count > 1 && !strcmp(arguments[count - 2], "--output"))
		return output_finish();
	else if (plain_count <= 1)
		for (j = 0; j < command_count; j++) {
			if (!commands[j].hidden)
				offer_described(commands[j].name, commands[j].summary);
		}
	else if (command)
		offer_arguments(command, plain_count - 1, plain + 1);
	return output_finish();
}
