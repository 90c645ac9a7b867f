/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules for control.yaml: the part of the kernel's YNL schema "genetlink" that the family
 * needs, and further keys, which the head of that file describes. Each check says which keys it
 * puts into the tree for the templates.
 */
#include <stdint.h>
#include <string.h>

#include "rules.h"

/* In a list of attributes: those that are not event-only. */
#define ALL "ALL"

static const struct node *ioctl_spec;

/* Puts the `entries` of flags, which are those of the ioctl spec. */
static void check_definition(struct node *definition)
{
	const char *name = text_of(definition, "name");
	const struct node *set = node_with(node_find(ioctl_spec, "flags"), "name", name);
	bool flags = !strcmp(text_of(definition, "type"), "flags");

	if (flags != !!node_find(definition, "header"))
		fail_at(definition, "\"%s\" must have a header if it is flags, and only then",
			name);
	if (flags && !set)
		fail_at(definition, "\"%s\" has a header, so it must be flags of the ioctl spec",
			name);
	if (flags)
		put(definition, "entries", node_find(set, "bits"));
}

static const char *types_of(const char *is)
{
	return !strcmp(is, "counter") ? "u64" : !strcmp(is, "hex") ? "u64 s64" : "u32 u64";
}

/*
 * Puts the `form` of the attribute in xpmemctl's JSON. Each set begins with a padding, which the
 * spec does not list, so the `id` is one more than the place in the list.
 */
static void check_attribute(struct node *attribute)
{
	const struct node *enumeration = node_find(attribute, "enum");
	const char *name = text_of(attribute, "name"), *type = text_of(attribute, "type");
	const char *is = text_of(attribute, "is"), *form = is ? is : "number";
	bool string = !strcmp(type, "string");

	if (string)
		form = "text";
	else if (enumeration)
		form = strcmp(text_of(enumeration, "type"), "flags") ? "name" : "names";
	if (string && enumeration)
		fail_at(attribute, "attribute \"%s\" is a string: it cannot have enum", name);
	if (is && (form != is || !is_among(type, types_of(is))))
		fail_at(attribute, "attribute \"%s\" cannot be a %s: its type is %s", name, is,
			enumeration ? "no plain number" : type);
	put_text(attribute, "form", form);
	put_number(attribute, "id", number_of(attribute, "id") + 1);
}

static bool is_counter(const struct node *attribute)
{
	const char *is = text_of(attribute, "is");

	return is && !strcmp(is, "counter");
}

static const struct node *attributes_of(const struct node *sets, const char *name)
{
	return node_find(node_with(sets, "name", name), "attributes");
}

/* Whether the set of that name has a counter of the same name as this one. */
static bool has_counter(const struct node *sets, const char *name, const struct node *counter)
{
	return is_counter(node_with(attributes_of(sets, name), "name", text_of(counter, "name")));
}

static void check_counters(const struct node *sets, const char *name, const char *other)
{
	const struct node *attribute;

	for_each_item(attribute, attributes_of(sets, name))
		if (is_counter(attribute) && !has_counter(sets, other, attribute))
			fail_at(node_with(sets, "name", name),
				"\"%s\" has the counter \"%s\": add it to \"%s\"", name,
				text_of(attribute, "name"), other);
}

/* Puts the attribute as `parent` of its set, and the set as the `child` of the set it names. */
static void check_parent(const struct node *sets, struct node *set, struct node *attribute)
{
	const char *name = text_of(attribute, "parent");
	struct node *parent = name ? node_with(sets, "name", name) : NULL;

	if (name && !parent)
		fail_at(set, "no attribute set \"%s\" to be a parent", name);
	if (parent)
		put(set, "parent", attribute);
	if (parent && !node_find(parent, "child"))
		put(parent, "child", set);
}

static void check_sets(struct node *sets)
{
	struct node *set, *attribute;

	/* A counter of an object exists for the objects above it as well, and for the machine. */
	check_counters(sets, "attachment", "segment");
	check_counters(sets, "segment", "attachment");
	check_counters(sets, "segment", "exporter");
	check_counters(sets, "exporter", "stats");
	check_counters(sets, "info", "stats");
	for_each_item(set, sets)
		for_each_item(attribute, node_find(set, "attributes"))
			check_parent(sets, set, attribute);
}

static bool is_listed(const struct node *attribute, const struct node *names)
{
	return has_word(names, text_of(attribute, "name")) ||
	       (has_word(names, ALL) && !number_of(attribute, "event-only"));
}

static void check_listed(const struct node *name, const struct node *set)
{
	const struct node *attribute = node_with(node_find(set, "attributes"), "name", name->text);
	struct node earlier = *name->owner;

	if (!strcmp(name->text, ALL))
		return;
	if (!attribute)
		fail_at(name, "attribute set \"%s\" has no \"%s\" to send", text_of(set, "name"),
			name->text);
	for (earlier.count = 0; earlier.items[earlier.count] != name; earlier.count++)
		;
	if (is_listed(attribute, &earlier))
		fail_at(name, "attribute \"%s\" occurs twice: remove one", name->text);
}

/*
 * Puts the list `key` of the attributes that a message has, in the order of the set. With a second
 * message, those of both. A message may be NULL.
 */
static void put_attributes(struct node *operation, const char *key, const struct node *message,
			   const struct node *second)
{
	const struct node *names = node_find(message, "attributes"), *name;
	const struct node *more = node_find(second, "attributes");
	const struct node *set = node_find(operation, "attribute-set");
	struct node *list = put_list(operation, key), *attribute;

	for_each_item(name, names)
		check_listed(name, set);
	for_each_item(attribute, node_find(set, "attributes"))
		if (is_listed(attribute, names) || is_listed(attribute, more))
			node_append(list, attribute);
}

/*
 * Puts the lists of attributes of the `request`, of a dump's `filter`, of the `policy`, which both
 * share, and of the `reply` or event.
 */
static void check_operation(struct node *operation)
{
	const struct node *event = node_find(operation, "event");
	const struct node *message = node_find(operation, "do");
	const struct node *request = node_find(message, "request");
	const struct node *filter = node_find(node_find(operation, "dump"), "request");

	put_attributes(operation, "request", request, NULL);
	put_attributes(operation, "filter", filter, NULL);
	put_attributes(operation, "policy", request, filter);
	put_attributes(operation, "reply", event ? event : node_find(message, "reply"), NULL);
}

/* Puts the lists `requests` and `events`, and the first operation of a set as its `operation`. */
static void check_operations(struct node *list)
{
	struct node *requests = put_list(node_root(list), "requests");
	struct node *events = put_list(node_root(list), "events");
	struct node *operation, *set;

	for_each_item(operation, list) {
		if (!node_find(operation, "event") && events->count)
			fail_at(operation, "\"%s\" follows an event: put events last",
				text_of(operation, "name"));
		node_append(node_find(operation, "event") ? events : requests, operation);
		set = node_find(operation, "attribute-set");
		if (!node_find(set, "operation"))
			put(set, "operation", operation);
	}
}

/*
 * Puts the counters of the set "stats", in three lists: faults count the ones that segments have
 * too, changes of an exporter those of exporters, and other code the rest.
 */
static void check_root(struct node *root)
{
	const struct node *sets = node_find(root, "attribute-sets");
	struct node *faults = put_list(root, "fault_counters");
	struct node *changes = put_list(root, "change_counters");
	struct node *others = put_list(root, "other_counters"), *attribute;

	for_each_item(attribute, attributes_of(sets, "stats")) {
		if (!is_counter(attribute))
			continue;
		node_append(has_counter(sets, "segment", attribute)  ? faults :
			    has_counter(sets, "exporter", attribute) ? changes :
								       others,
			    attribute);
	}
}

#define SAME_ENTRY "entries \"%s\" and \"%s\" share their name or value: change one"

/* The name of a mapping, different from the others in its list. */
#define NAMED(of, ...) KEY(of, "name", NAME, .mark = '-', __VA_ARGS__)

static const struct rule rules[] = {
	NAMED("root"),
	KEY("root", "protocol", TEXT, .choices = "genetlink",
	    .unknown = "protocol must be genetlink"),
	KEY("root", "version", NUMBER, .maximum = 0xff),
	KEY("root", "doc", TEXT),
	KEY("root", "definitions", LIST, .item = "definition"),
	KEY("root", "attribute-sets", LIST, .item = "set", .check = check_sets),
	KEY("root", "mcast-groups", LIST, .item = "group"),
	KEY("root", "operations", MAPPING, .item = "operations"),
	WHOLE("root", .check = check_root),

	NAMED("definition", .same = "definition \"%s\" occurs twice: rename one"),
	KEY("definition", "type", TEXT, .choices = "enum flags",
	    .unknown = "unknown type \"%s\": use enum or flags"),
	OPTIONAL("definition", "header", TEXT),
	KEY("definition", "entries", LIST, .item = "entry", .unless = "header"),
	WHOLE("definition", .check = check_definition),

	NAMED("entry", .same = SAME_ENTRY),
	KEY("entry", "value", NUMBER, .maximum = UINT32_MAX, .counts = true, .same = SAME_ENTRY),
	KEY("entry", "doc", TEXT),

	NAMED("set", .same = "attribute set \"%s\" occurs twice: rename one"),
	KEY("set", "attributes", LIST, .item = "attribute"),

	NAMED("attribute", .same = "attribute \"%s\" occurs twice: rename one"),
	KEY("attribute", "type", TEXT, .choices = "u32 u64 s64 string",
	    .unknown = "unknown type \"%s\": use u32, u64, s64 or string"),
	KEY("attribute", "doc", TEXT),
	OPTIONAL("attribute", "event-only", TRUTH),
	OPTIONAL("attribute", "parent", TEXT),
	OPTIONAL("attribute", "enum", TEXT, .refers = "definitions",
		 .unknown = "no enum \"%s\": define it under \"definitions\""),
	OPTIONAL("attribute", "is", TEXT, .choices = "counter count bytes timestamp octal hex",
		 .unknown = "unknown \"%s\": use counter, count, bytes, timestamp, octal or hex"),
	WHOLE("attribute", .check = check_attribute),

	NAMED("group"),

	KEY("operations", "name-prefix", TEXT),
	KEY("operations", "list", LIST, .item = "operation", .check = check_operations),

	NAMED("operation", .same = "operation \"%s\" occurs twice: rename one"),
	KEY("operation", "doc", TEXT),
	KEY("operation", "attribute-set", TEXT, .refers = "attribute-sets",
	    .unknown = "no attribute set \"%s\": define it under \"attribute-sets\""),
	OPTIONAL("operation", "event", MAPPING, .item = "message"),
	KEY("operation", "mcgrp", TEXT, .refers = "mcast-groups", .when = "event",
	    .unknown = "no group \"%s\": define it under \"mcast-groups\""),
	OPTIONAL("operation", "flags", LIST, .choices = "admin-perm", .unless = "event",
		 .unknown = "unknown flag \"%s\": use admin-perm"),
	KEY("operation", "do", MAPPING, .item = "do", .unless = "event"),
	OPTIONAL("operation", "dump", MAPPING, .item = "dump", .unless = "event"),
	WHOLE("operation", .check = check_operation),

	KEY("do", "request", MAPPING, .item = "message"),
	KEY("do", "reply", MAPPING, .item = "message"),
	KEY("dump", "request", MAPPING, .item = "message"),
	OPTIONAL("message", "attributes", LIST),
	RULES_END
};

struct node *netlink_spec_load(const char *path, const struct node *ioctls)
{
	struct node *root = document_load(path);

	ioctl_spec = ioctls;
	rules_apply(rules, "root", root);
	return root;
}
