/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "xpmemctl.h"

static enum status print_item(struct json_object *object, void *data)
{
	struct json_object *item = columns_select(object);

	(void)data;
	if (!item)
		return out_of_memory();
	output_item(item);
	json_object_put(item);
	return ferror(stdout) ? output_finish() : STATUS_OK;
}

static enum status print_row(struct json_object *object, void *data)
{
	if (!table_row(data, object))
		return out_of_memory();
	return ferror(stdout) ? output_finish() : STATUS_OK;
}

/* Visits the objects, or sorts them before. */
static enum status dump(struct netlink *netlink, int noun, const struct filter *filter,
			visitor *visit, void *data)
{
	struct json_object *array;
	enum status status;
	size_t i;

	if (!options.sort)
		return netlink_dump(netlink, nouns[noun].get, filter, visit, data);
	status = netlink_collect(netlink, nouns[noun].get, filter, &array);
	if (status != STATUS_OK)
		return status;
	columns_sort(array);
	for (i = 0; i < json_object_array_length(array) && status == STATUS_OK; i++)
		status = visit(json_object_array_get_idx(array, i), data);
	json_object_put(array);
	return status;
}

static enum status list_as_json(struct netlink *netlink, bool *wanted, const struct filter *filters)
{
	enum status status = STATUS_OK;
	int i;

	output_begin();
	for (i = 0; i < NOUN_COUNT && status == STATUS_OK; i++) {
		if (!wanted[i])
			continue;
		output_array_begin(nouns[i].plural);
		status = dump(netlink, i, &filters[i], print_item, NULL);
		if (status == STATUS_OK)
			output_array_end();
	}
	if (status != STATUS_OK)
		return status;
	output_interrupted(netlink);
	return output_end();
}

static enum status list_as_tables(struct netlink *netlink, bool *wanted,
				  const struct filter *filters)
{
	enum status status = STATUS_OK;
	const char *separator = "";
	struct table table;
	int i, kinds = 0;

	for (i = 0; i < NOUN_COUNT; i++)
		kinds += wanted[i];
	for (i = 0; i < NOUN_COUNT && status == STATUS_OK; i++) {
		if (!wanted[i])
			continue;
		table_begin(&table, nouns[i].plural, kinds > 1, nouns[i].get->set,
			    nouns[i].columns);
		if (!table.no_columns) {
			fputs(separator, stdout);
			separator = "\n";
		}
		status = dump(netlink, i, &filters[i], print_row, &table);
		if (status == STATUS_OK)
			table_end(&table);
		else
			table_drop(&table);
	}
	return status == STATUS_OK ? output_finish() : status;
}

static enum status check_columns(const bool *wanted)
{
	const struct attribute_set *sets[NOUN_COUNT + 1] = { NULL };
	size_t count = 0;
	int i;

	for (i = 0; i < NOUN_COUNT; i++)
		if (wanted[i])
			sets[count++] = nouns[i].get->set;
	return columns_check(sets);
}

static enum status refuse(const char *word)
{
	struct guess guess;
	int i;

	guess_begin(&guess, word);
	for (i = 0; i < NOUN_COUNT; i++) {
		guess_add(&guess, nouns[i].plural);
		filter_guess(nouns[i].get, &guess);
	}
	return fail(
		STATUS_USAGE,
		"cannot list \"%s\"; give exporters, segments, permits or attachments, or a key to select by%s",
		word, guess_text(&guess, "; ", ""));
}

/* Chooses the kinds to list: the named one, or all kinds that have the keys. */
static enum status choose(int count, char **arguments, bool *wanted, struct filter *filters)
{
	int only = count ? noun_of(arguments[0]) : NOUN_COUNT, i, chosen = 0;
	enum status status = STATUS_OK;
	bool known = false;

	for (i = 0; i < NOUN_COUNT; i++)
		known |= i == only || filter_takes(nouns[i].get, count ? 1 : 0, arguments);
	if (!known)
		return refuse(arguments[0]);
	if (only != NOUN_COUNT) {
		count--;
		arguments++;
	}
	for (i = 0; i < NOUN_COUNT && status == STATUS_OK; i++) {
		wanted[i] = only == NOUN_COUNT ? filter_takes(nouns[i].get, count, arguments) :
						 i == only;
		chosen += wanted[i];
		if (wanted[i])
			status = filter_parse(&filters[i], nouns[i].get, count, arguments);
	}
	if (status == STATUS_OK && !chosen)
		return fail(
			STATUS_USAGE,
			"no kind of objects has all of these keys; see: xpmemctl list --help");
	return status;
}

enum status list(int count, char **arguments)
{
	struct filter filters[NOUN_COUNT];
	bool wanted[NOUN_COUNT] = { false };
	char *words[2 * count + 1];
	struct netlink netlink;
	enum status status;
	int kind;

	filter_kind_first(count, arguments);
	kind = count && noun_of(arguments[0]) != NOUN_COUNT;
	words[0] = count ? arguments[0] : NULL;
	count = kind + filter_split(count - kind, arguments + kind, words + kind);
	status = choose(count, words, wanted, filters);
	if (status == STATUS_OK)
		status = check_columns(wanted);
	if (status == STATUS_OK)
		status = netlink_open(&netlink);
	if (status != STATUS_OK)
		return status;
	status = options.format == FORMAT_TABLE ? list_as_tables(&netlink, wanted, filters) :
						  list_as_json(&netlink, wanted, filters);
	if (status == STATUS_OK && netlink.interrupted)
		warn("objects changed meanwhile: some may be missing or listed twice");
	netlink_close(&netlink);
	return status;
}
