/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules for ioctl.yaml, whose head describes its keys. Each check says which keys it puts into
 * the tree for the templates.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "rules.h"

#define NR_LIMIT 0xff
#define LEGACY_NR_LIMIT 0x3f

static void check_since(struct node *since)
{
	unsigned long long number = number_of(since->owner, "since");
	unsigned long long last = number_of(node_root(since), "abi-version");

	if (!number || number > last)
		fail_at(since, "there is no ABI version %s: versions are 1 to %llu", since->text,
			last);
}

/* Puts the `mask` of a flag. */
static void check_flag(struct node *flag)
{
	unsigned long long bit = number_of(flag, "value");

	if (bit > 31)
		fail_at(flag, "no bit is left for flag \"%s\" in 32: begin another set",
			text_of(flag, "name"));
	put_number(flag, "mask", 1ULL << bit);
}

/* Puts the list `accepted` of the flags that the field accepts, and their `mask`. */
static void put_accepted(struct node *field)
{
	const struct node *flags = node_find(field, "enum.bits"), *bits = node_find(field, "bits");
	struct node *accepted = put_list(field, "accepted"), *bit, *flag;
	unsigned long long mask = 0;

	for_each_item(bit, bits ? bits : flags) {
		flag = bits ? node_named(flags, bit->text) : bit;
		if (!flag)
			fail_at(bit, "flags \"%s\" have no \"%s\": name one of them",
				text_of(field, "enum.name"), bit->text);
		node_append(accepted, flag);
		mask |= number_of(flag, "mask");
	}
	put_number(field, "mask", mask);
}

/* Puts the `width` in bytes of an element, which the type names in bits, and the `size` of all. */
static void check_field(struct node *field)
{
	unsigned long long width = strtoull(text_of(field, "type") + 1, NULL, 10) / 8;
	const char *name = text_of(field, "name");
	bool flags = node_find(field, "enum"), array = node_find(field, "count");

	if (!node_find(field, "direction"))
		put_text(field, "direction", "in");
	put_number(field, "width", width);
	put_number(field, "size", array ? width * number_of(field, "count.value") : width);
	if (text_is(field, "direction", "reserved") && (width != 4 || array))
		fail_at(field, "reserved field \"%s\" must be one u32: use several fields", name);
	if (flags && (width < 4 || array))
		fail_at(field, "field \"%s\" holds flags: make it one u32 or u64", name);
	if (!flags && node_find(field, "bits"))
		fail_at(field,
			"field \"%s\" has \"bits\" without \"enum\": add the flags they belong to",
			name);
	put_accepted(field);
}

static void check_errors(struct node *errors)
{
	size_t i;

	for (i = 0; i < errors->count; i++)
		if (errors->keys[i]->text[0] != 'E')
			fail_at(errors->keys[i], "\"%s\" is not the name of an errno",
				errors->keys[i]->text);
}

/*
 * Puts the `offset`. Every byte belongs to a field, so all compilers agree and no kernel memory
 * leaks. The historical structs keep their holes, because old programs initialize them by position.
 * Each field there has the alignment of its type.
 */
static unsigned long long place_field(struct node *field, unsigned long long offset, bool legacy)
{
	unsigned long long width = number_of(field, "width"), gap = -offset % width;

	if (gap && !legacy)
		fail_at(field,
			"field \"%s\" would lie at offset %llu and leave a hole: put %llu bytes of "
			"reserved fields before it",
			text_of(field, "name"), offset, gap);
	put_number(field, "offset", offset + gap);
	return offset + gap + number_of(field, "size");
}

/*
 * Puts the `size` of the struct, its `min_size` in the ABI version that introduced it, the `last`
 * field of that version, and the list `reserved_fields`. A field `is_new` if it came later.
 */
static void lay_out(struct node *command, bool legacy)
{
	struct node *reserved = put_list(command, "reserved_fields"), *field;
	unsigned long long first = number_of(command, "since"), since = first;
	unsigned long long size = 0, min_size = 0, alignment = 1;

	for_each_item(field, node_find(command, "fields")) {
		if (!node_find(field, "since"))
			put_number(field, "since", first);
		if (number_of(field, "since") < since)
			fail_at(field,
				"field \"%s\" is since %s but follows one since %llu: new fields go "
				"at the end",
				text_of(field, "name"), text_of(field, "since"), since);
		size = place_field(field, size, legacy);
		since = number_of(field, "since");
		put_number(field, "is_new", since != first);
		if (since == first) {
			min_size = size;
			put(command, "last", field);
		}
		alignment = MAX(alignment, number_of(field, "width"));
		if (text_is(field, "direction", "reserved"))
			node_append(reserved, field);
	}
	if (size % alignment || min_size % alignment)
		fail_at(command,
			"struct of \"%s\" is %llu bytes, not a multiple of %llu: add reserved fields at the end",
			text_of(command, "name"), size, alignment);
	put_number(command, "size", size);
	put_number(command, "min_size", min_size);
}

/* Puts the `size`, and then the listed ones, as the fields. */
static void insert_size_field(struct node *command)
{
	const struct node *listed = node_find(command, "fields");
	const struct node *same = node_named(listed, "size");
	struct node *fields = put_list(command, "fields"), *field = node_new(NODE_MAPPING, command);

	if (same)
		fail_at(same,
			"field \"size\" occurs twice: \"size\" is always the first and not listed");
	put_text(field, "name", "size");
	put_text(field, "type", "u32");
	put_text(field, "doc", "Bytes of this struct as the caller knows it.");
	check_field(field);
	node_append(fields, field);
	for_each_item(field, listed)
		node_append(fields, field);
}

/*
 * Puts `code`, the number and the magic as _IO() combines them, and `c_name`, the struct's name.
 * Adds the ioctl to the list `commands` of all.
 */
static void check_command(struct node *command)
{
	bool legacy = !node_find(command, "since");
	struct node *root = node_root(command);

	put_number(command, "code", text_of(root, "magic")[0] << 8 | number_of(command, "nr"));
	put_text(command, "c_name",
		 format_text("xpmem_%s_%s", legacy ? "cmd" : "ioc", text_of(command, "name")));
	node_append(node_find(root, "commands"), command);
	if (!legacy)
		insert_size_field(command);
	lay_out(command, legacy);
}

static void check_ioctl(struct node *command)
{
	const struct node *fields = node_find(command, "fields");
	struct node *flags = fields->count > 1 ? fields->items[1] : NULL;
	unsigned long long nr = number_of(command, "nr");

	if (nr <= LEGACY_NR_LIMIT)
		fail_at(node_find(command, "nr"),
			"number %#llx is of the historical ABI: use one above %#x", nr,
			LEGACY_NR_LIMIT);
	if (!text_is(flags, "name", "flags") || number_of(flags, "width") != 4)
		fail_at(fields, "the first field of \"%s\" must be flags, a u32",
			text_of(command, "name"));
}

/* Puts the `first` number, the `span` to the last, and the maximum of reserved fields. */
static void check_ioctls(struct node *ioctls)
{
	unsigned long long first = NR_LIMIT, last = 0, reserved = 1, nr;
	const struct node *command;

	if (!ioctls->count)
		fail_at(ioctls, "no ioctl is defined");
	for_each_item(command, ioctls) {
		nr = number_of(command, "nr");
		first = MIN(first, nr);
		last = MAX(last, nr);
		reserved = MAX(reserved, node_count(node_find(command, "reserved_fields")));
	}
	put_number(ioctls->owner, "first", first);
	put_number(ioctls->owner, "span", last - first + 1);
	put_number(ioctls->owner, "reserved_max", reserved);
}

static const struct rule rules[] = {
	KEY("root flags ioctl legacy field", "name", NAME, .mark = '_', .unique = true),
	KEY("root", "device", TEXT),
	KEY("root constant flags flag ioctl legacy field", "doc", TEXT),
	KEY("root", "abi-version", NUMBER, .maximum = 0xffff),
	KEY("root", "magic", TEXT),
	KEY("root", "constants", LIST, .item = "constant"),
	KEY("root", "flags", LIST, .item = "flags"),
	KEY("root", "ioctls", LIST, .item = "ioctl", .check = check_ioctls),
	KEY("root", "legacy", LIST, .item = "legacy"),

	KEY("constant", "name", TEXT, .unique = true),
	KEY("constant", "value", NUMBER),
	KEY("constant flag ioctl", "since", NUMBER, .check = check_since),

	KEY("flags", "prefix", TEXT, .unique = true),
	KEY("flags", "bits", LIST, .item = "flag"),

	KEY("flag", "name", NAME, .mark = '-', .unique = true),
	KEY("flag", "value", NUMBER, .maximum = 31, .counts = true, .unique = true),
	WHOLE("flag", check_flag),

	KEY("ioctl", "nr", NUMBER, .maximum = NR_LIMIT, .unique = true),
	KEY("legacy", "nr", NUMBER, .maximum = LEGACY_NR_LIMIT, .unique = true),
	KEY("ioctl legacy", "fields", LIST, .item = "field"),
	KEY("ioctl", "errors", MAPPING, .check = check_errors),
	WHOLE("ioctl legacy", check_command),
	WHOLE("ioctl", check_ioctl),

	KEY("field", "type", TEXT, .choices = "u8, u32, s32, u64, s64"),
	OPTIONAL("field", "count", TEXT, .refers = "constants"),
	OPTIONAL("field", "since", NUMBER, .check = check_since),
	OPTIONAL("field", "direction", TEXT, .choices = "in, out, inout, reserved"),
	OPTIONAL("field", "bits", LIST),
	OPTIONAL("field", "enum", TEXT, .refers = "flags"),
	WHOLE("field", check_field),
	{ .mapping = NULL }
};

struct node *ioctl_spec_load(const char *path)
{
	struct node *root = document_load(path);

	put_list(root, "commands");
	rules_apply(rules, "root", root);
	return root;
}
