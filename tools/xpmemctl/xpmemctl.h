/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef XPMEMCTL_H
#define XPMEMCTL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "netlink_gen.h"

/* Exit statuses; a function that returns another one than OK has called fail(). */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_NO_MODULE = 3,
	STATUS_NOT_PERMITTED = 4,
	STATUS_NOT_FOUND = 5,
};

/* The options; set before a command runs. */
enum format { FORMAT_JSON, FORMAT_PRETTY, FORMAT_TABLE, FORMAT_OPENMETRICS };

struct options {
	enum format format;
	bool human;
	char **columns;		/* NULL: all */
	size_t column_count;
	double interval;	/* seconds; 0: once */
	unsigned long count;	/* of rounds; 0: no end */
	bool snapshot;
	bool fix;		/* run the commands of findings */
	bool dry_run;		/* only print them */
};

extern struct options options;

/* The kinds of objects, each the parent of the next. */
struct noun {
	const char *singular;
	const char *plural;
	const struct operation *get;
	const struct operation *revoke;	/* or NULL */
};

enum { NOUN_EXPORTER, NOUN_SEGMENT, NOUN_PERMIT, NOUN_ATTACHMENT, NOUN_COUNT };

/* noun.c */
extern const struct noun nouns[NOUN_COUNT];

/* NOUN_COUNT when there is none. */
int noun_of_singular(const char *name);
int noun_of_plural(const char *name);

/* main.c: a command of the tool, with its own arguments only. */
struct command {
	const char *name;
	const char *arguments;
	const char *summary;
	const char *details;
	const char *options; /* options that it takes beside those of all commands */
	const struct attribute_set *sets[6];	/* sets whose keys its help explains */
	const struct operation *filters[5];	/* operations whose objects it selects by keys */
	enum status (*run)(int count, char **arguments);
	bool hidden;
};

extern const struct command commands[];
extern const size_t command_count;

enum status list(int count, char **arguments);
enum status inspect(int count, char **arguments);
enum status tree(int count, char **arguments);
enum status stats(int count, char **arguments);
enum status monitor(int count, char **arguments);
enum status revoke_objects(int count, char **arguments);
enum status info(int count, char **arguments);
enum status doctor(int count, char **arguments);
enum status schema(int count, char **arguments);
enum status complete(int count, char **arguments);

/* filter.c: conditions that objects have to meet */

#define FILTER_TERMS 16

struct filter {
	struct {
		const struct attribute *attribute;
		uint64_t number;
		const char *text;	/* of a string; the argument's */
	} terms[FILTER_TERMS];
	size_t count;
};

struct nl_msg;

/* Returns whether the kernel can filter a dump by the key of each pair KEY VALUE. */
bool filter_takes(const struct operation *operation, int count, char **arguments);

/* The keys, as a list for people. */
void filter_list_keys(const struct operation *operation, char *text, size_t size);

/* Parses pairs KEY VALUE. */
enum status filter_parse(struct filter *filter, const struct operation *operation, int count,
			 char **arguments);

/* False without memory. */
bool filter_put(const struct filter *filter, struct nl_msg *message);

/* Parses a positive id, decimal or 0x and hexadecimal; returns 0 if it is invalid. */
int64_t parse_id(const char *text);

/* False when the text is no value of the attribute. A text that is always is has the number 0. */
bool parse_value(const struct attribute *attribute, const char *text, uint64_t *number);

/* Reports the valid values. */
enum status refuse_value(const struct attribute *attribute, const char *text);

/* netlink.c */

struct netlink {
	struct nl_sock *socket;
	int family;
	bool interrupted;	/* a listing could not be had in one piece */
};

/* Whether the loaded module has the netlink family; prints nothing. */
bool netlink_is_served(void);

enum status netlink_open(struct netlink *netlink);
void netlink_close(struct netlink *netlink);

/* *object is the caller's to put; it is NULL when it fails. id 0: none is asked for. */
enum status netlink_get(struct netlink *netlink, const struct operation *operation, int64_t id,
			struct json_object **object);

/* For operations that are only acknowledged. */
enum status netlink_do(struct netlink *netlink, const struct operation *operation, int64_t id);

/* Calls visit for each object as it arrives, and frees it afterwards. filter may be NULL. */
typedef enum status visitor(struct json_object *object, void *data);
enum status netlink_dump(struct netlink *netlink, const struct operation *operation,
			 const struct filter *filter, visitor *visit, void *data);

/* Like netlink_dump(), but consistent, in a few attempts; calls restart() before each retry. */
enum status netlink_dump_whole(struct netlink *netlink, const struct operation *operation,
			       const struct filter *filter, visitor *visit,
			       void (*restart)(void *data), void *data);

/* Like this, but all at once. The caller puts *array, which is NULL after a failure. */
enum status netlink_collect(struct netlink *netlink, const struct operation *operation,
			    const struct filter *filter, struct json_object **array);

struct nlattr;

/* Attributes that the kernel may send of a set; policy is indexed by id up to set->maximum. */
struct nla_policy;
void netlink_policy(const struct attribute_set *set, struct nla_policy *policy);

/* json.c */

/* The caller's to put, NULL without memory. attributes is indexed by id. */
struct json_object *json_from_attributes(const struct attribute_set *set,
					 struct nlattr **attributes);

/* An id as JSON shows it. */
void json_format_id(char *text, size_t size, int64_t id);

/* Takes ownership of value. Returns false without memory or object. */
bool json_put(struct json_object *object, const char *key, struct json_object *value);

/* The text or number of a key, or NULL or 0. */
const char *json_text(struct json_object *object, const char *key);
const char *json_text_or(struct json_object *object, const char *key, const char *otherwise);
uint64_t json_number(struct json_object *object, const char *key);
uint64_t json_unsigned(struct json_object *value);

/* Returns whether a key is a counter, which only grows. */
bool is_counter(const char *key);

/* Nanoseconds since 1970, as a text in ISO 8601 and UTC. */
struct json_object *json_time(uint64_t nanoseconds);

/* Nanoseconds since 1970. */
uint64_t now(void);

/* output.c: the document on stdout, and errors */

enum status fail(enum status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
enum status out_of_memory(void);

/* A document with its schema version; keys follow, then its end. */
void output_begin(void);
void output_value(const char *key, struct json_object *value);
void output_array_begin(const char *key);
void output_item(struct json_object *item);
void output_array_end(void);
/* Says so if a listing could not be had in one piece. */
void output_interrupted(const struct netlink *netlink);
enum status output_end(void);

/* A document of one key, or of an object that is finished. Takes over value. */
enum status output_document(const char *key, struct json_object *value);

/* Whether the options' columns are keys of one of the sets, which ends with NULL. */
enum status columns_check(const struct attribute_set *const *sets);

bool column_is_chosen(const char *key);

/* The object with the options' columns only, in their order; the caller's to put. */
struct json_object *columns_select(struct json_object *object);

/* Does this for all objects of an array. */
struct json_object *columns_select_all(struct json_object *array);

/* Verifies that all output has reached stdout. */
enum status output_finish(void);

/* table.c: objects for people. */

struct table {
	const char *title;
	const struct attribute_set *set;
	struct json_object *rows;	/* until widths are known */
	int widths[64];			/* of columns, 0: not shown */
	size_t order[64];		/* of columns: indices of attributes */
	size_t columns;
	size_t last;
	bool begun;
};

/* Rows are printed as they come, but for the first thousand, which give the widths. */
void table_begin(struct table *table, const char *title, const struct attribute_set *set);
bool table_row(struct table *table, struct json_object *row);
void table_end(struct table *table);
/* Ends a table whose rows cannot be read. */
void table_drop(struct table *table);

void table_print_rows(const char *title, const struct attribute_set *set,
		      struct json_object *array);
void table_print_object(const char *title, const struct attribute_set *set,
			struct json_object *object);
void table_print_cell(FILE *out, const char *key, struct json_object *value);

/* text.c */

/* Replaces invalid UTF-8, which JSON forbids, and control characters by question marks. */
void text_make_line(char *text);

/* openmetrics.c */
enum status openmetrics(struct netlink *netlink);

#endif
