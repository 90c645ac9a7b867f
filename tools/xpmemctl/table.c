/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <string.h>

#include "xpmemctl.h"

#define GAP 2
#define ABSENT "-"

/* What a cell shows: a list of names is joined by commas. */
static void print_cell(FILE *out, struct json_object *value)
{
	size_t i;

	if (!value) {
		fputs(ABSENT, out);
	} else if (json_object_is_type(value, json_type_array)) {
		for (i = 0; i < json_object_array_length(value); i++)
			fprintf(out, "%s%s", i ? "," : "", json_object_get_string(json_object_array_get_idx(value, i)));
	} else {
		fputs(json_object_get_string(value), out);
	}
}

static int cell_width(struct json_object *value)
{
	int width = 0;
	size_t i;

	if (!value)
		return strlen(ABSENT);
	if (!json_object_is_type(value, json_type_array))
		return strlen(json_object_get_string(value));
	for (i = 0; i < json_object_array_length(value); i++)
		width += !!i + strlen(json_object_get_string(json_object_array_get_idx(value, i)));
	return width;
}

static void print_padded(struct json_object *value, int width, bool last)
{
	int padding = width - cell_width(value);
	bool right = value && json_object_is_type(value, json_type_int);

	if (right)
		printf("%*s", padding, "");
	print_cell(stdout, value);
	if (!last)
		printf("%*s", right ? GAP : padding + GAP, "");
}

/* A column as wide as its widest cell; 0 when no row has it. */
static int column_width(struct json_object *array, const char *key)
{
	struct json_object *value;
	bool used = false;
	int width = strlen(key);
	size_t i;

	for (i = 0; i < json_object_array_length(array); i++)
		if (json_object_object_get_ex(json_object_array_get_idx(array, i), key, &value)) {
			used = true;
			if (cell_width(value) > width)
				width = cell_width(value);
		}
	return used ? width : 0;
}

static bool column_is_number(struct json_object *array, const char *key)
{
	struct json_object *value;
	size_t i;

	for (i = 0; i < json_object_array_length(array); i++)
		if (json_object_object_get_ex(json_object_array_get_idx(array, i), key, &value))
			return json_object_is_type(value, json_type_int);
	return false;
}

static void print_upper(const char *text)
{
	for (; *text; text++)
		putchar(toupper((unsigned char)*text));
}

static void print_heading(struct json_object *array, const struct attribute *attribute, int width, bool last)
{
	int padding = width - strlen(attribute->key);
	bool right = column_is_number(array, attribute->key);

	if (right)
		printf("%*s", padding, "");
	print_upper(attribute->key);
	if (!last)
		printf("%*s", right ? GAP : padding + GAP, "");
}

void table_print_rows(const char *title, const struct attribute_set *set, struct json_object *array)
{
	struct json_object *value;
	size_t i, j, last = 0;
	int widths[set->count];

	if (!json_object_array_length(array)) {
		printf("no %s\n", title);
		return;
	}
	printf("%s:\n", title);
	for (i = 0; i < set->count; i++) {
		widths[i] = column_width(array, set->attributes[i].key);
		if (widths[i])
			last = i;
	}
	for (i = 0; i < set->count; i++)
		if (widths[i])
			print_heading(array, &set->attributes[i], widths[i], i == last);
	putchar('\n');
	for (j = 0; j < json_object_array_length(array); j++) {
		for (i = 0; i < set->count; i++) {
			if (!widths[i])
				continue;
			value = json_object_object_get(json_object_array_get_idx(array, j), set->attributes[i].key);
			print_padded(value, widths[i], i == last);
		}
		putchar('\n');
	}
}

void table_print_object(const char *title, const struct attribute_set *set, struct json_object *object)
{
	struct json_object *value;
	int width = 0;
	size_t i;

	for (i = 0; i < set->count; i++)
		if (json_object_object_get_ex(object, set->attributes[i].key, &value) && (int)strlen(set->attributes[i].key) > width)
			width = strlen(set->attributes[i].key);
	printf("%s:\n", title);
	for (i = 0; i < set->count; i++)
		if (json_object_object_get_ex(object, set->attributes[i].key, &value)) {
			printf("%-*s", width + GAP, set->attributes[i].key);
			print_cell(stdout, value);
			putchar('\n');
		}
}
