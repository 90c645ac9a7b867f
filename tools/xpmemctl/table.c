/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "xpmemctl.h"

#define GAP 2
#define ABSENT "-"
/* Rows that determine the widths of the columns; wider cells of later rows stick out. */
#define ROWS_KEPT 1000

static bool is_size(const char *key)
{
	return !strcmp(key, "length") || !strcmp(key, "offset") || !strcmp(key, "pinned") ||
	       !strcmp(key, "page_size");
}

/* Prints 4096 as 4.0K, like ls -h. */
static void format_size(char *text, size_t size, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	double value = bytes / 1024.0;
	int i;

	if (bytes < 1024) {
		snprintf(text, size, "%u", (unsigned int)bytes);
		return;
	}
	for (i = 0; value >= 1024 && units[i + 1]; i++)
		value /= 1024;
	snprintf(text, size, value < 10 ? "%.1f%c" : "%.0f%c", value, units[i]);
}

static void format_date(char *text, size_t size, uint64_t seconds)
{
	time_t time = seconds;
	struct tm parts;

	if (!localtime_r(&time, &parts) || !strftime(text, size, "%Y-%m-%d %H:%M:%S", &parts))
		snprintf(text, size, "%llu", (unsigned long long)seconds);
}

/* Returns the text of a cell; commas join a list of names. */
static void format_cell(char *text, size_t size, const char *key, struct json_object *value)
{
	size_t i, length = 0;

	*text = '\0';
	if (!value) {
		snprintf(text, size, ABSENT);
	} else if (json_object_is_type(value, json_type_array)) {
		for (i = 0; i < json_object_array_length(value) && length < size; i++)
			length += snprintf(
				text + length, size - length, "%s%s", i ? "," : "",
				json_object_get_string(json_object_array_get_idx(value, i)));
	} else if (options.human && is_size(key)) {
		format_size(text, size, json_unsigned(value));
	} else if (options.human && !strcmp(key, "created")) {
		format_date(text, size, json_unsigned(value));
	} else {
		snprintf(text, size, "%s", json_object_get_string(value));
	}
	text_make_line(text);
}

void table_print_cell(FILE *out, const char *key, struct json_object *value)
{
	char text[512];

	format_cell(text, sizeof(text), key, value);
	fputs(text, out);
}

static int cell_width(const char *key, struct json_object *value)
{
	char text[512];

	format_cell(text, sizeof(text), key, value);
	return strlen(text);
}

/* Numbers are right-aligned. */
static void print_padded(const char *text, int width, bool right, bool last)
{
	int padding = width - (int)strlen(text);

	if (padding < 0)
		padding = 0;
	if (right)
		printf("%*s", padding, "");
	fputs(text, stdout);
	if (!last)
		printf("%*s", right ? GAP : padding + GAP, "");
}

static struct json_object *cell(struct json_object *row, const struct attribute *attribute)
{
	struct json_object *value;

	return json_object_object_get_ex(row, attribute->key, &value) ? value : NULL;
}

static bool is_number(const struct attribute *attribute)
{
	return attribute->form == FORM_NUMBER;
}

static void print_row(const struct table *table, struct json_object *row)
{
	char text[512];
	size_t i;

	for (i = 0; i < table->columns; i++) {
		const struct attribute *attribute = &table->set->attributes[table->order[i]];

		if (!table->widths[i])
			continue;
		format_cell(text, sizeof(text), attribute->key, cell(row, attribute));
		print_padded(text, table->widths[i], is_number(attribute), i == table->last);
	}
	putchar('\n');
}

/* Keys that only events have. */
static bool is_of_event(const char *key)
{
	return !strcmp(key, "time") || !strcmp(key, "reason");
}

/* Width of a column's widest cell; 0 for an unrequested column that no row has or will have. */
static int column_width(struct json_object *rows, const struct attribute *attribute, bool more)
{
	int width = strlen(attribute->key);
	bool used = options.columns || (more && !is_of_event(attribute->key));
	size_t i;

	for (i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *value = cell(json_object_array_get_idx(rows, i), attribute);

		if (!value)
			continue;
		used = true;
		if (cell_width(attribute->key, value) > width)
			width = cell_width(attribute->key, value);
	}
	return used ? width : 0;
}

static void print_heading(struct table *table, bool more)
{
	char heading[64];
	size_t i, j;

	for (i = 0; i < table->columns; i++) {
		const struct attribute *attribute = &table->set->attributes[table->order[i]];

		table->widths[i] = column_width(table->rows, attribute, more);
		if (table->widths[i])
			table->last = i;
	}
	for (i = 0; i < table->columns; i++) {
		const struct attribute *attribute = &table->set->attributes[table->order[i]];

		for (j = 0; j < sizeof(heading) - 1 && attribute->key[j]; j++)
			heading[j] = toupper((unsigned char)attribute->key[j]);
		heading[j] = '\0';
		if (table->widths[i])
			print_padded(heading, table->widths[i], is_number(attribute),
				     i == table->last);
	}
	putchar('\n');
}

static void print_kept(struct table *table, bool more)
{
	size_t i;

	table->begun = true;
	printf("%s:\n", table->title);
	print_heading(table, more);
	for (i = 0; i < json_object_array_length(table->rows); i++)
		print_row(table, json_object_array_get_idx(table->rows, i));
	json_object_put(table->rows);
	table->rows = NULL;
}

/* Chooses all keys of the set, or those of the options' columns that it has. */
static void choose_columns(struct table *table)
{
	const size_t most = sizeof(table->order) / sizeof(*table->order);
	size_t i, j;

	for (i = 0; !options.columns && i < table->set->count && table->columns < most; i++)
		table->order[table->columns++] = i;
	for (j = 0; options.columns && j < options.column_count; j++)
		for (i = 0; i < table->set->count && table->columns < most; i++)
			if (!strcmp(options.columns[j], table->set->attributes[i].key))
				table->order[table->columns++] = i;
}

void table_begin(struct table *table, const char *title, const struct attribute_set *set)
{
	*table = (struct table){ .title = title, .set = set, .rows = json_object_new_array() };
	choose_columns(table);
}

bool table_row(struct table *table, struct json_object *row)
{
	if (table->begun) {
		print_row(table, row);
		return true;
	}
	if (!table->rows || json_object_array_add(table->rows, json_object_get(row)))
		return false;
	if (json_object_array_length(table->rows) == ROWS_KEPT)
		print_kept(table, true);
	return true;
}

void table_drop(struct table *table)
{
	json_object_put(table->rows);
	table->rows = NULL;
}

void table_end(struct table *table)
{
	if (table->rows && json_object_array_length(table->rows))
		print_kept(table, false);
	else if (!table->begun)
		printf("no %s\n", table->title);
	table_drop(table);
}

void table_print_rows(const char *title, const struct attribute_set *set, struct json_object *array)
{
	struct table table;
	size_t i;

	table_begin(&table, title, set);
	for (i = 0; i < json_object_array_length(array); i++)
		table_row(&table, json_object_array_get_idx(array, i));
	table_end(&table);
}

void table_print_object(const char *title, const struct attribute_set *set,
			struct json_object *object)
{
	struct table table;
	int width = 0;
	size_t i;

	table_begin(&table, title, set);
	json_object_put(table.rows);
	for (i = 0; i < table.columns; i++) {
		const struct attribute *attribute = &set->attributes[table.order[i]];

		if (cell(object, attribute) && (int)strlen(attribute->key) > width)
			width = strlen(attribute->key);
	}
	printf("%s:\n", title);
	for (i = 0; i < table.columns; i++) {
		const struct attribute *attribute = &set->attributes[table.order[i]];

		if (!cell(object, attribute))
			continue;
		printf("%-*s", width + GAP, attribute->key);
		table_print_cell(stdout, attribute->key, cell(object, attribute));
		putchar('\n');
	}
}
