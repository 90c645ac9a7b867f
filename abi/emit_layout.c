/* SPDX-License-Identifier: GPL-2.0-or-later */
/* module/abi_assert_gen.h: the sizes and offsets of the UAPI structs, for any compiler. */
#include "output.h"

static void print_command(FILE *out, const struct command *command, char magic)
{
	const char *name = struct_name(command);
	size_t i;

	fprintf(out, "\n_Static_assert(%s == (_IOC_NONE << _IOC_DIRSHIFT | %#x), \"%s\");\n",
		request_name(command), magic << 8 | command->nr, request_name(command));
	if (!command->field_count)
		return;
	fprintf(out, "_Static_assert(sizeof(struct %s) == %u, \"%s\");\n", name, command->size,
		name);
	for (i = 0; i < command->field_count; i++) {
		const struct field *field = &command->fields[i];

		fprintf(out,
			"_Static_assert(__builtin_offsetof(struct %s, %s) == %u, \"%s.%s\");\n",
			name, field->name, field->offset, name, field->name);
		fprintf(out, "_Static_assert(sizeof(((struct %s *)0)->%s) == %u, \"%s.%s\");\n",
			name, field->name, field->size, name, field->name);
	}
}

void emit_layout(const struct specs *specs, const char *root)
{
	const struct ioctl_spec *ioctls = specs->ioctls;
	struct output output;
	FILE *out = output_open(&output, root, "module/abi_assert_gen.h");
	size_t i;

	print_header_notice(out, "GPL-2.0-only", IOCTL_SPEC);
	fputs("/* Include <linux/xpmem.h> before this. */\n#ifndef XPMEM_ABI_ASSERT_GEN_H\n"
	      "#define XPMEM_ABI_ASSERT_GEN_H\n",
	      out);
	for (i = 0; i < ioctls->command_count; i++)
		print_command(out, &ioctls->commands[i], ioctls->magic);
	for (i = 0; i < ioctls->legacy_count; i++)
		print_command(out, &ioctls->legacy[i], ioctls->magic);
	fputs("\n#endif\n", out);
	output_close(&output, out);
}
