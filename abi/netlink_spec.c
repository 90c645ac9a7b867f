/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parser for the part of the kernel's YNL schema "genetlink" that the family needs. */
#include <string.h>

#include "document.h"
#include "spec.h"

static const struct {
	const char *name;
	enum attribute_kind kind;
} kinds[] = {
	{ "pad", ATTRIBUTE_PAD },
	{ "u32", ATTRIBUTE_U32 },
	{ "u64", ATTRIBUTE_U64 },
	{ "s64", ATTRIBUTE_S64 },
	{ "string", ATTRIBUTE_STRING },
};

static const char *const meanings[] = {
	[IS_COUNTER] = "counter", [IS_COUNT] = "count", [IS_BYTES] = "bytes",
	[IS_TIMESTAMP] = "timestamp", [IS_OCTAL] = "octal",
};

#define MEANING_COUNT (sizeof(meanings) / sizeof(*meanings))

/* In a list of attributes: those that are not event-only. */
#define ALL "all"

static const char *load_name(const struct node *mapping)
{
	const struct node *node = node_require(mapping, "name");
	const char *name = node_text(node);

	if (name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		fail_at(node, "name \"%s\" must be made of a-z, 0-9 and -", name);
	return name;
}

/* The netlink spec repeats these entries for tools that read no other file. */
static void compare_with_flags(const struct enumeration *enumeration, const struct node *node,
			       const struct ioctl_spec *ioctls)
{
	const struct flag_set *set = NULL;
	size_t i;

	for (i = 0; i < ioctls->flag_set_count; i++)
		if (!strcmp(ioctls->flag_sets[i].name, enumeration->name))
			set = &ioctls->flag_sets[i];
	if (!set || !enumeration->flags)
		fail_at(node, "\"%s\" has a header, so it must be flags of the ioctl spec",
			enumeration->name);
	for (i = 0; i < set->count || i < enumeration->count; i++)
		if (i >= set->count || i >= enumeration->count ||
		    strcmp(set->flags[i].name, enumeration->entries[i].name) ||
		    set->flags[i].bit != enumeration->entries[i].value)
			fail_at(node,
				"entries of \"%s\" differ from the flags of the ioctl spec: make them the same",
				enumeration->name);
}

static void load_enumeration(struct enumeration *enumeration, const struct node *node,
			     const struct ioctl_spec *ioctls)
{
	const struct node *entries;
	const char *type;
	uint64_t next = 0;
	size_t i, j;

	node_allow(node, "name", "type", "doc", "header", "entries", NULL);
	enumeration->name = load_name(node);
	type = require_text(node, "type");
	if (strcmp(type, "enum") && strcmp(type, "flags"))
		fail_at(node_find(node, "type"), "unknown type \"%s\": use enum or flags", type);
	enumeration->flags = !strcmp(type, "flags");
	enumeration->foreign = node_find(node, "header");
	entries = node_sequence(node, "entries");
	enumeration->entries = allocate(entries->count, sizeof(*enumeration->entries));
	for (i = 0; i < entries->count; i++) {
		struct enum_entry *entry = &enumeration->entries[i];

		node_allow(entries->items[i], "name", "value", "doc", NULL);
		entry->name = load_name(entries->items[i]);
		entry->value = find_number(entries->items[i], "value",
					   enumeration->flags ? 63 : UINT32_MAX, next);
		entry->doc = require_text(entries->items[i], "doc");
		for (j = 0; j < i; j++)
			if (!strcmp(enumeration->entries[j].name, entry->name) ||
			    enumeration->entries[j].value == entry->value)
				fail_at(entries->items[i],
					"entries \"%s\" and \"%s\" share their name or value: change one",
					enumeration->entries[j].name, entry->name);
		next = entry->value + 1;
		enumeration->count++;
	}
	if (enumeration->foreign)
		compare_with_flags(enumeration, node, ioctls);
}

static void load_attribute(struct attribute *attribute, const struct node *node,
			   const struct netlink_spec *spec)
{
	const struct node *enumeration, *hint, *is;
	const char *type;
	size_t i;

	node_allow(node, "name", "type", "doc", "display-hint", "enum", "is", "event-only",
		   "parent", NULL);
	attribute->name = load_name(node);
	if (!strcmp(attribute->name, ALL))
		fail_at(node, "\"" ALL "\" stands for all attributes: name this one otherwise");
	type = require_text(node, "type");
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds) && strcmp(kinds[i].name, type); i++)
		;
	if (i == sizeof(kinds) / sizeof(*kinds))
		fail_at(node_find(node, "type"),
			"unknown type \"%s\": use pad, u32, u64, s64 or string", type);
	attribute->kind = kinds[i].kind;
	if (attribute->kind == ATTRIBUTE_PAD)
		return;

	attribute->doc = require_text(node, "doc");
	hint = node_find(node, "display-hint");
	if (hint && strcmp(node_text(hint), "hex"))
		fail_at(hint, "unknown display-hint \"%s\": use hex", node_text(hint));
	attribute->hex = hint;
	attribute->event_only = find_true(node, "event-only");
	if (node_find(node, "parent"))
		attribute->parent = require_text(node, "parent");
	enumeration = node_find(node, "enum");
	if (enumeration) {
		for (i = 0; i < spec->enumeration_count; i++)
			if (!strcmp(spec->enumerations[i].name, node_text(enumeration)))
				attribute->enumeration = &spec->enumerations[i];
		if (!attribute->enumeration)
			fail_at(enumeration, "no enum \"%s\": define it under \"definitions\"",
				node_text(enumeration));
	}
	if (attribute->kind == ATTRIBUTE_STRING && (hint || enumeration))
		fail_at(node, "attribute \"%s\" is a string: it cannot have display-hint or enum",
			attribute->name);
	is = node_find(node, "is");
	if (!is)
		return;
	for (i = IS_COUNTER; i < MEANING_COUNT && strcmp(meanings[i], node_text(is)); i++)
		;
	if (i == MEANING_COUNT)
		fail_at(is, "unknown \"%s\": use counter, count, bytes, timestamp or octal",
			node_text(is));
	attribute->is = i;
	if (hint || enumeration ||
	    (attribute->kind != ATTRIBUTE_U64 &&
	     (attribute->kind != ATTRIBUTE_U32 || i == IS_COUNTER)))
		fail_at(is, "attribute \"%s\" cannot be a %s: its type is %s", attribute->name,
			meanings[i], hint || enumeration ? "no plain number" : type);
}

static void load_set(struct attribute_set *set, const struct node *node,
		     const struct netlink_spec *spec)
{
	const struct node *list;
	size_t i, j;

	node_allow(node, "name", "doc", "attributes", NULL);
	set->name = load_name(node);
	list = node_sequence(node, "attributes");
	set->attributes = allocate(list->count, sizeof(*set->attributes));
	for (i = 0; i < list->count; i++) {
		load_attribute(&set->attributes[i], list->items[i], spec);
		set->attributes[i].id = i + 1;
		for (j = 0; j < i; j++)
			if (!strcmp(set->attributes[j].name, set->attributes[i].name))
				fail_at(list->items[i], "attribute \"%s\" occurs twice: rename one",
					set->attributes[i].name);
		set->count++;
	}
}

static void load_list(struct attribute_list *list, const struct node *message,
		      const struct attribute_set *set)
{
	const struct node *names;
	size_t i, j;
	bool *named;

	node_allow(message, "attributes", NULL);
	if (!node_find(message, "attributes"))
		return;
	names = node_sequence(message, "attributes");
	named = allocate(set->count, sizeof(*named));
	list->attributes = allocate(set->count, sizeof(*list->attributes));
	for (i = 0; i < names->count; i++) {
		if (!strcmp(node_text(names->items[i]), ALL)) {
			for (j = 0; j < set->count; j++)
				named[j] |= set->attributes[j].kind != ATTRIBUTE_PAD &&
					    !set->attributes[j].event_only;
			continue;
		}
		for (j = 0;
		     j < set->count && strcmp(set->attributes[j].name, node_text(names->items[i]));
		     j++)
			;
		if (j == set->count || set->attributes[j].kind == ATTRIBUTE_PAD)
			fail_at(names->items[i], "attribute set \"%s\" has no \"%s\" to send",
				set->name, node_text(names->items[i]));
		if (named[j])
			fail_at(names->items[i], "attribute \"%s\" occurs twice: remove one",
				set->attributes[j].name);
		named[j] = true;
	}
	for (j = 0; j < set->count; j++)
		if (named[j])
			list->attributes[list->count++] = &set->attributes[j];
}

static const struct attribute_set *set_of(const struct netlink_spec *spec, const char *name)
{
	size_t i;

	for (i = 0; i < spec->set_count; i++)
		if (!strcmp(spec->sets[i].name, name))
			return &spec->sets[i];
	return NULL;
}

const struct attribute *counter_of(const struct netlink_spec *spec, const char *name,
				   const struct attribute *counter)
{
	const struct attribute_set *set = set_of(spec, name);
	size_t i;

	for (i = 0; set && i < set->count; i++)
		if (set->attributes[i].is == IS_COUNTER &&
		    !strcmp(set->attributes[i].name, counter->name))
			return &set->attributes[i];
	return NULL;
}

/* An object counts for the objects that it belongs to as well, and for the machine. */
static void check_counters(const struct netlink_spec *spec, const struct node *list)
{
	static const char *const owners[][2] = {
		{ "attachment", "segment" }, { "segment", "attachment" }, { "segment", "exporter" },
		{ "exporter", "stats" },     { "info", "stats" },
	};
	size_t i, j, k;

	for (i = 0; i < sizeof(owners) / sizeof(*owners); i++)
		for (j = 0; j < spec->set_count; j++)
			for (k = 0; k < spec->sets[j].count; k++) {
				const struct attribute *counter = &spec->sets[j].attributes[k];

				if (counter->is == IS_COUNTER &&
				    !strcmp(spec->sets[j].name, owners[i][0]) &&
				    !counter_of(spec, owners[i][1], counter))
					fail_at(list->items[j],
						"\"%s\" has the counter \"%s\": add it to \"%s\"",
						owners[i][0], counter->name, owners[i][1]);
			}
}

static void check_parents(const struct netlink_spec *spec, const struct node *list)
{
	size_t i, j;

	for (i = 0; i < spec->set_count; i++)
		for (j = 0; j < spec->sets[i].count; j++)
			if (spec->sets[i].attributes[j].parent &&
			    !set_of(spec, spec->sets[i].attributes[j].parent))
				fail_at(list->items[i], "no attribute set \"%s\" to be a parent",
					spec->sets[i].attributes[j].parent);
}

static void load_event(struct operation *operation, const struct node *node,
		       const struct netlink_spec *spec)
{
	const struct node *group = node_require(node, "mcgrp");
	size_t i;

	node_allow(node, "name", "doc", "attribute-set", "mcgrp", "event", NULL);
	for (i = 0; i < spec->group_count && strcmp(spec->groups[i], node_text(group)); i++)
		;
	if (i == spec->group_count)
		fail_at(group, "no group \"%s\": define it under \"mcast-groups\"",
			node_text(group));
	operation->event = true;
	operation->group = i;
	load_list(&operation->reply, node_require(node, "event"), operation->set);
}

static void load_operation(struct operation *operation, const struct node *node,
			   const struct netlink_spec *spec)
{
	const struct node *message, *flags, *name;
	struct attribute_list dumped = { 0 };
	size_t i;

	node_allow(node, "name", "doc", "attribute-set", "flags", "do", "dump", "mcgrp", "event",
		   NULL);
	operation->name = load_name(node);
	operation->doc = require_text(node, "doc");
	name = node_require(node, "attribute-set");
	operation->set = set_of(spec, node_text(name));
	if (!operation->set)
		fail_at(name, "no attribute set \"%s\": define it under \"attribute-sets\"",
			node_text(name));
	if (node_find(node, "event")) {
		load_event(operation, node, spec);
		return;
	}
	if (node_find(node, "flags")) {
		flags = node_sequence(node, "flags");
		for (i = 0; i < flags->count; i++)
			if (strcmp(node_text(flags->items[i]), "admin-perm"))
				fail_at(flags->items[i], "unknown flag \"%s\": use admin-perm",
					node_text(flags->items[i]));
		operation->admin = flags->count;
	}

	message = node_require(node, "do");
	node_allow(message, "request", "reply", NULL);
	load_list(&operation->request, node_require(message, "request"), operation->set);
	load_list(&operation->reply, node_require(message, "reply"), operation->set);
	message = node_find(node, "dump");
	if (message) {
		operation->dump = true;
		node_allow(message, "request", "reply", NULL);
		if (node_find(message, "request"))
			load_list(&operation->filter, node_find(message, "request"),
				  operation->set);
		load_list(&dumped, node_require(message, "reply"), operation->set);
		if (dumped.count != operation->reply.count ||
		    memcmp(dumped.attributes, operation->reply.attributes,
			   dumped.count * sizeof(*dumped.attributes)))
			fail_at(message, "a dump of \"%s\" must reply with what \"do\" replies",
				operation->name);
	}
}

const struct netlink_spec *netlink_spec_load(const char *path, const struct ioctl_spec *ioctls)
{
	struct netlink_spec *spec = allocate(1, sizeof(*spec));
	const struct node *root = document_load(path), *operations, *list;
	size_t i, j;

	node_allow(root, "name", "protocol", "doc", "version", "definitions", "attribute-sets",
		   "mcast-groups", "operations", NULL);
	spec->name = load_name(root);
	if (strcmp(require_text(root, "protocol"), "genetlink"))
		fail_at(node_find(root, "protocol"), "protocol must be genetlink");
	spec->doc = require_text(root, "doc");
	spec->version = find_number(root, "version", 0xff, 1);

	list = node_sequence(root, "definitions");
	spec->enumerations = allocate(list->count, sizeof(*spec->enumerations));
	for (i = 0; i < list->count; i++) {
		load_enumeration(&spec->enumerations[i], list->items[i], ioctls);
		for (j = 0; j < i; j++)
			if (!strcmp(spec->enumerations[j].name, spec->enumerations[i].name))
				fail_at(list->items[i],
					"definition \"%s\" occurs twice: rename one",
					spec->enumerations[i].name);
		spec->enumeration_count++;
	}

	list = node_sequence(root, "attribute-sets");
	spec->sets = allocate(list->count, sizeof(*spec->sets));
	for (i = 0; i < list->count; i++) {
		load_set(&spec->sets[i], list->items[i], spec);
		for (j = 0; j < i; j++)
			if (!strcmp(spec->sets[j].name, spec->sets[i].name))
				fail_at(list->items[i],
					"attribute set \"%s\" occurs twice: rename one",
					spec->sets[i].name);
		spec->set_count++;
	}
	check_counters(spec, list);
	check_parents(spec, list);

	if (node_find(root, "mcast-groups")) {
		list = node_find(root, "mcast-groups");
		node_allow(list, "list", NULL);
		list = node_sequence(list, "list");
		spec->groups = allocate(list->count, sizeof(*spec->groups));
		for (i = 0; i < list->count; i++) {
			node_allow(list->items[i], "name", NULL);
			spec->groups[i] = load_name(list->items[i]);
			spec->group_count++;
		}
	}

	operations = node_require(root, "operations");
	node_allow(operations, "name-prefix", "list", NULL);
	spec->operation_prefix = require_text(operations, "name-prefix");
	list = node_sequence(operations, "list");
	spec->operations = allocate(list->count, sizeof(*spec->operations));
	for (i = 0; i < list->count; i++) {
		load_operation(&spec->operations[i], list->items[i], spec);
		spec->operations[i].id = i + 1;
		for (j = 0; j < i; j++)
			if (!strcmp(spec->operations[j].name, spec->operations[i].name))
				fail_at(list->items[i], "operation \"%s\" occurs twice: rename one",
					spec->operations[i].name);
		spec->operation_count++;
		if (spec->operations[i].event)
			continue;
		if (spec->request_count < i)
			fail_at(list->items[i], "\"%s\" follows an event: put events last",
				spec->operations[i].name);
		spec->request_count++;
	}
	return spec;
}
