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

/* Puts the `entries` of flags, which are those of the ioctl spec. */
static void check_definition(struct node *definition)
{
	const char *name = text_of(definition, "name");
	const struct node *set = node_named(node_find(node_root(definition), "ioctl.flags"), name);
	bool flags = text_is(definition, "type", "flags");

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
 * Puts the `form` of the attribute in xpmemctl's JSON, and its `number`: each set begins with a
 * padding, which the spec does not list.
 */
static void check_attribute(struct node *attribute)
{
	const char *name = text_of(attribute, "name"), *type = text_of(attribute, "type");
	const char *is = text_of(attribute, "is"), *form = is ? is : "number";
	bool string = text_is(attribute, "type", "string");
	bool enumeration = node_find(attribute, "enum");

	if (string && enumeration)
		fail_at(attribute, "attribute \"%s\" is a string: it cannot have enum", name);
	if (is && (enumeration || !is_among(type, types_of(is))))
		fail_at(attribute, "attribute \"%s\" cannot be a %s: its type is %s", name, is,
			enumeration ? "no plain number" : type);
	if (string)
		form = "text";
	else if (enumeration)
		form = text_is(attribute, "enum.type", "flags") ? "names" : "name";
	put_text(attribute, "form", form);
	put_number(attribute, "number", number_of(attribute, "id") + 1);
}

/* Puts the set of the attribute as the `child` of the set that the attribute names. */
static void check_parent(struct node *name)
{
	struct node *attribute = name->owner, *parent = node_find(attribute, "parent");

	if (!node_find(parent, "child"))
		put(parent, "child", attribute->owner->owner);
}

/* Whether the set of that name has a counter of the same name as the attribute. */
static bool has_counter(const struct node *sets, const char *name, const struct node *attribute)
{
	return text_is(sets, format_text("%s.attributes.%s.is", name, text_of(attribute, "name")),
		       "counter");
}

/* A counter of an object exists for the objects above it as well, and for the machine. */
static void check_counters(const struct node *sets, const char *name, const char *other)
{
	const struct node *set = node_named(sets, name), *attribute;

	for_each_item(attribute, node_find(set, "attributes"))
		if (text_is(attribute, "is", "counter") && !has_counter(sets, other, attribute))
			fail_at(set, "\"%s\" has the counter \"%s\": add it to \"%s\"", name,
				text_of(attribute, "name"), other);
}

/*
 * Puts the counters of the set "stats", in three lists: faults count the ones that segments have
 * too, changes of an exporter those of exporters, and other code the rest.
 */
static void check_sets(struct node *sets)
{
	struct node *faults = put_list(sets->owner, "fault_counters");
	struct node *changes = put_list(sets->owner, "change_counters");
	struct node *others = put_list(sets->owner, "other_counters"), *attribute;

	check_counters(sets, "attachment", "segment");
	check_counters(sets, "segment", "attachment");
	check_counters(sets, "segment", "exporter");
	check_counters(sets, "exporter", "stats");
	check_counters(sets, "info", "stats");
	for_each_item(attribute, node_find(sets, "stats.attributes"))
		if (text_is(attribute, "is", "counter"))
			node_append(has_counter(sets, "segment", attribute)  ? faults :
				    has_counter(sets, "exporter", attribute) ? changes :
									       others,
				    attribute);
}

/* Whether a word of a list of attributes names this one. */
static bool names_attribute(const struct node *word, const struct node *attribute)
{
	return text_is(attribute, "name", word->text) ||
	       (!strcmp(word->text, ALL) && !number_of(attribute, "event-only"));
}

/* Puts the list `sent` of the attributes in the message, in the order of their set. */
static void check_message(struct node *message)
{
	const struct node *words = node_find(message, "attributes"), *operation = message, *set;
	struct node *sent = put_list(message, "sent"), *attribute, *word;

	while (!node_find(operation, "attribute-set"))
		operation = operation->owner;
	set = node_find(operation, "attribute-set.attributes");
	for_each_item(word, words)
		if (!node_named(set, word->text) && strcmp(word->text, ALL))
			fail_at(word, "attribute set \"%s\" has no \"%s\" to send",
				text_of(operation, "attribute-set.name"), word->text);
	for_each_item(attribute, set) {
		for_each_item(word, words) {
			if (!names_attribute(word, attribute))
				continue;
			if (node_named(sent, text_of(attribute, "name")))
				fail_at(word, "attribute \"%s\" occurs twice: remove one",
					text_of(attribute, "name"));
			node_append(sent, attribute);
		}
	}
}

/*
 * Puts the list `policy` of the attributes that a request or a dump's filter has. Adds the
 * operation to the list `requests` or `events`. Puts the first operation of a set as its
 * `operation`.
 */
static void check_operation(struct node *operation)
{
	bool event = node_find(operation, "event");
	struct node *root = node_root(operation), *set = node_find(operation, "attribute-set");
	const struct node *request = node_find(operation, "do.request.sent");
	const struct node *filter = node_find(operation, "dump.request.sent");
	struct node *policy = put_list(operation, "policy"), *attribute;

	for_each_item(attribute, node_find(set, "attributes"))
		if (node_named(request, text_of(attribute, "name")) ||
		    node_named(filter, text_of(attribute, "name")))
			node_append(policy, attribute);
	if (!event && node_count(node_find(root, "events")))
		fail_at(operation, "\"%s\" follows an event: put events last",
			text_of(operation, "name"));
	node_append(node_find(root, event ? "events" : "requests"), operation);
	if (!node_find(set, "operation"))
		put(set, "operation", operation);
}

static const struct rule rules[] = {
	KEY("root group definition entry set attribute operation", "name", NAME, .mark = '-',
	    .unique = true),
	KEY("root", "protocol", TEXT, .choices = "genetlink"),
	KEY("root", "version", NUMBER, .maximum = 0xff),
	KEY("root entry attribute operation", "doc", TEXT),
	KEY("root", "definitions", LIST, .item = "definition"),
	KEY("root", "attribute-sets", LIST, .item = "set", .check = check_sets),
	KEY("root", "mcast-groups", LIST, .item = "group"),
	KEY("root", "operations", MAPPING, .item = "operations"),

	KEY("definition", "type", TEXT, .choices = "enum, flags"),
	OPTIONAL("definition", "header", TEXT),
	KEY("definition", "entries", LIST, .item = "entry", .unless = "header"),
	WHOLE("definition", check_definition),

	KEY("entry", "value", NUMBER, .maximum = UINT32_MAX, .counts = true, .unique = true),

	KEY("set", "attributes", LIST, .item = "attribute"),
	KEY("attribute", "type", TEXT, .choices = "u32, u64, s64, string"),
	OPTIONAL("attribute", "event-only", TEXT, .choices = "true, false"),
	OPTIONAL("attribute", "parent", TEXT, .refers = "attribute-sets", .check = check_parent),
	OPTIONAL("attribute", "enum", TEXT, .refers = "definitions"),
	OPTIONAL("attribute", "is", TEXT,
		 .choices = "counter, count, bytes, timestamp, octal, hex"),
	WHOLE("attribute", check_attribute),

	KEY("operations", "name-prefix", TEXT),
	KEY("operations", "list", LIST, .item = "operation"),

	KEY("operation", "attribute-set", TEXT, .refers = "attribute-sets"),
	OPTIONAL("operation", "event", MAPPING, .item = "message"),
	KEY("operation", "mcgrp", TEXT, .refers = "mcast-groups", .when = "event"),
	OPTIONAL("operation", "flags", LIST, .choices = "admin-perm", .unless = "event"),
	KEY("operation", "do", MAPPING, .item = "do", .unless = "event"),
	OPTIONAL("operation", "dump", MAPPING, .item = "dump", .unless = "event"),
	WHOLE("operation", check_operation),

	KEY("do dump", "request", MAPPING, .item = "message"),
	KEY("do", "reply", MAPPING, .item = "message"),
	OPTIONAL("message", "attributes", LIST),
	WHOLE("message", check_message),
	{ .mapping = NULL }
};

struct node *netlink_spec_load(const char *path, struct node *ioctls)
{
	struct node *root = document_load(path);

	put(root, "ioctl", ioctls);
	put_list(root, "requests");
	put_list(root, "events");
	rules_apply(rules, "root", root);
	return root;
}
