/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef XPMEMCTL_H
#define XPMEMCTL_H

#include <json-c/json.h>
#include <limits.h>
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
enum format {
	FORMAT_JSON,
	FORMAT_PRETTY,
	FORMAT_TABLE,
	FORMAT_OPENMETRICS,
	FORMAT_PROMETHEUS,
};

struct options {
	enum format format;
	bool json_wanted;	/* an option asks for JSON */
	bool bytes;		/* sizes in tables are numbers of bytes */
	bool no_headings;
	char **columns;		/* NULL: all, or the usual ones of a table */
	size_t column_count;
	bool more_columns;	/* columns are shown beside those that are shown anyway */
	bool all_columns;
	const char *sort;	/* key; NULL: as the module lists them */
	bool descending;
	double interval;	/* seconds; 0: once */
	unsigned long count;	/* of rounds; 0: no end */
	bool snapshot;
	bool fix;		/* run the commands of findings */
	bool dry_run;		/* only print them */
	bool by_exporter;	/* series of each */
	bool by_user;
	const char *output;	/* file that metrics go to; NULL: stdout */
};

extern struct options options;

/* The kinds of objects, each the parent of the next. */
struct noun {
	const char *singular;
	const char *plural;
	const struct operation *get;
	const struct operation *revoke;	/* or NULL */
	const char *columns[9];		/* usual ones of its tables; ends with NULL */
};

enum { NOUN_EXPORTER, NOUN_SEGMENT, NOUN_PERMIT, NOUN_ATTACHMENT, NOUN_COUNT };

/* noun.c */
extern const struct noun nouns[NOUN_COUNT];

/* Takes singular and plural; NOUN_COUNT when there is none. */
int noun_of(const char *name);

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
enum status overview(void);
enum status usage(int count, char **arguments);
enum status top(int count, char **arguments);
enum status help(int count, char **arguments);

/* filter.c: conditions that objects have to meet */

#define FILTER_TERMS 16

struct filter {
	struct {
		const struct attribute *attribute;
		uint64_t number;
		const char *text;	/* of a string; the argument's */
	} terms[FILTER_TERMS];
	size_t count;
	const char *command;	/* name of the process, which the tool compares; or NULL */
};

struct nl_msg;

/*
 * Copies words, which may be KEY=VALUE in place of KEY VALUE, and splits those in place. split has
 * room for twice as many. Returns their number.
 */
int filter_split(int count, char **words, char **split);

/* Moves a kind of objects that comes after pairs to the front. */
void filter_kind_first(int count, char **words);

/* Returns the key that another name of it stands for: tables show a uid as user. */
const char *filter_key(const char *key);

/* Returns whether the kernel can filter a dump by the key of each pair KEY VALUE. */
bool filter_takes(const struct operation *operation, int count, char **arguments);

/* The keys, as a list for people. */
void filter_list_keys(const struct operation *operation, char *text, size_t size);

/* Adds all keys to a guess. */
struct guess;
void filter_guess(const struct operation *operation, struct guess *guess);

/* Whether a key means the name of a process. */
bool is_command_key(const char *key);

/* Whether the tool's own condition holds, which the kernel does not know. */
bool filter_matches(const struct filter *filter, struct json_object *object);

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

/*
 * Whether the loaded module has the netlink family; prints nothing. Sets usable to whether this
 * process may use generic netlink at all.
 */
bool netlink_is_served(bool *usable);

/*
 * Whether this is the machine's first network namespace, the only one that events reach. There the
 * kernel has settings of the whole machine, and other ones do not have them.
 */
bool network_namespace_is_first(void);

/* Reports that the module was unloaded while the command ran. */
enum status module_was_unloaded(void);

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

/* Whether an attribute is shown as a number. */
bool is_number(const struct attribute *attribute);
/* Whether it is a number that monitoring wants: a counter, a count, bytes or a timestamp. */
bool is_figure(const struct attribute *attribute);

bool json_put_number(struct json_object *object, const char *key, uint64_t number);

/* A number with one digit after the point. */
struct json_object *json_new_decimal(double number);

/* Nanoseconds since 1970, as a text in ISO 8601 and UTC. */
struct json_object *json_time(uint64_t nanoseconds);

/* Nanoseconds since 1970. */
uint64_t now(void);

/* output.c: the document on stdout, and errors */

enum status fail(enum status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
enum status out_of_memory(void);

/*
 * Called before a message; NULL: not needed. A command that draws on a screen of its own, which
 * vanishes when it ends, leaves it here, so that the message stays on the terminal.
 */
extern void (*output_leave_screen)(void);

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

/* Verifies that all output has reached stdout. */
enum status output_finish(void);

/*
 * output_file.c: between these calls, stdout is a new file beside that of the option --output. It
 * replaces that file if all of it could be written. Without the option they leave stdout alone.
 */
enum status output_file_begin(void);
enum status output_file_end(void);

/* columns.c: which keys of objects are shown, and in which order objects are */

#define COLUMNS_MAXIMUM 64

struct columns {
	const struct attribute *items[COLUMNS_MAXIMUM];
	size_t count;
};

/* NULL if the set has no such attribute. */
const struct attribute *attribute_of_key(const struct attribute_set *set, const char *key);

/* The columns of a set: its attributes, then those that the tool derives. NULL after the last. */
const struct attribute *column_at(const struct attribute_set *set, size_t number);

/* NULL if the set has no such column. */
const struct attribute *column_of(const struct attribute_set *set, const char *key);

/* Whether the options' columns, and the key to sort by, are of one of the sets (up to NULL). */
enum status columns_check(const struct attribute_set *const *sets);

/* The columns of a table. usual (up to NULL) are shown without options; NULL: all are. */
void columns_choose(struct columns *columns, const struct attribute_set *set,
		    const char *const *usual);

/* The value of a column, or NULL; the caller's to put. */
struct json_object *column_value(struct json_object *object, const char *key);

/* The object with the options' columns only, in their order; the caller's to put. */
struct json_object *columns_select(struct json_object *object);

/* Does this for all objects of an array. */
struct json_object *columns_select_all(struct json_object *array);

/* Sorts objects as the options say. */
void columns_sort(struct json_object *array);

/* table.c: objects for people. */

struct libscols_line;
struct libscols_table;

struct table {
	const char *title;
	bool titled;
	struct columns columns;
	struct libscols_table *lines;	/* NULL: out of memory, or no columns */
	size_t widths[COLUMNS_MAXIMUM];	/* of columns of rows that were printed; 0: none were */
	size_t count;			/* of lines since the last print */
	bool begun;
	bool no_columns;
	bool fits;	/* leaves columns out for which a terminal has no room */
};

/* title is printed before the rows if titled. usual: see columns_choose(). */
void table_begin(struct table *table, const char *title, bool titled,
		 const struct attribute_set *set, const char *const *usual);

/* Rows are printed as they come, but for the first thousand, which give the widths. */
bool table_row(struct table *table, struct json_object *row);
void table_end(struct table *table);
/* Ends a table whose rows cannot be read. */
void table_drop(struct table *table);

/* A table without rows, for texts. label heads a first column, which shows a tree; or NULL. */
void table_begin_plain(struct table *table, const char *label);
/* Returns NULL without memory. parent may be NULL. */
struct libscols_line *table_line(struct table *table, struct libscols_line *parent);
bool table_text(struct libscols_line *line, size_t number, const char *text);
void table_print(struct table *table);

/* Whether tables have the usual columns and go to a terminal. */
bool table_is_fitted(void);

/* omit: a usual column that says the same in each row, or NULL. */
void table_print_rows(const char *title, bool titled, const struct attribute_set *set,
		      const char *const *usual, const char *omit, struct json_object *array);
void table_print_object(const char *title, const struct attribute_set *set,
			struct json_object *object);
/* The text of a cell. */
void table_format(char *text, size_t size, const struct attribute *attribute,
		  struct json_object *value);
void table_print_cell(FILE *out, const struct attribute *attribute, struct json_object *value);

/* names.c: names of processes, users, cgroups and jobs */

/* Pids and uids from now on are of the first namespaces, even if the tool is in others. */
void names_of_first_namespaces(void);

/* Processes that are named from now on may be others than before, or may run other programs. */
void forget_processes(void);

/* Empty if it is unknown. */
void command_name(char *text, size_t size, uint32_t pid);
/* The number if there is no name. */
void user_name(char *text, size_t size, uint32_t uid);
/* The path of a process's cgroup; empty if it is unknown. */
void cgroup_name(char *text, size_t size, uint32_t pid);
/* The number of the Slurm job that a cgroup belongs to; empty without one. */
void job_name(char *text, size_t size, const char *cgroup);
bool find_user(const char *name, uint64_t *uid);
bool find_group(const char *name, uint64_t *gid);

/* text.c */

/* Replaces invalid UTF-8, which JSON forbids, and control characters by question marks. */
void text_make_line(char *text);

#define FORMAT_DATE "%Y-%m-%d %H:%M:%S"
#define FORMAT_TIME "%H:%M:%S"

/* Formats a time in seconds since 1970 as lsipc does: 12:34 of today, Nov30, or 2025-Nov30. */
void text_short_time(char *text, size_t size, uint64_t seconds, uint64_t today);

/* Formats a time in seconds since 1970 with strftime() in this time zone; else as the number. */
void text_local_time(char *text, size_t size, const char *format, uint64_t seconds);

/* Returns the ending of a noun after a count of it: "" for one, else "s". */
const char *text_plural(uint64_t count);

/* The word that a wrong one may have been meant to be. */
struct guess {
	const char *word;
	const char *best;
	size_t distance;
	char text[96];
};

void guess_begin(struct guess *guess, const char *word);
void guess_add(struct guess *guess, const char *candidate);
/* A question, with before and after around it; empty without a guess. */
const char *guess_text(struct guess *guess, const char *before, const char *after);

/* usage.c */
extern const struct attribute_set usage_attributes;

/* How many objects of a kind a user may have. */
uint64_t limit_of(struct json_object *info, int noun);

/* What the module is, and the sums of all objects and of each user's. The caller puts all three. */
enum status usage_collect(struct netlink *netlink, struct json_object **info,
			  struct json_object **whole, struct json_object **users);

/* A kind of owner whose objects usage sums up. */
struct grouping {
	const char *singular;
	const char *plural;
	const char *usual[10];	/* columns of its table; ends with NULL */
};

enum { GROUPING_USER, GROUPING_CGROUP, GROUPING_JOB, GROUPING_COUNT };

extern const struct grouping groupings[GROUPING_COUNT];

/* top.c */
extern const struct attribute_set process_attributes;

/* openmetrics.c */
enum status openmetrics(struct netlink *netlink);

/* prometheus.c */
enum status prometheus(struct netlink *netlink);

/* library.c: the libxpmem.so.0 that programs of this environment get */
struct library {
	char path[PATH_MAX];
	char version[64];	/* empty: another make of the library */
};

/* False if the dynamic linker finds none. */
bool library_find(struct library *library);

#endif
