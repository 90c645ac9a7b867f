/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef XPMEMCTL_H
#define XPMEMCTL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "netlink_gen.h"

/* Exit statuses; whoever returns one but OK has said why on stderr, in one line. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_NO_MODULE = 3,
	STATUS_NOT_PERMITTED = 4,
	STATUS_NOT_FOUND = 5,
};

enum status fail(enum status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

void warn(const char *message);

/* What can be listed and inspected. */
struct noun {
	const char *singular;
	const char *plural;
	const struct operation *get;
};

enum { NOUN_SEGMENT, NOUN_PERMIT, NOUN_ATTACHMENT, NOUN_COUNT };

extern const struct noun nouns[NOUN_COUNT];

/* main.c: a command of the tool, with its own arguments only. */
struct command {
	const char *name;
	const char *arguments;
	const char *summary;
	const char *details;
	bool keys[NOUN_COUNT];	/* whose keys its help explains */
	bool info_keys;
	enum status (*run)(int count, char **arguments, bool table);
};

enum status list(int count, char **arguments, bool table);
enum status inspect(int count, char **arguments, bool table);
enum status info(int count, char **arguments, bool table);

/* netlink.c */

struct netlink {
	struct nl_sock *socket;
	int family;
	bool interrupted;	/* a listing could not be had in one piece */
};

enum status netlink_open(struct netlink *netlink);
void netlink_close(struct netlink *netlink);

/* *object and *array are the caller's to put; they are NULL when it fails. id 0: none is asked for. */
enum status netlink_get(struct netlink *netlink, const struct operation *operation, int64_t id, struct json_object **object);
enum status netlink_dump(struct netlink *netlink, const struct operation *operation, struct json_object **array);

/* json.c */

struct nlattr;

/* The caller's to put, NULL without memory. attributes is indexed by id. */
struct json_object *json_from_attributes(const struct attribute_set *set, struct nlattr **attributes);

/* An id as JSON shows it. */
void json_format_id(char *text, size_t size, int64_t id);

/* A new array of those objects of an array whose key has a text; the caller's to put. */
struct json_object *json_select(struct json_object *array, const char *key, const char *text);

/* An output with its schema version; the caller's to put. */
struct json_object *json_output(const struct netlink *netlink);

/* Takes over value. False without memory. */
bool json_put(struct json_object *object, const char *key, struct json_object *value);

enum status json_print(struct json_object *output);

/* table.c: objects for people. */

void table_print_rows(const char *title, const struct attribute_set *set, struct json_object *array);
void table_print_object(const char *title, const struct attribute_set *set, struct json_object *object);

/* Sees to it that everything printed has reached stdout. */
enum status output_finish(void);

#endif
