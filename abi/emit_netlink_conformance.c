/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tests/programs/netlink_table_gen.h: every netlink operation, for a test of all of them. */
#include "output.h"

static unsigned int payload(const struct attribute *attribute)
{
	switch (attribute->kind) {
	case ATTRIBUTE_U32:
		return 4;
	case ATTRIBUTE_U64:
	case ATTRIBUTE_S64:
		return 8;
	default:
		return 0;
	}
}

static void print_list(FILE *out, const struct operation *operation,
		       const struct attribute_list *list, const char *of)
{
	size_t i;

	if (!list->count)
		return;
	fprintf(out, "static const struct netlink_attribute %s_%s[] = {\n", snake(operation->name),
		of);
	for (i = 0; i < list->count; i++) {
		const struct attribute *attribute = list->attributes[i];

		fprintf(out, "\t{ \"%s\", XPMEM_A_%s_%s, %u },\n", attribute->name,
			upper(operation->set->name), upper(attribute->name), payload(attribute));
	}
	fputs("};\n\n", out);
}

static void print_operation(FILE *out, const struct netlink_spec *spec,
			    const struct operation *operation)
{
	fprintf(out, "\t{\n\t\t.name = \"%s\",\n\t\t.command = %s%s,\n", operation->name,
		upper(spec->operation_prefix), upper(operation->name));
	if (operation->reply.count)
		fputs("\t\t.replies = 1,\n", out);
	if (operation->dump)
		fputs("\t\t.dumps = 1,\n", out);
	fprintf(out, "\t\t.last_attribute = XPMEM_A_%s_MAX,\n", upper(operation->set->name));
	if (operation->request.count)
		fprintf(out, "\t\t.request = %s_request,\n\t\t.request_count = %zu,\n",
			snake(operation->name), operation->request.count);
	if (operation->filter.count)
		fprintf(out, "\t\t.filter = %s_filter,\n\t\t.filter_count = %zu,\n",
			snake(operation->name), operation->filter.count);
	fputs("\t},\n", out);
}

void emit_netlink_conformance(const struct specs *specs, const char *root)
{
	const struct netlink_spec *spec = specs->netlink;
	struct output output;
	FILE *out = output_open(&output, root, "tests/programs/netlink_table_gen.h");
	size_t i;

	print_header_notice(out, "GPL-2.0-or-later", NETLINK_SPEC);
	fputs("#ifndef NETLINK_TABLE_GEN_H\n#define NETLINK_TABLE_GEN_H\n\n#include <linux/xpmem.h>\n\n"
	      "struct netlink_attribute {\n"
	      "\tconst char *name;\n"
	      "\tint id;\n"
	      "\tint size;\t\t/* bytes; 0: a string */\n"
	      "};\n\n"
	      "struct netlink_operation {\n"
	      "\tconst char *name;\n"
	      "\tint command;\n"
	      "\tint replies;\t\t/* 0: the module only acknowledges */\n"
	      "\tint dumps;\t\t/* it can list all objects */\n"
	      "\tint last_attribute;\t/* of its set */\n"
	      "\tconst struct netlink_attribute *request;\t/* each is required */\n"
	      "\tint request_count;\n"
	      "\tconst struct netlink_attribute *filter;\t/* each is optional in a dump */\n"
	      "\tint filter_count;\n"
	      "};\n\n",
	      out);
	for (i = 0; i < spec->request_count; i++) {
		print_list(out, &spec->operations[i], &spec->operations[i].request, "request");
		print_list(out, &spec->operations[i], &spec->operations[i].filter, "filter");
	}
	fputs("static const struct netlink_operation netlink_operations[] = {\n", out);
	for (i = 0; i < spec->request_count; i++)
		print_operation(out, spec, &spec->operations[i]);
	fprintf(out, "};\n\n#define NETLINK_OPERATION_COUNT %zu\n\n#endif\n", spec->request_count);
	output_close(&output, out);
}
