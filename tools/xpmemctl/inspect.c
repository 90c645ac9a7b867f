/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "xpmemctl.h"

static enum status print_as_tables(int noun, struct json_object *object, struct json_object **users)
{
	char omit[64];
	int i;

	/* All of these say that they belong to the object. */
	snprintf(omit, sizeof(omit), "%s_id", nouns[noun].singular);
	table_print_object(nouns[noun].singular, nouns[noun].get->set, object);
	for (i = noun + 1; i < NOUN_COUNT; i++) {
		putchar('\n');
		table_print_rows(nouns[i].plural, true, nouns[i].get->set, nouns[i].columns, omit,
				 users[i]);
	}
	return output_finish();
}

static enum status print_as_json(const struct netlink *netlink, int noun,
				 struct json_object *object, struct json_object **users)
{
	struct json_object *selected = columns_select(object);
	int i;

	output_begin();
	for (i = noun; i < NOUN_COUNT && selected; i++) {
		output_value(i == noun ? nouns[i].singular : nouns[i].plural, selected);
		json_object_put(selected);
		selected = i + 1 < NOUN_COUNT ? columns_select_all(users[i + 1]) : NULL;
	}
	if (i < NOUN_COUNT)
		return out_of_memory();
	output_interrupted(netlink);
	return output_end();
}

/* Selects the objects of a kind by the id of their parent, whose kind the key names. */
static enum status find_children(struct netlink *netlink, int noun, const char *key, const char *id,
				 struct json_object **children)
{
	char *terms[] = { (char *)key, (char *)id };
	struct filter filter;
	enum status status = filter_parse(&filter, nouns[noun].get, 2, terms);

	return status == STATUS_OK ? netlink_collect(netlink, nouns[noun].get, &filter, children) :
				     status;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Objects of one kind, filtered by a set of segments. */
struct choice {
	const char **segments;	/* ids, sorted */
	size_t count;
	struct json_object *chosen;
};

static enum status keep_chosen(struct json_object *object, void *data)
{
	const struct choice *choice = data;
	const char *segment = json_text_or(object, "segment_id", "");

	if (!bsearch(&segment, choice->segments, choice->count, sizeof(*choice->segments),
		     compare_ids))
		return STATUS_OK;
	return json_object_array_add(choice->chosen, json_object_get(object)) ? out_of_memory() :
										STATUS_OK;
}

static void forget_chosen(void *data)
{
	const struct choice *choice = data;

	json_object_array_del_idx(choice->chosen, 0, json_object_array_length(choice->chosen));
}

/*
 * Neither permits nor attachments name an exporter. One dump of all of them is faster than one
 * filtered dump for each segment, because the module would iterate over all of them each time.
 */
static enum status find_of_segments(struct netlink *netlink, int noun, struct json_object *segments,
				    struct json_object **users)
{
	struct choice choice = { .count = json_object_array_length(segments) };
	enum status status;
	size_t i;

	*users = choice.chosen = json_object_new_array();
	choice.segments = calloc(choice.count + 1, sizeof(*choice.segments));
	if (!choice.chosen || !choice.segments) {
		free(choice.segments);
		return out_of_memory();
	}
	for (i = 0; i < choice.count; i++)
		choice.segments[i] = json_text_or(json_object_array_get_idx(segments, i), "id", "");
	qsort(choice.segments, choice.count, sizeof(*choice.segments), compare_ids);
	status = netlink_dump_whole(netlink, nouns[noun].get, NULL, keep_chosen, forget_chosen,
				    &choice);
	free(choice.segments);
	return status;
}

/* The objects that exist through an object: a segment's or a permit's. */
static enum status find_users(struct netlink *netlink, int noun, const char *id,
			      struct json_object **users)
{
	enum status status = STATUS_OK;
	char key[64];
	int i;

	snprintf(key, sizeof(key), "%s_id", nouns[noun].singular);
	for (i = noun + 1; i < NOUN_COUNT && status == STATUS_OK; i++)
		if (noun == NOUN_EXPORTER && i > NOUN_SEGMENT)
			status = find_of_segments(netlink, i, users[NOUN_SEGMENT], &users[i]);
		else
			status = find_children(netlink, i, key, id, &users[i]);
	return status;
}

static enum status check_columns(int noun)
{
	const struct attribute_set *sets[NOUN_COUNT + 1] = { NULL };
	int i;

	for (i = noun; i < NOUN_COUNT; i++)
		sets[i - noun] = nouns[i].get->set;
	return columns_check(sets);
}

/* Reads the kind and the id of an object. */
static enum status parse_object(int count, char **arguments, int *noun, int64_t *id)
{
	struct guess guess;
	int i;

	if (count != 2)
		return fail(
			STATUS_USAGE,
			"inspect takes a kind and an id: xpmemctl inspect exporter|segment|permit|attachment ID");
	*noun = noun_of(arguments[0]);
	if (*noun == NOUN_COUNT) {
		guess_begin(&guess, arguments[0]);
		for (i = 0; i < NOUN_COUNT; i++)
			guess_add(&guess, nouns[i].singular);
		return fail(STATUS_USAGE,
			    "cannot inspect \"%s\"; give exporter, segment, permit or attachment%s",
			    arguments[0], guess_text(&guess, "; ", ""));
	}
	*id = parse_id(arguments[1]);
	if (!*id)
		return fail(
			STATUS_USAGE,
			"\"%s\" is not an id; give a positive number, decimal or 0x and hexadecimal",
			arguments[1]);
	return STATUS_OK;
}

enum status inspect(int count, char **arguments)
{
	struct json_object *users[NOUN_COUNT] = { NULL }, *object = NULL;
	struct netlink netlink;
	enum status status;
	int noun = NOUN_COUNT, i;
	int64_t id = 0;
	char text[32];

	status = parse_object(count, arguments, &noun, &id);
	if (status == STATUS_OK)
		status = check_columns(noun);
	if (status == STATUS_OK)
		status = netlink_open(&netlink);
	if (status != STATUS_OK)
		return status;
	json_format_id(text, sizeof(text), id);
	status = netlink_get(&netlink, nouns[noun].get, id, &object);
	if (status == STATUS_OK)
		status = find_users(&netlink, noun, text, users);
	for (i = noun + 1; i < NOUN_COUNT && status == STATUS_OK; i++)
		columns_sort(users[i]);
	if (status == STATUS_OK) {
		if (netlink.interrupted)
			warn("objects keep changing: some may be missing or listed twice");
		status = options.format == FORMAT_TABLE ?
				 print_as_tables(noun, object, users) :
				 print_as_json(&netlink, noun, object, users);
	}
	json_object_put(object);
	for (i = 0; i < NOUN_COUNT; i++)
		json_object_put(users[i]);
	netlink_close(&netlink);
	return status;
}
