/* SPDX-License-Identifier: GPL-2.0-or-later */
/* abi/netlink.yaml: the control ABI in the kernel's YNL schema, which has no key for our facts. */
#include "output.h"

/* A folded scalar needs no quotes, whatever the text is. */
static void print_doc(FILE *out, int indent, const char *doc)
{
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "%*s", indent + 2, "");
	fprintf(out, "%*sdoc: >-\n", indent, "");
	print_wrapped(out, prefix, prefix, doc);
}

static void print_enumeration(FILE *out, const struct enumeration *enumeration)
{
	size_t i;

	fprintf(out, "  -\n    name: %s\n    type: %s\n", enumeration->name,
		enumeration->flags ? "flags" : "enum");
	if (enumeration->foreign)
		fputs("    header: linux/xpmem.h\n", out);
	fputs("    entries:\n", out);
	for (i = 0; i < enumeration->count; i++) {
		fprintf(out, "      -\n        name: %s\n        value: %llu\n",
			enumeration->entries[i].name,
			(unsigned long long)enumeration->entries[i].value);
		print_doc(out, 8, enumeration->entries[i].doc);
	}
}

static void print_set(FILE *out, const struct attribute_set *set)
{
	static const char *const types[] = {
		[ATTRIBUTE_PAD] = "pad", [ATTRIBUTE_U32] = "u32",	[ATTRIBUTE_U64] = "u64",
		[ATTRIBUTE_S64] = "s64", [ATTRIBUTE_STRING] = "string",
	};
	size_t i;

	fprintf(out, "  -\n    name: %s\n    attributes:\n", set->name);
	for (i = 0; i < set->count; i++) {
		const struct attribute *attribute = &set->attributes[i];

		fprintf(out, "      -\n        name: %s\n        type: %s\n", attribute->name,
			types[attribute->kind]);
		if (attribute->hex)
			fputs("        display-hint: hex\n", out);
		if (attribute->enumeration)
			fprintf(out, "        enum: %s\n", attribute->enumeration->name);
		if (attribute->doc)
			print_doc(out, 8, attribute->doc);
	}
}

static void print_message(FILE *out, int indent, const char *name,
			  const struct attribute_list *list)
{
	size_t i;

	fprintf(out, "%*s%s:%s\n", indent, "", name, list->count ? "" : " {}");
	if (list->count)
		fprintf(out, "%*sattributes:\n", indent + 2, "");
	for (i = 0; i < list->count; i++)
		fprintf(out, "%*s- %s\n", indent + 4, "", list->attributes[i]->name);
}

static void print_operation(FILE *out, const struct netlink_spec *spec,
			    const struct operation *operation)
{
	fprintf(out, "    -\n      name: %s\n", operation->name);
	print_doc(out, 6, operation->doc);
	fprintf(out, "      attribute-set: %s\n", operation->set->name);
	if (operation->event) {
		fprintf(out, "      mcgrp: %s\n", spec->groups[operation->group]);
		print_message(out, 6, "event", &operation->reply);
		return;
	}
	fprintf(out, "%s      do:\n", operation->admin ? "      flags: [admin-perm]\n" : "");
	print_message(out, 8, "request", &operation->request);
	print_message(out, 8, "reply", &operation->reply);
	if (!operation->dump)
		return;
	fputs("      dump:\n", out);
	print_message(out, 8, "request", &operation->filter);
	print_message(out, 8, "reply", &operation->reply);
}

void emit_ynl(const struct specs *specs, const char *root)
{
	const struct netlink_spec *spec = specs->netlink;
	struct output output;
	FILE *out = output_open(&output, root, "abi/netlink.yaml");
	size_t i;

	fputs("# SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT\n# ", out);
	fprintf(out, GENERATED_BY "\n# " REGENERATE "\n\n", NETLINK_SPEC);
	fprintf(out, "name: %s\nprotocol: genetlink\n", spec->name);
	print_doc(out, 0, spec->doc);
	fputs("\ndefinitions:\n", out);
	for (i = 0; i < spec->enumeration_count; i++)
		print_enumeration(out, &spec->enumerations[i]);
	fputs("\nattribute-sets:\n", out);
	for (i = 0; i < spec->set_count; i++)
		print_set(out, &spec->sets[i]);
	if (spec->group_count)
		fputs("\nmcast-groups:\n  list:\n", out);
	for (i = 0; i < spec->group_count; i++)
		fprintf(out, "    -\n      name: %s\n", spec->groups[i]);
	fprintf(out, "\noperations:\n  name-prefix: %s\n  list:\n", spec->operation_prefix);
	for (i = 0; i < spec->operation_count; i++)
		print_operation(out, spec, &spec->operations[i]);
	output_close(&output, out);
}
