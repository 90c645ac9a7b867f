/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion for shells: prints candidates for the last of the given words, one per line, and with
 * --describe what each means. Reports no errors.
 */
#include <pwd.h>
#include <string.h>

#include "xpmemctl.h"

static const char *word;	/* word to complete, or what is after KEY= in it */
static const char *word_key;	/* KEY of a word KEY=VALUE, else NULL */
static bool describe;		/* whether candidates have a tab and a description after them */

static void offer_described(const char *candidate, const char *description)
{
	if (strncmp(candidate, word, strlen(word)))
		return;
	if (word_key)
		printf("%s=", word_key);
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

static void offer_commands(void)
{
	size_t i;

	for (i = 0; i < command_count; i++)
		if (!commands[i].hidden)
			offer_described(commands[i].name, commands[i].summary);
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

static const struct attribute *filter_of(const struct operation *operation, const char *key)
{
	const struct attribute *attribute;
	size_t i;

	for (i = 0; i < operation->filter_count; i++) {
		attribute = attribute_of(operation, operation->filter[i]);
		if (!strcmp(attribute->key, filter_key(key)))
			return attribute;
	}
	return NULL;
}

static void offer_keys(const struct operation *const *operations)
{
	size_t i, j, k;

	offer_described("comm", "Name of the process.");
	for (i = 0; operations[i]; i++)
		for (j = 0; j < operations[i]->filter_count; j++) {
			const struct attribute *attribute =
				attribute_of(operations[i], operations[i]->filter[j]);

			for (k = 0; k < i && !filter_of(operations[k], attribute->key); k++)
				;
			if (k == i)
				offer_described(attribute->key, attribute->doc);
		}
}

/* Names that a value of the attribute may have, or ids of the kind that its key names. */
static void offer_values(const struct attribute *attribute)
{
	const struct value_name *name;
	char noun[32];

	for (name = attribute->names; name && name->name; name++)
		offer(name->name);
	snprintf(noun, sizeof(noun), "%.*s", (int)strcspn(attribute->key, "_"), attribute->key);
	if (!strcmp(attribute->key, "uid"))
		offer_users();
	if (strcmp(attribute->key, "id"))
		offer_ids(noun_of(noun));
}

/*
 * A key, or a value of the key before it. An id is of any of the kinds, which NULL ends; other keys
 * mean the same for all of them.
 */
static void offer_filter(const struct operation *const *operations, int count, char **arguments)
{
	const struct attribute *attribute = NULL;
	const char *key;
	size_t i;

	if (count % 2) {
		offer_keys(operations);
		return;
	}
	key = arguments[count - 2];
	for (i = 0; operations[i]; i++) {
		if (!attribute)
			attribute = filter_of(operations[i], key);
		if (!strcmp(key, "id"))
			offer_ids(noun_of(operations[i]->set->name));
	}
	if (attribute)
		offer_values(attribute);
}

/* The key of one of the first events' objects; NULL: none has it. */
static const struct attribute *event_key(size_t count, const char *key)
{
	const struct attribute *attribute = NULL;
	size_t i;

	for (i = 0; i < count && !attribute; i++)
		attribute = attribute_of_key(events[i].set, key);
	return attribute;
}

static void offer_event_keys(void)
{
	size_t i, j;

	offer_described("event", "What happened.");
	offer_described("comm", "Name of the process.");
	for (i = 0; i < EVENT_COUNT; i++)
		for (j = 0; j < events[i].set->count; j++) {
			const struct attribute *attribute = &events[i].set->attributes[j];

			if (strcmp(attribute->key, "time") && !event_key(i, attribute->key))
				offer_described(attribute->key, attribute->doc);
		}
}

static void offer_event_kinds(void)
{
	size_t i, j;

	for (i = 0; i < EVENT_COUNT; i++) {
		for (j = 0; j < i && events[j].set != events[i].set; j++)
			;
		if (j == i)
			offer(events[i].set->name);
	}
}

static void offer_monitor(int count, char **arguments)
{
	const struct attribute *attribute;
	const char *key;
	size_t i;

	if (count % 2) {
		offer_event_keys();
		return;
	}
	key = arguments[count - 2];
	attribute = event_key(EVENT_COUNT, key);
	if (!strcmp(key, "event")) {
		for (i = 0; i < EVENT_COUNT; i++)
			offer(events[i].name);
		offer("present");
	} else if (!strcmp(key, "kind")) {
		offer_event_kinds();
	} else if (!strcmp(key, "id")) {
		for (i = NOUN_SEGMENT; i < NOUN_COUNT; i++)
			offer_ids(i);
	} else if (attribute) {
		offer_values(attribute);
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

/* A kind, or the keys of all kinds, or those of the kind that is named. */
static void offer_selection(const struct command *command, int count, char **arguments)
{
	int noun = count > 1 ? noun_of(arguments[0]) : NOUN_COUNT;
	const struct operation *only[] = { NULL, NULL };

	if (noun != NOUN_COUNT) {
		only[0] = nouns[noun].get;
		offer_filter(only, count - 1, arguments + 1);
		return;
	}
	if (count % 2 && !word_key)
		offer_plurals(command);
	if (command->run == list)
		offer_filter(command->filters, count, arguments);
}

static void offer_arguments(const struct command *command, int count, char **arguments)
{
	int noun = NOUN_COUNT, i;

	if (command->run == list || command->run == stats) {
		offer_selection(command, count, arguments);
	} else if (command->run == usage) {
		for (i = 0; count == 1 && i < GROUPING_COUNT; i++)
			offer(groupings[i].plural);
	} else if (command->run == tree) {
		offer_filter(command->filters, count, arguments);
	} else if (command->run == monitor) {
		offer_monitor(count, arguments);
	} else if (command->run == inspect || command->run == revoke_objects) {
		for (i = 0; count == 1 && i < NOUN_COUNT; i++)
			if (command->run == inspect || nouns[i].revoke)
				offer(nouns[i].singular);
		if (count > 1)
			noun = noun_of(arguments[0]);
		if (command->run == revoke_objects || count == 2)
			offer_ids(noun);
	} else if (command->run == help) {
		offer_commands();
	}
}

/*
 * Splits pairs KEY=VALUE among the arguments, also the last, which is the word to complete. split
 * has room for twice as many. Returns their number.
 */
static int split_pairs(const struct command *command, int count, char **arguments, char **split)
{
	bool pairs = command->filters[0] || command->run == monitor;
	int kind = pairs && noun_of(arguments[0]) != NOUN_COUNT, i, made;

	for (i = 0; i < count; i++)
		split[i] = arguments[i];
	if (!pairs)
		return count;
	made = kind + filter_split(count - kind, arguments + kind, split + kind);
	if (split[made - 1] != arguments[count - 1]) {
		word_key = arguments[count - 1];
		word = split[made - 1];
	}
	return made;
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
	char *plain[count + 1], *split[2 * count + 1];
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
	if (command && command->filters[0] && plain_count > 2)
		filter_kind_first(plain_count - 2, plain + 1);
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
		offer_commands();
	else if (command)
		offer_arguments(command, split_pairs(command, plain_count - 1, plain + 1, split),
				split);
	return output_finish();
}
