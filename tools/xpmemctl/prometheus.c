/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statistics in the text format 0.0.4 of Prometheus, for the textfile collector of node_exporter:
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * The number of series is fixed, unless the caller asks for those of each exporter or user.
 */
#include <linux/xpmem.h>
#include <stdlib.h>
#include <string.h>

#include "xpmemctl.h"

/* What a collection has read from the module; NULL: not read. */
struct collection {
	struct json_object *info;
	struct json_object *machine; /* only administrators get it */
	struct json_object *whole;   /* sums of all objects */
	struct json_object *users;   /* sums of each user's objects */
	struct json_object *exporters;
};

/* Escapes text of a label; line feeds and backslashes in help texts are escaped, too. */
static void print_escaped(const char *text, bool quoted)
{
	for (; *text; text++)
		if (*text == '\n')
			fputs("\\n", stdout);
		else if (*text == '\\' || (quoted && *text == '"'))
			printf("\\%c", *text);
		else
			putchar(*text);
}

static void print_head(const char *name, const char *type, const char *doc)
{
	printf("# HELP %s ", name);
	print_escaped(doc, false);
	printf("\n# TYPE %s %s\n", name, type);
}

/* Separator of labels: a brace before the first. */
static char print_label(char separator, const char *name, const char *value)
{
	printf("%c%s=\"", separator, name);
	print_escaped(value, true);
	putchar('"');
	return ',';
}

static void print_labels(struct json_object *object, const char *const *keys)
{
	char separator = '{';

	for (; *keys; keys++) {
		struct json_object *value = column_value(object, *keys);

		if (value)
			separator = print_label(separator, *keys, json_object_get_string(value));
		json_object_put(value);
	}
	if (separator == ',')
		putchar('}');
}

/* The end of a name: what a counter ends with, or the unit. */
static const char *suffix_of(enum attribute_form form)
{
	switch (form) {
	case FORM_COUNTER:
		return "_total";
	case FORM_BYTES:
		return "_bytes";
	case FORM_TIMESTAMP:
		return "_timestamp_seconds";
	default:
		return "";
	}
}

/*
 * A metric of an object, or with a sample of each object of an array: the format requires that the
 * samples of a metric are adjacent. labels ends with NULL.
 */
static void print_metric(const char *prefix, const struct attribute *attribute,
			 struct json_object *objects, const char *const *labels)
{
	bool several = json_object_is_type(objects, json_type_array);
	size_t count = several ? json_object_array_length(objects) : 1, i;
	struct json_object *object, *value;
	char name[96];

	snprintf(name, sizeof(name), "xpmem_%s%s%s", prefix, attribute->key,
		 suffix_of(attribute->form));
	print_head(name, attribute->form == FORM_COUNTER ? "counter" : "gauge", attribute->doc);
	for (i = 0; i < count; i++) {
		object = several ? json_object_array_get_idx(objects, i) : objects;
		if (!json_object_object_get_ex(object, attribute->key, &value))
			continue;
		fputs(name, stdout);
		print_labels(object, labels);
		if (attribute->form == FORM_OCTAL)
			printf(" %lu\n", strtoul(json_object_get_string(value), NULL, 8));
		else
			printf(" %s\n", json_object_get_string(value));
	}
}

static const char *const no_labels[] = { NULL };

static void print_keys(const struct attribute_set *set, const char *const *keys,
		       struct json_object *object)
{
	for (; *keys; keys++)
		print_metric("", attribute_of_key(set, *keys), object, no_labels);
}

static void print_build(const char *component, const char *version, const char *abi_version)
{
	char separator;

	fputs("xpmem_build_info", stdout);
	separator = print_label('{', "component", component);
	separator = print_label(separator, "version", version);
	if (*abi_version)
		print_label(separator, "abi_version", abi_version);
	puts("} 1");
}

static void print_builds(struct json_object *info)
{
	struct library library;
	char text[64];

	print_head("xpmem_build_info", "gauge",
		   "Versions of the loaded module, this tool and the library that programs get; "
		   "always 1.");
	print_build("module", json_text_or(info, "module_version", ""),
		    json_text_or(info, "abi_version", ""));
	snprintf(text, sizeof(text), "%d", XPMEM_ABI_VERSION);
	print_build("tool", XPMEM_VERSION, text);
	if (library_find(&library) && library.version[0])
		print_build("library", library.version, "");
}

/* The module's parameters. A limit of 0 is shown as what it stands for. */
static void print_parameters(struct json_object *info)
{
	static const char *const keys[] = { "mode_mask", "global_ids", "page_size", NULL };
	char key[64], name[96];
	int i;

	print_keys(&info_attributes, keys, info);
	for (i = NOUN_SEGMENT; i < NOUN_COUNT; i++) {
		snprintf(key, sizeof(key), "max_%s", nouns[i].plural);
		snprintf(name, sizeof(name), "xpmem_limit_%s", nouns[i].plural);
		print_head(name, "gauge", attribute_of_key(&info_attributes, key)->doc);
		printf("%s %llu\n", name, (unsigned long long)limit_of(info, i));
	}
}

/* Limits are per user: how near one is to them, without series of each user. */
static void print_top_user(struct json_object *users)
{
	char name[96], doc[128];
	uint64_t most;
	size_t j;
	int i;

	for (i = NOUN_SEGMENT; i < NOUN_COUNT; i++) {
		for (most = 0, j = 0; j < json_object_array_length(users); j++) {
			struct json_object *user = json_object_array_get_idx(users, j);

			if (json_number(user, nouns[i].plural) > most)
				most = json_number(user, nouns[i].plural);
		}
		snprintf(name, sizeof(name), "xpmem_top_user_%s", nouns[i].plural);
		snprintf(doc, sizeof(doc),
			 "Live %s of the user that has most of them; xpmem_limit_%s is the limit.",
			 nouns[i].plural, nouns[i].plural);
		print_head(name, "gauge", doc);
		printf("%s %llu\n", name, (unsigned long long)most);
	}
}

static void print_machine(const struct collection *collection)
{
	static const char *const keys[] = { "exported", "attached", "pinned", NULL };
	size_t i;

	for (i = 0; i < stats_attributes.count; i++)
		print_metric("", &stats_attributes.attributes[i], collection->machine, no_labels);
	print_keys(&usage_attributes, keys, collection->whole);
	print_top_user(collection->users);
}

static void print_each(const char *prefix, const struct attribute_set *set,
		       struct json_object *array, const char *const *labels)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (is_figure(&set->attributes[i]))
			print_metric(prefix, &set->attributes[i], array, labels);
}

/*
 * A listing of objects that change may have an object twice, and two equal series are invalid.
 * False without memory.
 */
static bool drop_repeated(struct json_object *array)
{
	struct json_object *seen = json_object_new_object();
	bool done = seen;
	size_t i = 0;

	while (done && i < json_object_array_length(array)) {
		const char *id = json_text_or(json_object_array_get_idx(array, i), "id", "");

		if (json_object_object_get_ex(seen, id, NULL))
			json_object_array_del_idx(array, i, 1);
		else
			done = json_put_number(seen, id, i++);
	}
	json_object_put(seen);
	return done;
}

static enum status collect(struct netlink *netlink, struct collection *collection)
{
	enum status status =
		usage_collect(netlink, &collection->info, &collection->whole, &collection->users);
	struct json_object *totals;

	/* The module gives the totals to those that may read the statistics, too. */
	if (status == STATUS_OK && json_object_object_get_ex(collection->info, "segments", &totals))
		status = netlink_get(netlink, &operation_stats_get, 0, &collection->machine);
	if (status == STATUS_OK && options.by_exporter)
		status = netlink_collect(netlink, &operation_exporter_get, NULL,
					 &collection->exporters);
	if (status == STATUS_OK && options.by_exporter && !drop_repeated(collection->exporters))
		status = out_of_memory();
	return status;
}

static enum status print(const struct collection *collection)
{
	static const char *const exporter_labels[] = { "id", "pid", "uid", "user", NULL };
	static const char *const user_labels[] = { "uid", "user", NULL };
	enum status status = output_file_begin();

	if (status != STATUS_OK)
		return status;
	print_builds(collection->info);
	print_parameters(collection->info);
	if (collection->machine)
		print_machine(collection);
	if (options.by_user)
		print_each("user_", &usage_attributes, collection->users, user_labels);
	if (options.by_exporter)
		print_each("exporter_", &exporter_attributes, collection->exporters,
			   exporter_labels);
	return output_file_end();
}

enum status prometheus(struct netlink *netlink)
{
	struct collection collection = { .info = NULL };
	enum status status = collect(netlink, &collection);

	if (status == STATUS_OK)
		status = print(&collection);
	json_object_put(collection.info);
	json_object_put(collection.machine);
	json_object_put(collection.whole);
	json_object_put(collection.users);
	json_object_put(collection.exporters);
	return status;
}
