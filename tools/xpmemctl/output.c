/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON output to stdout: one document, which commands may print piece by piece, and which is
 * complete however the command ends.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "xpmemctl.h"

static bool begun, in_array, has_items;

static bool is_json(void)
{
	return options.format == FORMAT_JSON || options.format == FORMAT_PRETTY;
}

/* Pretty lines after the first begin deeper than they were made. */
static void print_json(struct json_object *value, int depth)
{
	const char *text = json_object_to_json_string_ext(
		value, JSON_C_TO_STRING_NOSLASHESCAPE |
			       (options.format == FORMAT_PRETTY ?
					JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED :
					JSON_C_TO_STRING_PLAIN));
	const char *end;

	for (; text && (end = strchr(text, '\n')); text = end + 1)
		printf("%.*s\n%*s", (int)(end - text), text, 2 * depth, "");
	fputs(text ? text : "null", stdout);
}

static void next_line(int depth)
{
	if (options.format == FORMAT_PRETTY)
		printf("\n%*s", 2 * depth, "");
}

static void print_key(const char *key)
{
	putchar(',');
	next_line(1);
	printf("\"%s\":%s", key, options.format == FORMAT_PRETTY ? " " : "");
}

void output_begin(void)
{
	begun = true;
	putchar('{');
	next_line(1);
	printf("\"schema_version\":%s%d", options.format == FORMAT_PRETTY ? " " : "",
	       SCHEMA_VERSION);
}

void output_value(const char *key, struct json_object *value)
{
	print_key(key);
	print_json(value, 1);
}

void output_array_begin(const char *key)
{
	print_key(key);
	putchar('[');
	in_array = true;
	has_items = false;
}

void output_item(struct json_object *item)
{
	if (has_items)
		putchar(',');
	has_items = true;
	next_line(2);
	print_json(item, 2);
}

void output_array_end(void)
{
	if (has_items)
		next_line(1);
	putchar(']');
	in_array = false;
}

void output_interrupted(const struct netlink *netlink)
{
	struct json_object *yes;

	if (!netlink->interrupted)
		return;
	yes = json_object_new_boolean(1);
	output_value("interrupted", yes);
	json_object_put(yes);
}

enum status output_end(void)
{
	next_line(0);
	puts("}");
	begun = false;
	return output_finish();
}

enum status output_document(const char *key, struct json_object *value)
{
	enum status status;

	if (!value)
		return out_of_memory();
	output_begin();
	output_value(key, value);
	status = output_end();
	json_object_put(value);
	return status;
}

static const char *name_of(enum status status)
{
	static const char *const names[] = {
		[STATUS_FAILED] = "failed",
		[STATUS_USAGE] = "usage",
		[STATUS_NO_MODULE] = "no_module",
		[STATUS_NOT_PERMITTED] = "not_permitted",
		[STATUS_NOT_FOUND] = "not_found",
	};

	return names[status];
}

static void print_error(enum status status, const char *message)
{
	struct json_object *error = json_object_new_object();

	if (json_put(error, "status", json_object_new_int(status)) &&
	    json_put(error, "name", json_object_new_string(name_of(status))) &&
	    json_put(error, "message", json_object_new_string(message))) {
		if (in_array)
			output_array_end();
		if (!begun)
			output_begin();
		output_value("error", error);
		next_line(0);
		puts("}");
		begun = false;
		fflush(stdout);
	}
	json_object_put(error);
}

enum status fail(enum status status, const char *format, ...)
{
	char message[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	text_make_line(message);
	fprintf(stderr, "xpmemctl: %s\n", message);
	if (is_json())
		print_error(status, message);
	return status;
}

void warn(const char *format, ...)
{
	va_list arguments;

	fputs("xpmemctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

enum status out_of_memory(void)
{
	return fail(STATUS_FAILED, "out of memory");
}

enum status output_finish(void)
{
	int error;

	if (!fflush(stdout) && !ferror(stdout))
		return STATUS_OK;
	error = errno;
	begun = in_array = false;
	warn("cannot write the output: %s", strerror(error));
	return STATUS_FAILED;
}

static bool is_key(const struct attribute_set *set, const char *key)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (!strcmp(set->attributes[i].key, key))
			return true;
	return false;
}

static bool is_key_of_any(const struct attribute_set *const *sets, size_t count, const char *key)
{
	size_t i;

	for (i = 0; i < count && sets[i] && !is_key(sets[i], key); i++)
		;
	return i < count && sets[i];
}

/* Lists each key once, even if several sets have it. */
static enum status refuse_column(const struct attribute_set *const *sets, const char *column)
{
	char keys[800] = "";
	size_t i, j, length = 0;

	for (i = 0; sets[i]; i++)
		for (j = 0; j < sets[i]->count && length < sizeof(keys); j++)
			if (!is_key_of_any(sets, i, sets[i]->attributes[j].key))
				length += snprintf(keys + length, sizeof(keys) - length, "%s%s",
						   length ? ", " : "", sets[i]->attributes[j].key);
	return fail(STATUS_USAGE, "no column \"%s\"; columns are %s", column, keys);
}

enum status columns_check(const struct attribute_set *const *sets)
{
	size_t i;

	for (i = 0; i < options.column_count; i++)
		if (!is_key_of_any(sets, SIZE_MAX, options.columns[i]))
			return refuse_column(sets, options.columns[i]);
	return STATUS_OK;
}

bool column_is_chosen(const char *key)
{
	size_t i;

	for (i = 0; i < options.column_count && strcmp(options.columns[i], key); i++)
		;
	return !options.columns || i < options.column_count;
}

struct json_object *columns_select(struct json_object *object)
{
	struct json_object *selected, *value;
	size_t i;

	if (!options.columns)
		return json_object_get(object);
	selected = json_object_new_object();
	for (i = 0; selected && i < options.column_count; i++)
		if (json_object_object_get_ex(object, options.columns[i], &value) &&
		    !json_put(selected, options.columns[i], json_object_get(value))) {
			json_object_put(selected);
			return NULL;
		}
	return selected;
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
