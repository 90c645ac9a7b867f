/* SPDX-License-Identifier: GPL-2.0-or-later */
/* module/ioctl_gen.h and .c: the dispatcher's table. */
#include "output.h"

static unsigned int count_reserved(const struct command *command)
{
	unsigned int count = 0;
	size_t i;

	for (i = 0; i < command->field_count; i++)
		count += command->fields[i].direction == FIELD_RESERVED;
	return count;
}

static void print_flag_mask(FILE *out, const struct field *field)
{
	const char *separator = "";
	size_t i;

	for (i = 0; field->flag_set && i < field->flag_set->count; i++)
		if (field->mask >> field->flag_set->flags[i].bit & 1) {
			fprintf(out, "%s%s%s", separator, field->flag_set->prefix,
				upper(field->flag_set->flags[i].name));
			separator = " | ";
		}
	fputs(*separator ? "" : "0", out);
}

static void emit_header(const struct ioctl_spec *spec, const char *root)
{
	struct output output;
	FILE *out = output_open(&output, root, "module/ioctl_gen.h");
	unsigned int reserved = 1;
	size_t i;

	for (i = 0; i < spec->command_count; i++)
		if (count_reserved(&spec->commands[i]) > reserved)
			reserved = count_reserved(&spec->commands[i]);

	print_header_notice(out, "GPL-2.0-only", IOCTL_SPEC);
	fputs("#ifndef XPMEM_IOCTL_GEN_H\n#define XPMEM_IOCTL_GEN_H\n\n"
	      "struct xpmem_client;\n\nunion xpmem_ioctl_arg {\n\t__u32 size;\n", out);
	for (i = 0; i < spec->command_count; i++)
		fprintf(out, "\tstruct %s %s;\n", struct_name(&spec->commands[i]),
			spec->commands[i].name);
	fprintf(out, "};\n\n#define XPMEM_IOCTL_FIRST %#x\n", spec->first_nr);
	fprintf(out, "#define XPMEM_IOCTL_COUNT %u\n", spec->last_nr - spec->first_nr + 1);
	fprintf(out, "#define XPMEM_IOCTL_RESERVED_MAX %u\n\n", reserved);
	fputs("/* The dispatcher's table of ioctls, indexed by number minus XPMEM_IOCTL_FIRST. */\n"
	      "struct xpmem_ioctl_op {\n"
	      "\tu32 size;\t\t/* bytes of its struct; 0: there is no such ioctl */\n"
	      "\tu32 min_size;\t\t/* bytes in the ABI version that introduced it */\n"
	      "\tu32 flags;\t\t/* flags that it accepts */\n"
	      "\t/* offsets of the u32 fields that must be zero */\n"
	      "\tu16 reserved[XPMEM_IOCTL_RESERVED_MAX];\n"
	      "\tu8 reserved_count;\n"
	      "\tint (*handler)(struct xpmem_client *client, union xpmem_ioctl_arg *arg);\n"
	      "};\n\nextern const struct xpmem_ioctl_op xpmem_ioctl_ops[XPMEM_IOCTL_COUNT];\n\n",
	      out);
	for (i = 0; i < spec->command_count; i++)
		fprintf(out,
			"int xpmem_ioctl_%s(struct xpmem_client *client, union xpmem_ioctl_arg *arg);\n",
			spec->commands[i].name);
	fputs("\n#endif\n", out);
	output_close(&output, out);
}

static void print_row(FILE *out, const struct command *command)
{
	const char *name = struct_name(command), *separator = "";
	size_t i, last = 0;

	for (i = 0; i < command->field_count; i++)
		if (command->fields[i].since == command->since)
			last = i;
	fprintf(out, "\t[%#x - XPMEM_IOCTL_FIRST] = {\n", command->nr);
	fprintf(out, "\t\t.size = sizeof(struct %s),\n", name);
	fprintf(out, "\t\t.min_size = offsetofend(struct %s, %s),\n\t\t.flags = ", name,
		command->fields[last].name);
	print_flag_mask(out, &command->fields[1]);
	fputs(",\n", out);
	if (count_reserved(command)) {
		fputs("\t\t.reserved = { ", out);
		for (i = 0; i < command->field_count; i++)
			if (command->fields[i].direction == FIELD_RESERVED) {
				fprintf(out, "%soffsetof(struct %s, %s)", separator, name,
					command->fields[i].name);
				separator = ", ";
			}
		fprintf(out, " },\n\t\t.reserved_count = %u,\n", count_reserved(command));
	}
	fprintf(out, "\t\t.handler = xpmem_ioctl_%s,\n\t},\n", command->name);
}

static void emit_source(const struct ioctl_spec *spec, const char *root)
{
	struct output output;
	FILE *out = output_open(&output, root, "module/ioctl_gen.c");
	size_t i;

	print_source_notice(out, "GPL-2.0-only", IOCTL_SPEC);
	fputs("#include \"xpmem.h\"\n#include \"ioctl_gen.h\"\n#include \"abi_assert_gen.h\"\n\n"
	      "const struct xpmem_ioctl_op xpmem_ioctl_ops[XPMEM_IOCTL_COUNT] = {\n", out);
	for (i = 0; i < spec->command_count; i++)
		print_row(out, &spec->commands[i]);
	fputs("};\n", out);
	output_close(&output, out);
}

void emit_module_ioctl(const struct specs *specs, const char *root)
{
	emit_header(specs->ioctls, root);
	emit_source(specs->ioctls, root);
}
