/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables for people, which libsmartcols draws. */
#include <ctype.h>
#include <libsmartcols/libsmartcols.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "xpmemctl.h"

#define ABSENT "-"
/* Rows that determine the widths of the columns; wider cells of later rows stick out. */
#define ROWS_KEPT 1000

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

/* Commas join a list of names. */
void table_format(char *text, size_t size, const struct attribute *attribute,
		  struct json_object *value)
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
	} else if (json_object_is_type(value, json_type_double)) {
		snprintf(text, size, "%.1f%s", json_object_get_double(value),
			 strcmp(attribute->key, "share") ? "/s" : "%");
	} else if (!options.bytes && attribute->form == FORM_BYTES) {
		format_size(text, size, json_unsigned(value));
	} else if (attribute->form == FORM_TIMESTAMP) {
		text_local_time(text, size, FORMAT_DATE, json_unsigned(value));
	} else {
		snprintf(text, size, "%s", json_object_get_string(value));
	}
	text_make_line(text);
}

void table_print_cell(FILE *out, const struct attribute *attribute, struct json_object *value)
{
	char text[512];

	table_format(text, sizeof(text), attribute, value);
	fputs(text, out);
}

/* Numbers are right-aligned. Names may be cut where a terminal has no room for them. */
static int column_flags(const struct attribute *attribute)
{
	if (!strcmp(attribute->key, "command") || !strcmp(attribute->key, "user") ||
	    !strcmp(attribute->key, "name") || !strcmp(attribute->key, "cgroup"))
		return SCOLS_FL_TRUNC;
	return is_number(attribute) && attribute->form != FORM_TIMESTAMP ? SCOLS_FL_RIGHT : 0;
}

bool table_is_fitted(void)
{
	return isatty(fileno(stdout)) && !options.columns;
}

static struct libscols_table *new_lines(bool headings)
{
	struct libscols_table *lines = scols_new_table();

	if (!lines)
		return NULL;
	scols_table_enable_noheadings(lines, !headings);
	scols_table_set_stream(lines, stdout);
	/* The library asks file descriptor 1, wherever the stream goes. */
	if (!isatty(fileno(stdout)))
		scols_table_set_termforce(lines, SCOLS_TERMFORCE_NEVER);
	return lines;
}

static bool add_column(struct table *table, const struct attribute *attribute)
{
	char heading[64];
	size_t i;

	for (i = 0; i < sizeof(heading) - 1 && attribute->key[i]; i++)
		heading[i] = toupper((unsigned char)attribute->key[i]);
	heading[i] = '\0';
	return scols_table_new_column(table->lines, heading, 0, column_flags(attribute));
}

static void add_columns(struct table *table)
{
	bool added = table->lines;
	size_t i;

	for (i = 0; added && i < table->columns.count; i++)
		added = add_column(table, table->columns.items[i]);
	if (!added)
		table_drop(table);
}

void table_begin(struct table *table, const char *title, bool titled,
		 const struct attribute_set *set, const char *const *usual)
{
	*table = (struct table){ .title = title, .titled = titled };
	columns_choose(&table->columns, set, usual);
	table->no_columns = !table->columns.count;
	table->fits = table_is_fitted();
	if (table->no_columns)
		return;
	table->lines = new_lines(!options.no_headings);
	add_columns(table);
}

void table_begin_plain(struct table *table, const char *label)
{
	table->lines = new_lines(label && !options.no_headings);
	if (table->lines && label && !scols_table_new_column(table->lines, label, 0, SCOLS_FL_TREE))
		table_drop(table);
	add_columns(table);
}

struct libscols_line *table_line(struct table *table, struct libscols_line *parent)
{
	return table->lines ? scols_table_new_line(table->lines, parent) : NULL;
}

bool table_text(struct libscols_line *line, size_t number, const char *text)
{
	return !scols_line_set_data(line, number, text);
}

/* Prints the lines, and keeps the widths for those that follow. */
static void print_kept(struct table *table)
{
	struct libscols_column *column;
	size_t i;

	if (!table->begun && table->titled && !options.no_headings)
		printf("%s:\n", table->title);
	table->begun = true;
	table_print(table);
	for (i = 0; i < table->columns.count; i++) {
		column = scols_table_get_column(table->lines, i);
		table->widths[i] = scols_column_get_width(column);
		scols_column_set_whint(column, table->widths[i]);
		scols_column_set_flags(column,
				       scols_column_get_flags(column) | SCOLS_FL_STRICTWIDTH);
	}
	scols_table_remove_lines(table->lines);
	scols_table_enable_noheadings(table->lines, 1);
	table->count = 0;
}

/* The tree's branches in front of a line take two columns of text a level. */
static size_t depth_of(const struct libscols_line *line)
{
	size_t depth = 0;

	while ((line = scols_line_get_parent(line)))
		depth++;
	return depth;
}

/*
 * Returns the least number of characters of a column. Only columns that may be cut have more than
 * ASCII.
 */
static size_t least_width(struct table *table, size_t number)
{
	struct libscols_column *column = scols_table_get_column(table->lines, number);
	size_t least = strlen(scols_cell_get_data(scols_column_get_header(column))), i, length;

	if (scols_column_is_trunc(column))
		return least;
	for (i = 0; i < scols_table_get_nlines(table->lines); i++) {
		struct libscols_line *line = scols_table_get_line(table->lines, i);
		const char *text = scols_cell_get_data(scols_line_get_cell(line, number));

		length = text ? strlen(text) : 0;
		if (scols_column_is_tree(column))
			length += 2 * depth_of(line);
		if (length > least)
			least = length;
	}
	return least;
}

/* Leaves out the last columns while the terminal has no room for all. */
static void fit(struct table *table)
{
	size_t room = scols_table_get_termwidth(table->lines), width = 0, i,
	       count = scols_table_get_ncols(table->lines);

	for (i = 0; i < count; i++) {
		struct libscols_column *column = scols_table_get_column(table->lines, i);

		width += (i != 0) + least_width(table, i);
		if (i && width > room)
			scols_column_set_flags(column, scols_column_get_flags(column) |
							       SCOLS_FL_HIDDEN);
	}
}

void table_print(struct table *table)
{
	if (!table->lines || !scols_table_get_nlines(table->lines))
		return;
	if (table->fits)
		fit(table);
	table->fits = false;
	scols_print_table(table->lines);
}

/* The library forgets the width of the last column when it has no heading, so this pads numbers. */
static bool put_cell(struct table *table, struct libscols_line *line, size_t number,
		     const char *text)
{
	bool right = column_flags(table->columns.items[number]) & SCOLS_FL_RIGHT;
	char padded[512];

	snprintf(padded, sizeof(padded), "%*s", right ? (int)table->widths[number] : 0, text);
	return table_text(line, number, padded);
}

bool table_row(struct table *table, struct json_object *row)
{
	struct libscols_line *line;
	bool done;
	size_t i;

	if (table->no_columns)
		return true;
	line = table_line(table, NULL);
	done = line;
	for (i = 0; done && i < table->columns.count; i++) {
		const struct attribute *attribute = table->columns.items[i];
		struct json_object *value = column_value(row, attribute->key);
		char text[512];

		table_format(text, sizeof(text), attribute, value);
		if (value && attribute->form == FORM_TIMESTAMP && table_is_fitted())
			text_short_time(text, sizeof(text), json_unsigned(value), time(NULL));
		json_object_put(value);
		done = put_cell(table, line, i, text);
	}
	if (done && ++table->count == ROWS_KEPT)
		print_kept(table);
	return done;
}

void table_drop(struct table *table)
{
	scols_unref_table(table->lines);
	table->lines = NULL;
}

void table_end(struct table *table)
{
	if (table->lines && table->count)
		print_kept(table);
	else if (!table->begun && !table->no_columns && !options.no_headings)
		printf("no %s\n", table->title);
	table_drop(table);
}

void table_print_rows(const char *title, bool titled, const struct attribute_set *set,
		      const char *const *usual, const char *omit, struct json_object *array)
{
	const char *columns[COLUMNS_MAXIMUM + 1];
	struct table table;
	size_t i, count = 0;

	for (i = 0; usual && usual[i]; i++)
		if (!omit || strcmp(usual[i], omit))
			columns[count++] = usual[i];
	columns[count] = NULL;
	table_begin(&table, title, titled, set, usual ? columns : NULL);
	for (i = 0; i < json_object_array_length(array); i++)
		table_row(&table, json_object_array_get_idx(array, i));
	table_end(&table);
}

void table_print_object(const char *title, const struct attribute_set *set,
			struct json_object *object)
{
	struct table table = { .title = title };
	struct columns columns;
	size_t i;

	columns_choose(&columns, set, NULL);
	table_begin_plain(&table, NULL);
	if (!table.lines || !scols_table_new_column(table.lines, "KEY", 0, 0) ||
	    !scols_table_new_column(table.lines, "VALUE", 0, 0))
		columns.count = 0;
	for (i = 0; i < columns.count; i++) {
		const char *key = columns.items[i]->key;
		struct json_object *value = column_value(object, key);
		struct libscols_line *line = value ? table_line(&table, NULL) : NULL;
		char text[512];

		table_format(text, sizeof(text), columns.items[i], value);
		if (line) {
			table_text(line, 0, key);
			table_text(line, 1, text);
		}
		json_object_put(value);
	}
	if (!options.no_headings)
		printf("%s:\n", title);
	table_print(&table);
	table_drop(&table);
}
