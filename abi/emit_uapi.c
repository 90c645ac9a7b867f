/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uapi/linux/xpmem.h: valid C90 and C++, the same for 32-bit and 64-bit callers. */
#include <string.h>

#include "output.h"

static void print_paragraph(FILE *out, const char *text)
{
	fputs(" *\n", out);
	print_wrapped(out, " * ", " * ", text);
}

static void print_since(FILE *out, unsigned int since)
{
	fprintf(out, " *\n * Since ABI version %u.\n", since);
}

static void print_constants(FILE *out, const struct ioctl_spec *spec)
{
	size_t i;

	for (i = 0; i < spec->constant_count; i++) {
		const struct constant *constant = &spec->constants[i];

		fputs("\n/*\n", out);
		print_wrapped(out, " * ", " * ", constant->doc);
		fprintf(out, " * Since ABI version %u.\n */\n", constant->since);
		fprintf(out, "#define %s %s%s\n", constant->name, constant->text,
			constant->value > UINT32_MAX ? "ULL" : "");
	}
}

static void print_flags(FILE *out, const struct flag_set *set)
{
	size_t i;

	fputs("\n/*\n", out);
	print_wrapped(out, " * ", " * ", set->doc);
	fputs(" *\n", out);
	for (i = 0; i < set->count; i++) {
		fprintf(out, " * %s%s, since ABI version %u:\n", set->prefix,
			upper(set->flags[i].name), set->flags[i].since);
		print_wrapped(out, " *   ", " *   ", set->flags[i].doc);
	}
	fputs(" */\n", out);
	for (i = 0; i < set->count; i++)
		fprintf(out, "#define %s%s (1U << %u)\n", set->prefix, upper(set->flags[i].name),
			set->flags[i].bit);
}

static void print_field_doc(FILE *out, const struct field *field, const struct command *command)
{
	static const char *const directions[] = {
		[FIELD_IN] = "In",
		[FIELD_OUT] = "Out",
		[FIELD_INOUT] = "In and out",
		[FIELD_RESERVED] = "Reserved",
	};
	char first[256];

	if (!command->legacy && field->since != command->since)
		snprintf(first, sizeof(first), " * @%s: %s, since ABI version %u. ", field->name,
			 directions[field->direction], field->since);
	else
		snprintf(first, sizeof(first), " * @%s: %s. ", field->name,
			 directions[field->direction]);
	print_wrapped(out, first, " *   ", field->doc);
}

static void print_struct(FILE *out, const struct command *command)
{
	size_t i;

	fprintf(out, "\n/**\n * struct %s - argument of %s\n", struct_name(command),
		request_name(command));
	for (i = 0; i < command->field_count; i++)
		print_field_doc(out, &command->fields[i], command);
	print_paragraph(out, command->doc);
	if (!command->legacy) {
		print_since(out, command->since);
		if (command->error_count)
			fputs(" *\n * Errors in addition to those of every ioctl:\n *\n", out);
		for (i = 0; i < command->error_count; i++) {
			char first[64];

			snprintf(first, sizeof(first), " * * %s: ", command->errors[i].name);
			print_wrapped(out, first, " *   ", command->errors[i].doc);
		}
	}
	fprintf(out, " */\nstruct %s {\n", struct_name(command));
	for (i = 0; i < command->field_count; i++) {
		const struct field *field = &command->fields[i];

		fprintf(out, "\t%s %s", field->type->c_type, field->name);
		if (field->count_text)
			fprintf(out, "[%s]", field->count_text);
		fprintf(out, "%s;\n", field->type->c_suffix);
	}
	fputs("};\n", out);
}

static void print_command(FILE *out, const struct command *command, char magic)
{
	if (command->field_count) {
		print_struct(out, command);
	} else {
		fputs("\n/*\n", out);
		print_wrapped(out, " * ", " * ", command->doc);
		fputs(" * No argument.\n */\n", out);
	}
	fprintf(out, command->legacy ? "#define %s _IO('%c', %u)\n" : "#define %s _IO('%c', %#x)\n",
		request_name(command), magic, command->nr);
}

static void print_enumeration(FILE *out, const struct netlink_spec *spec,
			      const struct enumeration *enumeration)
{
	const char *name = snake(enumeration->name), *family = snake(spec->name);
	size_t i;

	if (enumeration->foreign)
		return;
	fprintf(out, "\n/**\n * enum %s_%s - values of netlink attributes\n", family, name);
	for (i = 0; i < enumeration->count; i++) {
		char first[256];

		snprintf(first, sizeof(first), " * @%s_%s_%s: ", upper(family), upper(name),
			 upper(enumeration->entries[i].name));
		print_wrapped(out, first, " *   ", enumeration->entries[i].doc);
	}
	fprintf(out, " */\nenum %s_%s {\n", family, name);
	for (i = 0; i < enumeration->count; i++)
		fprintf(out, "\t%s_%s_%s = %llu%s\n", upper(family), upper(name),
			upper(enumeration->entries[i].name),
			enumeration->flags ? 1ULL << enumeration->entries[i].value :
					     (unsigned long long)enumeration->entries[i].value,
			i + 1 < enumeration->count ? "," : "");
	fputs("};\n", out);
}

static void print_attribute_doc(FILE *out, const char *prefix, const struct attribute *attribute)
{
	static const char *const kinds[] = {
		[ATTRIBUTE_U32] = "u32",
		[ATTRIBUTE_U64] = "u64",
		[ATTRIBUTE_S64] = "s64",
		[ATTRIBUTE_STRING] = "string",
	};
	char first[288];

	if (attribute->kind == ATTRIBUTE_PAD) {
		fprintf(out, " * %s%s: Padding that aligns 64-bit attributes.\n", prefix,
			upper(attribute->name));
		return;
	}
	snprintf(first, sizeof(first), " * %s%s: %s. ", prefix, upper(attribute->name),
		 kinds[attribute->kind]);
	print_wrapped(out, first, " *   ", attribute->doc);
}

static void print_attributes(FILE *out, const struct netlink_spec *spec,
			     const struct attribute_set *set)
{
	char prefix[128];
	size_t i;

	snprintf(prefix, sizeof(prefix), "%s_A_%s_", upper(spec->name), upper(set->name));
	fprintf(out, "\n/*\n * Netlink attributes of \"%s\":\n *\n", set->name);
	for (i = 0; i < set->count; i++)
		print_attribute_doc(out, prefix, &set->attributes[i]);
	fputs(" */\nenum {\n", out);
	for (i = 0; i < set->count; i++)
		fprintf(out, "\t%s%s%s,\n", prefix, upper(set->attributes[i].name),
			i ? "" : " = 1");
	fprintf(out, "\n\t__%sMAX,\n\t%sMAX = (__%sMAX - 1)\n};\n", prefix, prefix, prefix);
}

static void print_operations(FILE *out, const struct netlink_spec *spec)
{
	const char *prefix = upper(spec->operation_prefix);
	size_t i;

	fputs("\n/*\n * Netlink commands:\n *\n", out);
	for (i = 0; i < spec->operation_count; i++) {
		char first[256];

		snprintf(first, sizeof(first), " * %s%s: ", prefix,
			 upper(spec->operations[i].name));
		print_wrapped(out, first, " *   ", spec->operations[i].doc);
	}
	fputs(" */\nenum {\n", out);
	for (i = 0; i < spec->operation_count; i++)
		fprintf(out, "\t%s%s%s,\n", prefix, upper(spec->operations[i].name),
			i ? "" : " = 1");
	fprintf(out, "\n\t__%sMAX,\n\t%sMAX = (__%sMAX - 1)\n};\n", prefix, prefix, prefix);
}

static const char rules[] =
	" *\n"
	" * Every struct begins with its size as the caller knows it, and grows only at its\n"
	" * end. A caller sets size and zeroes the fields that it does not use. A module that\n"
	" * knows a longer struct takes the missing fields as zero; a module that knows a\n"
	" * shorter one refuses further bytes that are not zero.\n"
	" *\n"
	" * Errors of every ioctl that takes a size:\n"
	" *\n"
	" * * EINVAL: size is smaller than the struct was in the ABI version that introduced\n"
	" *   the ioctl, an unknown flag is set, or a reserved field is not zero\n"
	" * * E2BIG: bytes that this module does not know are not zero, or size exceeds a\n"
	" *   page\n"
	" * * EFAULT: the module cannot read or write the argument\n"
	" * * ENOMEM: the kernel has no memory\n"
	" * * ENOTTY: this module does not know the ioctl\n";

void emit_uapi(const struct specs *specs, const char *root)
{
	const struct ioctl_spec *ioctls = specs->ioctls;
	const struct netlink_spec *netlink = specs->netlink;
	struct output output;
	FILE *out = output_open(&output, root, "uapi/linux/xpmem.h");
	size_t i;

	print_header_notice(out, "(GPL-2.0-only WITH Linux-syscall-note) OR MIT", BOTH_SPECS);
	fputs("#ifndef _UAPI_LINUX_XPMEM_H\n#define _UAPI_LINUX_XPMEM_H\n\n"
	      "#include <linux/ioctl.h>\n#include <linux/types.h>\n\n", out);
	fprintf(out, "/*\n * DOC: ioctls of %s\n *\n", ioctls->device);
	print_wrapped(out, " * ", " * ", ioctls->doc);
	fputs(rules, out);
	fputs(" */\n", out);
	print_constants(out, ioctls);
	for (i = 0; i < ioctls->flag_set_count; i++)
		print_flags(out, &ioctls->flag_sets[i]);
	for (i = 0; i < ioctls->command_count; i++)
		print_command(out, &ioctls->commands[i], ioctls->magic);

	fputs("\n/*\n * DOC: the historical ABI\n *\n"
	      " * This ABI is frozen. Its structs have no size field and use the layout of x86-64.\n"
	      " * The module serves it to 64-bit callers only.\n */\n",
	      out);
	for (i = 0; i < ioctls->legacy_count; i++)
		print_command(out, &ioctls->legacy[i], ioctls->magic);

	fprintf(out, "\n/*\n * DOC: generic netlink family \"%s\"\n *\n", netlink->name);
	print_wrapped(out, " * ", " * ", netlink->doc);
	fputs(" * The family exists since ABI version 1.\n */\n", out);
	fprintf(out, "#define %s_FAMILY_NAME \"%s\"\n", upper(netlink->name), netlink->name);
	fprintf(out, "#define %s_FAMILY_VERSION %u\n", upper(netlink->name), netlink->version);
	for (i = 0; i < netlink->group_count; i++)
		fprintf(out, "#define %s_GROUP_%s \"%s\"\n", upper(netlink->name),
			upper(netlink->groups[i]), netlink->groups[i]);
	for (i = 0; i < netlink->enumeration_count; i++)
		print_enumeration(out, netlink, &netlink->enumerations[i]);
	for (i = 0; i < netlink->set_count; i++)
		print_attributes(out, netlink, &netlink->sets[i]);
	print_operations(out, netlink);
	fputs("\n#endif /* _UAPI_LINUX_XPMEM_H */\n", out);
	output_close(&output, out);
}
