/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which keys of objects are shown, and in which order objects are. */
#include <stdlib.h>
#include <string.h>

#include "xpmemctl.h"

/* Columns that the tool derives from another key of an object. */
static const struct {
	const char *from;
	struct attribute attribute;
} derived[] = {
	{ "pid",
	  { 0, "command", ATTRIBUTE_STRING, FORM_TEXT, NULL,
	    "Name of the process, if it can be found; shown only if chosen." } },
	{ "uid",
	  { 0, "user", ATTRIBUTE_STRING, FORM_TEXT, NULL,
	    "Name of the user, or else its uid; shown only if chosen." } },
};

#define DERIVED_COUNT (sizeof(derived) / sizeof(*derived))

const struct attribute *attribute_of_key(const struct attribute_set *set, const char *key)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (!strcmp(set->attributes[i].key, key))
			return &set->attributes[i];
	return NULL;
}

const struct attribute *column_at(const struct attribute_set *set, size_t number)
{
	size_t i;

	if (number < set->count)
		return &set->attributes[number];
	number -= set->count;
	for (i = 0; i < DERIVED_COUNT; i++)
		if (attribute_of_key(set, derived[i].from) &&
		    !attribute_of_key(set, derived[i].attribute.key) && !number--)
			return &derived[i].attribute;
	return NULL;
}

const struct attribute *column_of(const struct attribute_set *set, const char *key)
{
	const struct attribute *column;
	size_t i;

	for (i = 0; (column = column_at(set, i)) && strcmp(column->key, key); i++)
		;
	return column;
}

static bool is_column_of_any(const struct attribute_set *const *sets, size_t count, const char *key)
{
	size_t i;

	for (i = 0; i < count && sets[i] && !column_of(sets[i], key); i++)
		;
	return i < count && sets[i];
}

/* Lists each key once, even if several sets have it. */
static enum status refuse_column(const struct attribute_set *const *sets, const char *column)
{
	const struct attribute *known;
	char keys[800] = "";
	size_t i, j, length = 0;
	struct guess guess;

	guess_begin(&guess, column);
	for (i = 0; sets[i]; i++)
		for (j = 0; (known = column_at(sets[i], j)); j++) {
			guess_add(&guess, known->key);
			if (length < sizeof(keys) && !is_column_of_any(sets, i, known->key))
				length += snprintf(keys + length, sizeof(keys) - length, "%s%s",
						   length ? ", " : "", known->key);
		}
	return fail(STATUS_USAGE, "no column \"%s\"; columns are %s%s", column, keys,
		    guess_text(&guess, "; ", ""));
}

enum status columns_check(const struct attribute_set *const *sets)
{
	size_t i;

	for (i = 0; i < options.column_count; i++)
		if (!is_column_of_any(sets, SIZE_MAX, options.columns[i]))
			return refuse_column(sets, options.columns[i]);
	if (options.sort && !is_column_of_any(sets, SIZE_MAX, options.sort))
		return refuse_column(sets, options.sort);
	return STATUS_OK;
}

static void add_column(struct columns *columns, const struct attribute *column)
{
	size_t i;

	for (i = 0; i < columns->count && columns->items[i] != column; i++)
		;
	if (column && i == columns->count && i < COLUMNS_MAXIMUM)
		columns->items[columns->count++] = column;
}

static bool is_event_only(const struct attribute_set *set, const char *key)
{
	const char *const *only = set->event_only;

	while (only && *only && strcmp(*only, key))
		only++;
	return only && *only;
}

void columns_choose(struct columns *columns, const struct attribute_set *set,
		    const char *const *usual)
{
	const struct attribute *column;
	size_t i;

	columns->count = 0;
	if (options.all_columns || (!usual && (!options.columns || options.more_columns)))
		for (i = 0; (column = column_at(set, i)); i++)
			if (!is_event_only(set, column->key))
				add_column(columns, column);
	if (usual && !options.all_columns && (!options.columns || options.more_columns))
		for (i = 0; usual[i]; i++)
			add_column(columns, column_of(set, usual[i]));
	for (i = 0; options.columns && i < options.column_count; i++)
		add_column(columns, column_of(set, options.columns[i]));
}

static struct json_object *derive(struct json_object *object, const char *key)
{
	struct json_object *value;
	char text[256] = "";
	size_t i;

	for (i = 0; i < DERIVED_COUNT && strcmp(derived[i].attribute.key, key); i++)
		;
	if (i == DERIVED_COUNT || !json_object_object_get_ex(object, derived[i].from, &value))
		return NULL;
	if (!strcmp(derived[i].from, "pid"))
		command_name(text, sizeof(text), json_unsigned(value));
	else
		user_name(text, sizeof(text), json_unsigned(value));
	return *text ? json_object_new_string(text) : NULL;
}

struct json_object *column_value(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get(value) :
								derive(object, key);
}

/* False without memory. A value that is unknown is left out. */
static bool copy_column(struct json_object *to, struct json_object *object, const char *key)
{
	struct json_object *value = column_value(object, key);

	return !value || json_put(to, key, value);
}

static bool copy_all(struct json_object *to, struct json_object *object)
{
	struct json_object_iter each;

	json_object_object_foreachC(object, each)
	{
		if (!json_put(to, each.key, json_object_get(each.val)))
			return false;
	}
	return true;
}

struct json_object *columns_select(struct json_object *object)
{
	struct json_object *selected;
	bool whole = options.all_columns || options.more_columns, done;
	size_t i;

	if (!options.columns)
		return json_object_get(object);
	selected = json_object_new_object();
	done = selected && (!whole || copy_all(selected, object));
	for (i = 0; done && options.all_columns && i < DERIVED_COUNT; i++)
		done = copy_column(selected, object, derived[i].attribute.key);
	for (i = 0; done && i < options.column_count; i++)
		done = copy_column(selected, object, options.columns[i]);
	if (done)
		return selected;
	json_object_put(selected);
	return NULL;
}

struct json_object *columns_select_all(struct json_object *array)
{
	struct json_object *all, *selected;
	size_t i;

	if (!options.columns)
		return json_object_get(array);
	all = json_object_new_array();
	for (i = 0; all && i < json_object_array_length(array); i++) {
		selected = columns_select(json_object_array_get_idx(array, i));
		if (!selected || json_object_array_add(all, selected)) {
			json_object_put(selected);
			json_object_put(all);
			all = NULL;
		}
	}
	return all;
}

/* Numbers come before texts, and objects without the key come first. */
static int compare_values(struct json_object *a, struct json_object *b)
{
	int64_t id_a, id_b;
	uint64_t number_a, number_b;

	if (!a || !b)
		return (a != NULL) - (b != NULL);
	if (json_object_is_type(a, json_type_double) || json_object_is_type(b, json_type_double))
		return (json_object_get_double(a) > json_object_get_double(b)) -
		       (json_object_get_double(a) < json_object_get_double(b));
	if (json_object_is_type(a, json_type_int) && json_object_is_type(b, json_type_int)) {
		number_a = json_unsigned(a);
		number_b = json_unsigned(b);
		return (number_a > number_b) - (number_a < number_b);
	}
	id_a = parse_id(json_object_get_string(a));
	id_b = parse_id(json_object_get_string(b));
	if (id_a && id_b)
		return (id_a > id_b) - (id_a < id_b);
	return strcmp(json_object_get_string(a), json_object_get_string(b));
}

static int compare_objects(const void *first, const void *second)
{
	struct json_object *a = *(struct json_object *const *)first,
			   *b = *(struct json_object *const *)second,
			   *value_a = column_value(a, options.sort),
			   *value_b = column_value(b, options.sort);
	int order = compare_values(value_a, value_b);

	json_object_put(value_a);
	json_object_put(value_b);
	if (order)
		return options.descending ? -order : order;
	return strcmp(json_text_or(a, "id", ""), json_text_or(b, "id", ""));
}

void columns_sort(struct json_object *array)
{
	if (options.sort)
		json_object_array_sort(array, compare_objects);
}
