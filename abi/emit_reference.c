/* SPDX-License-Identifier: GPL-2.0-or-later */
/* abi/REFERENCE.md: the whole ABI on one page, for people. */
#include "output.h"

/* A bar would end the table cell, so it is escaped. */
static void print_cell(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '|')
			fputc('\\', out);
		fputc(*text == '\n' ? ' ' : *text, out);
	}
}

static void print_paragraph(FILE *out, const char *text)
{
	print_wrapped(out, "", "", text);
	fputc('\n', out);
}

static void print_constants(FILE *out, const struct ioctl_spec *spec)
{
	size_t i;

	fputs("## Constants\n\n| name | value | since | meaning |\n|---|---|---|---|\n", out);
	for (i = 0; i < spec->constant_count; i++) {
		fprintf(out, "| `%s` | %s | %u | ", spec->constants[i].name,
			spec->constants[i].text, spec->constants[i].since);
		print_cell(out, spec->constants[i].doc);
		fputs(" |\n", out);
	}
}

static void print_flags(FILE *out, const struct flag_set *set)
{
	size_t i;

	fprintf(out, "\n### %s\n\n", set->prefix);
	print_paragraph(out, set->doc);
	fputs("| flag | value | since | meaning |\n|---|---|---|---|\n", out);
	for (i = 0; i < set->count; i++) {
		fprintf(out, "| `%s%s` | %#x | %u | ", set->prefix, upper(set->flags[i].name),
			1U << set->flags[i].bit, set->flags[i].since);
		print_cell(out, set->flags[i].doc);
		fputs(" |\n", out);
	}
}

static void print_fields(FILE *out, const struct command *command)
{
	static const char *const directions[] = {
		[FIELD_IN] = "in",
		[FIELD_OUT] = "out",
		[FIELD_INOUT] = "in, out",
		[FIELD_RESERVED] = "reserved",
	};
	size_t i;

	fprintf(out, "| offset | field | type | | %smeaning |\n|---|---|---|---|%s---|\n",
		command->legacy ? "" : "since | ", command->legacy ? "" : "---|");
	for (i = 0; i < command->field_count; i++) {
		const struct field *field = &command->fields[i];

		fprintf(out, "| %u | `%s` | %s", field->offset, field->name, field->type->name);
		if (field->count_text)
			fprintf(out, "[%s]", field->count_text);
		fprintf(out, " | %s | ", directions[field->direction]);
		if (!command->legacy)
			fprintf(out, "%u | ", field->since);
		print_cell(out, field->doc);
		fputs(" |\n", out);
	}
	fputc('\n', out);
}

static void print_command(FILE *out, const struct command *command)
{
	size_t i;

	fprintf(out, "\n### %s\n\n", request_name(command));
	print_paragraph(out, command->doc);
	fprintf(out, "Number %#x", command->nr);
	if (command->field_count)
		fprintf(out, ", `struct %s`, %u bytes", struct_name(command), command->size);
	else
		fputs(", no argument", out);
	if (command->legacy)
		fputs(".\n", out);
	else
		fprintf(out, ", at least %u from the caller. Since %u.\n", command->min_size,
			command->since);
	if (!command->field_count)
		return;
	fputc('\n', out);
	print_fields(out, command);
	if (!command->error_count)
		return;
	fputs("| error | when |\n|---|---|\n", out);
	for (i = 0; i < command->error_count; i++) {
		fprintf(out, "| %s | ", command->errors[i].name);
		print_cell(out, command->errors[i].doc);
		fputs(" |\n", out);
	}
}

static const char *json_description(const struct attribute *attribute)
{
	static const char *const descriptions[] = {
		[JSON_NUMBER] = "number",
		[JSON_COUNTER] = "number",
		[JSON_COUNT] = "number",
		[JSON_BYTES] = "number",
		[JSON_TIMESTAMP] = "number",
		[JSON_HEX] = "hexadecimal string",
		[JSON_OCTAL] = "octal string",
		[JSON_TEXT] = "string",
		[JSON_NAME] = "name",
		[JSON_NAMES] = "list of names",
	};

	return descriptions[json_form(attribute)];
}

static void print_attributes(FILE *out, const struct netlink_spec *spec,
			     const struct attribute_set *set)
{
	static const char *const kinds[] = {
		[ATTRIBUTE_U32] = "u32",
		[ATTRIBUTE_U64] = "u64",
		[ATTRIBUTE_S64] = "s64",
		[ATTRIBUTE_STRING] = "string",
	};
	size_t i;

	fprintf(out,
		"\n### Attributes of %s: `%s_A_%s_`\n\n"
		"| id | name | type | JSON key and form | meaning |\n|---|---|---|---|---|\n",
		set->name, upper(spec->name), upper(set->name));
	for (i = 0; i < set->count; i++) {
		const struct attribute *attribute = &set->attributes[i];

		if (attribute->kind == ATTRIBUTE_PAD) {
			fprintf(out, "| %u | `%s` | | | Padding that aligns 64-bit attributes. |\n",
				attribute->id, upper(attribute->name));
			continue;
		}
		fprintf(out, "| %u | `%s` | %s | `%s`, %s | ", attribute->id,
			upper(attribute->name), kinds[attribute->kind], snake(attribute->name),
			json_description(attribute));
		print_cell(out, attribute->doc);
		fputs(" |\n", out);
	}
}

static void print_names(FILE *out, const struct attribute_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		fprintf(out, "%s%s", i ? ", " : "", list->attributes[i]->name);
	fputs(list->count ? "" : "none", out);
}

static const char *operation_kinds(const struct netlink_spec *spec,
				   const struct operation *operation)
{
	if (operation->event)
		return spec->groups[operation->group];
	return operation->dump ? "do, dump" : "do";
}

static void print_operation(FILE *out, const struct netlink_spec *spec,
			    const struct operation *operation)
{
	fprintf(out, "| %u | `%s%s` | %s%s | ", operation->id, upper(spec->operation_prefix),
		upper(operation->name),
		operation_kinds(spec, operation),
		operation->admin ? ", CAP_NET_ADMIN" : "");
	print_names(out, &operation->request);
	fputs(" | ", out);
	print_names(out, &operation->filter);
	fputs(" | ", out);
	print_names(out, &operation->reply);
	fputs(" | ", out);
	print_cell(out, operation->doc);
	fputs(" |\n", out);
}

void emit_reference(const struct specs *specs, const char *root)
{
	const struct ioctl_spec *ioctls = specs->ioctls;
	const struct netlink_spec *netlink = specs->netlink;
	struct output output;
	FILE *out = output_open(&output, root, "abi/REFERENCE.md");
	size_t i;

	fprintf(out,
		"<!-- SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT -->\n"
		"<!-- " GENERATED_BY
		" -->\n<!-- " REGENERATE " -->\n\n",
		BOTH_SPECS);
	fprintf(out, "# The ABI of %s and of the netlink family %s, version %u\n\n", ioctls->device,
		netlink->name, ioctls->abi_version);
	print_paragraph(out, ioctls->doc);
	print_paragraph(
		out,
		"The C form of this page is `uapi/linux/xpmem.h`. Lengths, offsets and addresses "
		"are in bytes. \"Since\" is the ABI version that introduced an item.");
	print_constants(out, ioctls);
	fputs("\n## Flags\n", out);
	for (i = 0; i < ioctls->flag_set_count; i++)
		print_flags(out, &ioctls->flag_sets[i]);

	fputs("\n## ioctls\n\n", out);
	print_paragraph(
		out,
		"A struct begins with its size as the caller knows it and grows only at its end. "
		"A module that knows a longer struct takes the missing fields as zero. Every ioctl "
		"below can also fail with:");
	fputs("| error | when |\n|---|---|\n"
	      "| EINVAL | size is too small, an unknown flag is set, or a reserved field is not zero |\n"
	      "| E2BIG | bytes that the module does not know are not zero, or size exceeds a page |\n"
	      "| EFAULT | the module cannot read or write the argument |\n"
	      "| ENOMEM | the kernel has no memory |\n"
	      "| ENOTTY | the module does not know the ioctl |\n",
	      out);
	for (i = 0; i < ioctls->command_count; i++)
		print_command(out, &ioctls->commands[i]);

	fputs("\n## The historical ABI\n\n", out);
	print_paragraph(
		out,
		"This ABI is frozen. Its structs have no size field and use the layout of x86-64. "
		"The module serves it to 64-bit callers only.");
	for (i = 0; i < ioctls->legacy_count; i++)
		print_command(out, &ioctls->legacy[i]);

	fprintf(out, "\n## Generic netlink family `%s`, version %u\n\n", netlink->name,
		netlink->version);
	print_paragraph(out, netlink->doc);
	print_paragraph(
		out,
		"A \"do\" request carries all attributes of the column \"do\". A dump may carry any "
		"attributes of the column \"filter\" and lists the objects that match all of them. "
		"An attribute that an object lacks matches nothing. A command with a group in "
		"place of kinds is an event; the module sends it to the group's listeners.");
	fputs("| nr | command | kinds or group | do | filter | reply | meaning |\n"
	      "|---|---|---|---|---|---|---|\n",
	      out);
	for (i = 0; i < netlink->operation_count; i++)
		print_operation(out, netlink, &netlink->operations[i]);
	for (i = 0; i < netlink->set_count; i++)
		print_attributes(out, netlink, &netlink->sets[i]);
	output_close(&output, out);
}
