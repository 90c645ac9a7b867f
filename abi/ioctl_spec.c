/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "spec.h"

#define NR_LIMIT 0xff
#define LEGACY_NR_LIMIT 0x3f

/* The attribute aligns 64-bit members to 8 bytes for 32-bit callers too. */
static const struct scalar_type scalar_types[] = {
	{ "u8", 1, "__u8", "" },
	{ "u32", 4, "__u32", "" },
	{ "s32", 4, "__s32", "" },
	{ "u64", 8, "__aligned_u64", "" },
	{ "s64", 8, "__s64", " __attribute__((aligned(8)))" },
};

static const struct field size_field = {
	.name = "size",
	.type = &scalar_types[1],
	.count = 1,
	.doc = "Bytes of this struct as the caller knows it.",
	.size = 4,
};

static const char *load_name(const struct node *mapping, const char *key, bool dashes)
{
	const struct node *node = node_require(mapping, key);
	const char *name = node_text(node);
	const char *c;

	for (c = name; *c; c++)
		if (!islower((unsigned char)*c) &&
		    !(c > name && (isdigit((unsigned char)*c) || *c == (dashes ? '-' : '_'))))
			fail_at(node,
				"%s \"%s\" must be made of a-z, 0-9 and %s, and begin with a letter",
				key, name, dashes ? "-" : "_");
	return name;
}

static unsigned int load_since(const struct node *mapping, const struct ioctl_spec *spec,
			       unsigned int absent)
{
	const struct node *node = node_find(mapping, "since");
	unsigned int since;

	if (!node && !absent)
		fail_at(mapping, "\"since\" is missing: add it");
	since = node ? node_number(node, spec->abi_version) : absent;
	if (!since)
		fail_at(node, "ABI versions begin with 1");
	return since;
}

static void load_constants(struct ioctl_spec *spec, const struct node *list)
{
	size_t i, j;

	spec->constants = allocate(list->count, sizeof(*spec->constants));
	for (i = 0; i < list->count; i++) {
		const struct node *node = list->items[i];
		struct constant *constant = &spec->constants[i];

		node_allow(node, "name", "value", "doc", "since", NULL);
		constant->name = require_text(node, "name");
		constant->value = require_number(node, "value", UINT64_MAX);
		constant->text = require_text(node, "value");
		constant->doc = require_text(node, "doc");
		constant->since = load_since(node, spec, 0);
		for (j = 0; j < i; j++)
			if (!strcmp(spec->constants[j].name, constant->name))
				fail_at(node, "constant %s is defined twice: rename or remove one",
					constant->name);
		spec->constant_count++;
	}
}

static void load_flag_sets(struct ioctl_spec *spec, const struct node *list)
{
	size_t i, j, k;

	spec->flag_sets = allocate(list->count, sizeof(*spec->flag_sets));
	for (i = 0; i < list->count; i++) {
		const struct node *node = list->items[i], *bits;
		struct flag_set *set = &spec->flag_sets[i];
		unsigned int next = 0;

		node_allow(node, "name", "prefix", "doc", "bits", NULL);
		set->name = load_name(node, "name", false);
		set->prefix = require_text(node, "prefix");
		set->doc = require_text(node, "doc");
		for (j = 0; j < i; j++)
			if (!strcmp(spec->flag_sets[j].name, set->name) ||
			    !strcmp(spec->flag_sets[j].prefix, set->prefix))
				fail_at(node,
					"flags \"%s\" share their name or prefix with flags \"%s\": rename one",
					set->name, spec->flag_sets[j].name);
		bits = node_sequence(node, "bits");
		set->flags = allocate(bits->count, sizeof(*set->flags));
		for (j = 0; j < bits->count; j++) {
			struct flag *flag = &set->flags[j];

			node_allow(bits->items[j], "name", "bit", "doc", "since", NULL);
			flag->name = load_name(bits->items[j], "name", true);
			flag->bit = find_number(bits->items[j], "bit", 31, next);
			flag->doc = require_text(bits->items[j], "doc");
			flag->since = load_since(bits->items[j], spec, 0);
			if (flag->bit > 31)
				fail_at(bits->items[j],
					"no bit is left for flag \"%s\" in 32: begin another set",
					flag->name);
			for (k = 0; k < j; k++) {
				if (!strcmp(set->flags[k].name, flag->name))
					fail_at(bits->items[j],
						"flag \"%s\" occurs twice: rename one", flag->name);
				if (set->flags[k].bit == flag->bit)
					fail_at(bits->items[j],
						"flags \"%s\" and \"%s\" both have bit %u: give one another",
						set->flags[k].name, flag->name, flag->bit);
			}
			next = flag->bit + 1;
			set->count++;
		}
		spec->flag_set_count++;
	}
}

static const struct flag_set *find_flag_set(const struct ioctl_spec *spec, const char *name)
{
	size_t i;

	for (i = 0; i < spec->flag_set_count; i++)
		if (!strcmp(spec->flag_sets[i].name, name))
			return &spec->flag_sets[i];
	return NULL;
}

static uint64_t load_mask(const struct node *node, const struct flag_set *set)
{
	const struct node *bits = node_find(node, "bits");
	uint64_t mask = 0;
	size_t i, j;

	if (!bits) {
		for (i = 0; i < set->count; i++)
			mask |= UINT64_C(1) << set->flags[i].bit;
		return mask;
	}
	bits = node_sequence(node, "bits");
	for (i = 0; i < bits->count; i++) {
		for (j = 0; j < set->count && strcmp(set->flags[j].name, node_text(bits->items[i]));
		     j++)
			;
		if (j == set->count)
			fail_at(bits->items[i], "flags \"%s\" have no \"%s\": name one of them",
				set->name, node_text(bits->items[i]));
		mask |= UINT64_C(1) << set->flags[j].bit;
	}
	return mask;
}

static void load_type(struct field *field, const struct node *node, const struct ioctl_spec *spec)
{
	const struct node *count = node_find(node, "count");
	const char *name = require_text(node, "type");
	bool known;
	char *end;
	size_t i;

	for (i = 0; i < sizeof(scalar_types) / sizeof(*scalar_types); i++)
		if (!strcmp(scalar_types[i].name, name))
			field->type = &scalar_types[i];
	if (!field->type)
		fail_at(node_find(node, "type"),
			"unknown type \"%s\": use u8, u32, s32, u64 or s64", name);

	field->count = 1;
	if (count) {
		field->count_text = node_text(count);
		field->count = strtoul(field->count_text, &end, 0);
		known = !*end;
		for (i = 0; !known && i < spec->constant_count; i++) {
			known = !strcmp(spec->constants[i].name, field->count_text);
			field->count = spec->constants[i].value;
		}
		if (!known || !field->count || field->count > 4096)
			fail_at(count,
				"count \"%s\" must be a constant of this file or a number from 1 to 4096",
				field->count_text);
	}
	field->size = field->type->size * field->count;
}

static void load_field(struct field *field, const struct node *node, const struct command *command,
		       const struct ioctl_spec *spec)
{
	const struct node *enumeration;

	if (command->legacy)
		node_allow(node, "name", "type", "doc", "out", "inout", NULL);
	else
		node_allow(node, "name", "type", "count", "doc", "since", "out", "inout",
			   "reserved", "enum", "bits", NULL);
	field->name = load_name(node, "name", false);
	load_type(field, node, spec);
	field->doc = require_text(node, "doc");
	field->since = command->legacy ? 0 : load_since(node, spec, command->since);
	if (find_true(node, "out") + find_true(node, "inout") + find_true(node, "reserved") > 1)
		fail_at(node, "field \"%s\" can be only one of out, inout and reserved",
			field->name);
	field->direction = find_true(node, "out") ? FIELD_OUT :
			   find_true(node, "inout") ? FIELD_INOUT :
			   find_true(node, "reserved") ? FIELD_RESERVED : FIELD_IN;
	if (field->direction == FIELD_RESERVED && (field->type->size != 4 || field->count_text))
		fail_at(node, "reserved field \"%s\" must be one u32: use several fields",
			field->name);
	enumeration = node_find(node, "enum");
	if (enumeration) {
		field->flag_set = find_flag_set(spec, node_text(enumeration));
		if (!field->flag_set)
			fail_at(enumeration, "no flags \"%s\": define them under \"flags\"",
				node_text(enumeration));
		if (field->type->size < 4 || field->count_text)
			fail_at(node, "field \"%s\" holds flags: make it one u32 or u64",
				field->name);
		field->mask = load_mask(node, field->flag_set);
	} else if (node_find(node, "bits")) {
		fail_at(node,
			"field \"%s\" has \"bits\" without \"enum\": add the flags they belong to",
			field->name);
	}
}

/*
 * Every byte belongs to a field, so all compilers agree and no kernel memory leaks. The historical
 * structs have holes: old programs initialize them by position. The types align themselves there.
 */
static void place_field(struct field *field, const struct node *node, struct command *command)
{
	unsigned int gap = command->size % field->type->size;

	if (gap && command->legacy)
		command->size += field->type->size - gap;
	else if (gap)
		fail_at(node,
			"field \"%s\" would lie at offset %u and leave a hole: put %u bytes of "
			"reserved fields before it",
			field->name, command->size, field->type->size - gap);
	field->offset = command->size;
	command->size += field->size;
}

static void load_fields(struct command *command, const struct node *node,
			const struct ioctl_spec *spec)
{
	const struct node *list = node_sequence(node, "fields");
	unsigned int alignment = 1, since = command->since;
	size_t i, j;

	command->fields = allocate(list->count + 1, sizeof(*command->fields));
	if (!command->legacy) {
		command->fields[0] = size_field;
		command->fields[0].since = command->since;
		command->size = command->min_size = size_field.size;
		command->field_count = 1;
		alignment = size_field.size;
	}
	for (i = 0; i < list->count; i++) {
		struct field *field = &command->fields[command->field_count];

		load_field(field, list->items[i], command, spec);
		for (j = 0; j < command->field_count; j++)
			if (!strcmp(command->fields[j].name, field->name))
				fail_at(list->items[i], "field \"%s\" occurs twice%s", field->name,
					j || command->legacy ?
						": rename one" :
						": \"size\" is always the first and not listed");
		place_field(field, list->items[i], command);
		if (field->since < since)
			fail_at(list->items[i],
				"field \"%s\" is since %u but follows one since %u: new fields go at the end",
				field->name, field->since, since);
		since = field->since;
		if (field->since == command->since)
			command->min_size = command->size;
		if (field->type->size > alignment)
			alignment = field->type->size;
		command->field_count++;
	}
	if (command->size % alignment || command->min_size % alignment)
		fail_at(node,
			"struct of \"%s\" is %u bytes, not a multiple of %u: add reserved fields at the end",
			command->name, command->size, alignment);
	if (!command->legacy &&
	    (command->field_count < 2 || strcmp(command->fields[1].name, "flags") ||
	     command->fields[1].type->size != 4))
		fail_at(list, "the first field of \"%s\" must be flags, a u32", command->name);
}

static void load_errors(struct command *command, const struct node *errors)
{
	size_t i;

	if (errors->kind != NODE_MAPPING)
		fail_at(errors, "errors must be a mapping of errno names to reasons");
	command->errors = allocate(errors->count, sizeof(*command->errors));
	for (i = 0; i < errors->count; i++) {
		if (errors->keys[i]->text[0] != 'E')
			fail_at(errors->keys[i], "\"%s\" is not the name of an errno",
				errors->keys[i]->text);
		command->errors[i].name = errors->keys[i]->text;
		command->errors[i].doc = node_text(errors->items[i]);
		command->error_count++;
	}
}

static struct command *load_commands(const struct ioctl_spec *spec, const struct node *list,
				     bool legacy)
{
	struct command *commands = allocate(list->count, sizeof(*commands));
	size_t i, j;

	for (i = 0; i < list->count; i++) {
		const struct node *node = list->items[i], *nr;
		struct command *command = &commands[i];

		command->legacy = legacy;
		if (legacy)
			node_allow(node, "name", "nr", "doc", "fields", NULL);
		else
			node_allow(node, "name", "nr", "doc", "since", "errors", "fields", NULL);
		command->name = load_name(node, "name", false);
		nr = node_require(node, "nr");
		command->nr = node_number(nr, legacy ? LEGACY_NR_LIMIT : NR_LIMIT);
		if (!legacy && command->nr <= LEGACY_NR_LIMIT)
			fail_at(nr, "number %#x is of the historical ABI: use one above %#x",
				command->nr, LEGACY_NR_LIMIT);
		for (j = 0; j < i; j++) {
			if (commands[j].nr == command->nr)
				fail_at(nr,
					"ioctls \"%s\" and \"%s\" both have number %#x: give one another",
					commands[j].name, command->name, command->nr);
			if (!strcmp(commands[j].name, command->name))
				fail_at(node, "ioctl \"%s\" occurs twice: rename one",
					command->name);
		}
		command->doc = require_text(node, "doc");
		command->since = legacy ? 0 : load_since(node, spec, 0);
		load_fields(command, node, spec);
		if (!legacy)
			load_errors(command, node_require(node, "errors"));
	}
	return commands;
}

const struct ioctl_spec *ioctl_spec_load(const char *path)
{
	struct ioctl_spec *spec = allocate(1, sizeof(*spec));
	const struct node *root = document_load(path), *list;
	size_t i;

	node_allow(root, "name", "device", "abi-version", "magic", "doc", "constants", "flags",
		   "ioctls", "legacy", NULL);
	spec->name = load_name(root, "name", false);
	spec->device = require_text(root, "device");
	spec->doc = require_text(root, "doc");
	spec->abi_version = require_number(root, "abi-version", 0xffff);
	spec->magic = require_text(root, "magic")[0];
	load_constants(spec, node_sequence(root, "constants"));
	for (i = 0; i < spec->constant_count; i++)
		if (!strcmp(spec->constants[i].name, "XPMEM_ABI_VERSION") &&
		    spec->constants[i].value != spec->abi_version)
			fail_at(node_find(root, "abi-version"),
				"abi-version and XPMEM_ABI_VERSION differ: raise both");
	load_flag_sets(spec, node_sequence(root, "flags"));

	list = node_sequence(root, "ioctls");
	spec->commands = load_commands(spec, list, false);
	spec->command_count = list->count;
	if (!list->count)
		fail_at(list, "no ioctl is defined");
	spec->first_nr = NR_LIMIT;
	for (i = 0; i < list->count; i++) {
		if (spec->commands[i].nr < spec->first_nr)
			spec->first_nr = spec->commands[i].nr;
		if (spec->commands[i].nr > spec->last_nr)
			spec->last_nr = spec->commands[i].nr;
	}
	list = node_sequence(root, "legacy");
	spec->legacy = load_commands(spec, list, true);
	spec->legacy_count = list->count;
	return spec;
}
