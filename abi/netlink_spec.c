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
#define ALL "all"

static void check_name(struct node *name)
{
	if (name->text[strspn(name->text, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		fail_at(name, "name \"%s\" must be made of a-z, 0-9 and -", name->text);
}

/* Puts `mask`: the bit of an entry of flags, or else the value. */
static void check_entry(struct node *entry)
{
	const struct node *value = node_find(entry, "value");
	bool flags = !strcmp(text_of(entry->owner->owner, "type"), "flags");

	if (flags)
		number_limit(value, 63);
	put_number(entry, "mask", flags ? 1ULL << value->number : value->number);
}

static const struct node *ioctl_spec;

/* The netlink spec repeats the flags that have a header, for tools that read no other file. */
static void check_definition(struct node *definition)
{
	const char *name = text_of(definition, "name");
	const struct node *set = node_with(node_find(ioctl_spec, "flags"), "name", name);
	const struct node *flags = node_find(set, "bits");
	const struct node *entries = node_find(definition, "entries");
	size_t i;

	if (!node_find(definition, "header"))
		return;
	if (!set || strcmp(text_of(definition, "type"), "flags"))
		fail_at(definition, "\"%s\" has a header, so it must be flags of the ioctl spec",
			name);
	for (i = 0; i < flags->count && i < entries->count; i++)
		if (strcmp(text_of(flags->items[i], "name"), text_of(entries->items[i], "name")) ||
		    number_of(flags->items[i], "bit") != number_of(entries->items[i], "value"))
			break;
	if (i < flags->count || i < entries->count)
		fail_at(definition,
			"entries of \"%s\" differ from the flags of the ioctl spec: make them the same",
			name);
}

static void check_attribute_name(struct node *name)
{
	check_name(name);
	if (!strcmp(name->text, ALL))
		fail_at(name->owner,
			"\"" ALL "\" stands for all attributes: name this one otherwise");
}

/* Puts the `form` of the attribute in xpmemctl's JSON. */
static void put_form(struct node *attribute)
{
	const struct node *enumeration = node_find(attribute, "enum");
	const char *form = text_of(attribute, "is");

	if (!form)
		form = "number";
	if (!strcmp(text_of(attribute, "type"), "string"))
		form = "text";
	else if (enumeration)
		form = strcmp(text_of(enumeration, "type"), "flags") ? "name" : "names";
	else if (node_find(attribute, "display-hint"))
		form = "hex";
	put_text(attribute, "form", form);
}

static void check_meaning(const struct node *attribute, const struct node *is)
{
	const char *type = text_of(attribute, "type");
	bool plain = !node_find(attribute, "enum") && !node_find(attribute, "display-hint");

	if (!plain ||
	    (strcmp(type, "u64") && (strcmp(type, "u32") || !strcmp(is->text, "counter"))))
		fail_at(is, "attribute \"%s\" cannot be a %s: its type is %s",
			text_of(attribute, "name"), is->text, plain ? type : "no plain number");
}

static void check_value(struct node *attribute)
{
	const struct node *is = node_find(attribute, "is");

	if (!strcmp(text_of(attribute, "type"), "string") &&
	    (node_find(attribute, "display-hint") || node_find(attribute, "enum")))
		fail_at(attribute,
			"attribute \"%s\" is a string: it cannot have display-hint or enum",
			text_of(attribute, "name"));
	if (is)
		check_meaning(attribute, is);
	put_form(attribute);
}

/* Puts `pad`: whether the attribute is one. A pad has only a name. */
static const char *more_of_attribute(struct node *attribute)
{
	bool pad = !strcmp(text_of(attribute, "type"), "pad");

	put_number(attribute, "pad", pad);
	return pad ? NULL : "value";
}

static bool is_counter(const struct node *attribute)
{
	const char *is = text_of(attribute, "is");

	return is && !strcmp(is, "counter") && !number_of(attribute, "pad");
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

	if (!name)
		return;
	if (!parent)
		fail_at(set, "no attribute set \"%s\" to be a parent", name);
	put(set, "parent", attribute);
	if (!node_find(parent, "child"))
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
	       (has_word(names, ALL) && !number_of(attribute, "pad") &&
		!number_of(attribute, "event-only"));
}

static void check_listed(const struct node *name, const struct node *set)
{
	const struct node *attribute = node_with(node_find(set, "attributes"), "name", name->text);
	struct node earlier = *name->owner;

	if (!strcmp(name->text, ALL))
		return;
	if (!attribute || number_of(attribute, "pad"))
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
static struct node *put_attributes(struct node *operation, const char *key,
				   const struct node *message, const struct node *second)
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
	return list;
}

/*
 * Puts the lists of attributes of the `request`, of the `reply`, of a dump's `filter`, and of the
 * `policy`, which do and dump share.
 */
static void check_request(struct node *operation)
{
	const struct node *message = node_find(operation, "do"), *reply, *dumped;
	const struct node *dump = node_find(operation, "dump");
	const struct node *request = node_find(message, "request");
	const struct node *filter = node_find(dump, "request");

	put_attributes(operation, "request", request, NULL);
	reply = put_attributes(operation, "reply", node_find(message, "reply"), NULL);
	put_attributes(operation, "filter", filter, NULL);
	put_attributes(operation, "policy", request, filter);
	if (!dump)
		return;
	dumped = put_attributes(operation, "dumped", node_find(dump, "reply"), NULL);
	if (dumped->count != reply->count ||
	    (reply->count &&
	     memcmp(dumped->items, reply->items, reply->count * sizeof(*reply->items))))
		fail_at(dump, "a dump of \"%s\" must reply with what \"do\" replies",
			text_of(operation, "name"));
}

/* Puts the list `reply` of the attributes that the group receives. */
static void check_event(struct node *operation)
{
	put_list(operation, "request");
	put_list(operation, "filter");
	put_attributes(operation, "reply", node_find(operation, "event"), NULL);
}

static const char *more_of_operation(struct node *operation)
{
	return node_find(operation, "event") ? "event" : "request";
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

/* Puts the list `groups`. */
static void check_groups(struct node *groups)
{
	put(groups->owner, "groups", node_find(groups, "list"));
}

static void check_protocol(struct node *protocol)
{
	if (strcmp(protocol->text, "genetlink"))
		fail_at(protocol, "protocol must be genetlink");
}

/*
 * Puts the counters of the set "stats", in three lists: faults count the ones that segments have
 * too, changes of an exporter those of exporters, and other code the rest.
 */
static void put_statistics(struct node *root)
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

static void check_root(struct node *root)
{
	if (!node_find(root, "groups"))
		put_list(root, "groups");
	if (!node_find(root, "version"))
		put_number(root, "version", 1);
	put_statistics(root);
}

#define SAME_ENTRY "entries \"%s\" and \"%s\" share their name or value: change one"

static const struct rule rules[] = {
	KEY("root", "name", TEXT, .check = check_name),
	KEY("root", "protocol", TEXT, .check = check_protocol),
	KEY("root", "doc", TEXT),
	OPTIONAL("root", "version", NUMBER, .maximum = 0xff),
	KEY("root", "definitions", LIST, .item = "definition"),
	KEY("root", "attribute-sets", LIST, .item = "set", .check = check_sets),
	OPTIONAL("root", "mcast-groups", MAPPING, .item = "groups", .check = check_groups),
	KEY("root", "operations", MAPPING, .item = "operations"),
	WHOLE("root", .check = check_root),

	KEY("definition", "name", TEXT, .check = check_name,
	    .same = "definition \"%s\" occurs twice: rename one"),
	KEY("definition", "type", TEXT, .choices = "enum flags",
	    .unknown = "unknown type \"%s\": use enum or flags"),
	KEY("definition", "entries", LIST, .item = "entry"),
	WHOLE("definition", .others = "doc header", .check = check_definition),

	KEY("entry", "name", TEXT, .check = check_name, .same = SAME_ENTRY),
	KEY("entry", "value", NUMBER, .maximum = UINT32_MAX, .counts = true, .same = SAME_ENTRY),
	KEY("entry", "doc", TEXT),
	WHOLE("entry", .check = check_entry),

	KEY("set", "name", TEXT, .check = check_name,
	    .same = "attribute set \"%s\" occurs twice: rename one"),
	KEY("set", "attributes", LIST, .item = "attribute"),
	WHOLE("set", .others = "doc"),

	KEY("attribute", "name", TEXT, .check = check_attribute_name,
	    .same = "attribute \"%s\" occurs twice: rename one"),
	KEY("attribute", "type", TEXT, .choices = "pad u32 u64 s64 string",
	    .unknown = "unknown type \"%s\": use pad, u32, u64, s64 or string"),
	WHOLE("attribute", .others = "doc display-hint event-only parent enum is",
	      .more = more_of_attribute),

	/* An attribute that is not a pad. */
	KEY("value", "doc", TEXT),
	OPTIONAL("value", "display-hint", TEXT, .choices = "hex",
		 .unknown = "unknown display-hint \"%s\": use hex"),
	OPTIONAL("value", "event-only", TRUTH),
	OPTIONAL("value", "parent", TEXT),
	OPTIONAL("value", "enum", TEXT, .refers = "definitions",
		 .unknown = "no enum \"%s\": define it under \"definitions\""),
	OPTIONAL("value", "is", TEXT, .choices = "counter count bytes timestamp octal",
		 .unknown = "unknown \"%s\": use counter, count, bytes, timestamp or octal"),
	WHOLE("value", .others = "*", .check = check_value),

	KEY("groups", "list", LIST, .item = "group"),
	KEY("group", "name", TEXT, .check = check_name),

	KEY("operations", "name-prefix", TEXT),
	KEY("operations", "list", LIST, .item = "operation", .check = check_operations),

	KEY("operation", "name", TEXT, .check = check_name,
	    .same = "operation \"%s\" occurs twice: rename one"),
	KEY("operation", "doc", TEXT),
	KEY("operation", "attribute-set", TEXT, .refers = "attribute-sets",
	    .unknown = "no attribute set \"%s\": define it under \"attribute-sets\""),
	WHOLE("operation", .others = "flags do dump mcgrp event", .more = more_of_operation),

	/* An operation that is not an event. */
	OPTIONAL("request", "flags", LIST, .choices = "admin-perm",
		 .unknown = "unknown flag \"%s\": use admin-perm"),
	KEY("request", "do", MAPPING, .item = "do"),
	OPTIONAL("request", "dump", MAPPING, .item = "dump"),
	WHOLE("request", .others = "*", .check = check_request),

	KEY("event", "mcgrp", TEXT, .refers = "groups",
	    .unknown = "no group \"%s\": define it under \"mcast-groups\""),
	KEY("event", "event", MAPPING, .item = "message"),
	WHOLE("event", .others = "name doc attribute-set", .check = check_event),

	KEY("do", "request", MAPPING, .item = "message"),
	KEY("do", "reply", MAPPING, .item = "message"),
	OPTIONAL("dump", "request", MAPPING, .item = "message"),
	KEY("dump", "reply", MAPPING, .item = "message"),
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
