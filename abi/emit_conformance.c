/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/programs/abi_table_gen.h: every ioctl, for a test that iterates over them. */
#include "output.h"

static void print_fields(FILE *out, const struct command *command)
{
	static const char *const directions[] = {
		[FIELD_IN] = "ABI_IN",
		[FIELD_OUT] = "ABI_OUT",
		[FIELD_INOUT] = "ABI_INOUT",
		[FIELD_RESERVED] = "ABI_RESERVED",
	};
	size_t i;

	if (!command->field_count)
		return;
	fprintf(out, "static const struct abi_field abi_%s_fields[] = {\n", struct_name(command));
	for (i = 0; i < command->field_count; i++) {
		const struct field *field = &command->fields[i];

		fprintf(out, "\t{ \"%s\", %u, %u, %s, %#llx },\n", field->name, field->offset,
			field->size, directions[field->direction], (unsigned long long)field->mask);
	}
	fputs("};\n\n", out);
}

static void print_row(FILE *out, const struct command *command)
{
	const char *separator = "";
	unsigned int reserved = 0;
	size_t i;

	fprintf(out, "\t{\n\t\t.name = \"%s\",\n\t\t.request = %s,\n", command->name,
		request_name(command));
	if (command->legacy)
		fputs("\t\t.legacy = 1,\n", out);
	if (command->field_count) {
		fprintf(out, "\t\t.size = %u,\n\t\t.min_size = %u,\n", command->size,
			command->legacy ? command->size : command->min_size);
		if (!command->legacy)
			fprintf(out, "\t\t.flags = %#llx,\n",
				(unsigned long long)command->fields[1].mask);
		fprintf(out, "\t\t.fields = abi_%s_fields,\n\t\t.field_count = %zu,\n",
			struct_name(command), command->field_count);
	}
	for (i = 0; i < command->field_count; i++)
		reserved += command->fields[i].direction == FIELD_RESERVED;
	if (reserved) {
		fputs("\t\t.reserved = { ", out);
		for (i = 0; i < command->field_count; i++)
			if (command->fields[i].direction == FIELD_RESERVED) {
				fprintf(out, "%s%u", separator, command->fields[i].offset);
				separator = ", ";
			}
		fprintf(out, " },\n\t\t.reserved_count = %u,\n", reserved);
	}
	fputs("\t},\n", out);
}

void emit_conformance(const struct specs *specs, const char *root)
{
	const struct ioctl_spec *ioctls = specs->ioctls;
	struct output output;
	FILE *out = output_open(&output, root, "tests/programs/abi_table_gen.h");
	size_t i;

	print_header_notice(out, "GPL-2.0-or-later", IOCTL_SPEC);
	fputs("#ifndef ABI_TABLE_GEN_H\n#define ABI_TABLE_GEN_H\n\n#include <linux/xpmem.h>\n\n"
	      "enum abi_direction { ABI_IN, ABI_OUT, ABI_INOUT, ABI_RESERVED };\n\n"
	      "struct abi_field {\n"
	      "\tconst char *name;\n"
	      "\tunsigned int offset;\n"
	      "\tunsigned int size;\t/* bytes */\n"
	      "\tenum abi_direction direction;\n"
	      "\tunsigned long long flags;\t/* flags that a flags field accepts */\n"
	      "};\n\n"
	      "struct abi_ioctl {\n"
	      "\tconst char *name;\n"
	      "\tunsigned long request;\n"
	      "\tint legacy;\t\t/* its struct, if any, has no size and no flags rules */\n"
	      "\tunsigned int size;\t/* bytes of its struct; 0: no argument */\n"
	      "\tunsigned int min_size;\t/* smallest size that the module accepts */\n"
	      "\tunsigned int flags;\t/* flags that its flags field, at offset 4, accepts */\n"
	      "\tunsigned int reserved[8];\t/* offsets of the u32 fields that must be zero */\n"
	      "\tunsigned int reserved_count;\n"
	      "\tconst struct abi_field *fields;\n"
	      "\tunsigned int field_count;\n"
	      "};\n\n", out);
	for (i = 0; i < ioctls->command_count; i++)
		print_fields(out, &ioctls->commands[i]);
	for (i = 0; i < ioctls->legacy_count; i++)
		print_fields(out, &ioctls->legacy[i]);
	fputs("static const struct abi_ioctl abi_ioctls[] = {\n", out);
	for (i = 0; i < ioctls->command_count; i++)
		print_row(out, &ioctls->commands[i]);
	for (i = 0; i < ioctls->legacy_count; i++)
		print_row(out, &ioctls->legacy[i]);
	fprintf(out, "};\n\n#define ABI_IOCTL_COUNT %zu\n\n#endif\n",
		ioctls->command_count + ioctls->legacy_count);
	output_close(&output, out);
}
