/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON output to stdout: one document, which commands may print piece by piece, and which is
 * complete however the command ends.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xpmemctl.h"

static bool begun, in_array, has_items;

void (*output_leave_screen)(void);

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

static void leave_screen(void)
{
	if (output_leave_screen)
		output_leave_screen();
}

enum status fail(enum status status, const char *format, ...)
{
	char message[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	text_make_line(message);
	leave_screen();
	/* A person who reads both needs the message once. */
	if (!is_json() || !isatty(STDOUT_FILENO) || !isatty(STDERR_FILENO))
		fprintf(stderr, "xpmemctl: %s\n", message);
	if (is_json())
		print_error(status, message);
	return status;
}

void warn(const char *format, ...)
{
	va_list arguments;

	leave_screen();
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
