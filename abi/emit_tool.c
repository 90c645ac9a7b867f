/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tools/xpmemctl/netlink_gen.h and .c: the tables that turn netlink attributes into JSON. */
#include <string.h>

#include "output.h"

/* Columns of a string in a table; a tab and two spaces stand before it. */
#define STRING_COLUMNS 80

enum json_form json_form(const struct attribute *attribute)
{
	static const enum json_form forms[] = {
		[IS_PLAIN] = JSON_NUMBER, [IS_COUNTER] = JSON_COUNTER, [IS_COUNT] = JSON_COUNT,
		[IS_BYTES] = JSON_BYTES,  [IS_OCTAL] = JSON_OCTAL,
		[IS_TIMESTAMP] = JSON_TIMESTAMP,
	};

	if (attribute->kind == ATTRIBUTE_STRING)
		return JSON_TEXT;
	if (attribute->enumeration)
		return attribute->enumeration->flags ? JSON_NAMES : JSON_NAME;
	return attribute->hex ? JSON_HEX : forms[attribute->is];
}

static void emit_header(const struct netlink_spec *spec, const char *root)
{
	struct output output;
	FILE *out = output_open(&output, root, "tools/xpmemctl/netlink_gen.h");
	size_t i;

	print_header_notice(out, "GPL-2.0-or-later", NETLINK_SPEC);
	fputs("#ifndef NETLINK_GEN_H\n#define NETLINK_GEN_H\n\n#include \"attribute.h\"\n\n", out);
	fprintf(out, "#define SCHEMA_VERSION %d\n\n", JSON_SCHEMA_VERSION);
	for (i = 0; i < spec->set_count; i++)
		fprintf(out, "extern const struct attribute_set %s_attributes;\n",
			snake(spec->sets[i].name));
	fputc('\n', out);
	for (i = 0; i < spec->request_count; i++)
		fprintf(out, "extern const struct operation operation_%s;\n",
			snake(spec->operations[i].name));
	fprintf(out,
		"\n#define EVENT_COUNT %zu\n\nextern const struct event events[EVENT_COUNT];\n",
		spec->operation_count - spec->request_count);
	fputs("\n#endif\n", out);
	output_close(&output, out);
}

static void print_names(FILE *out, const struct enumeration *enumeration)
{
	size_t i;

	fprintf(out, "static const struct value_name %s_names[] = {\n", snake(enumeration->name));
	for (i = 0; i < enumeration->count; i++)
		fprintf(out, "\t{ %#llx, \"%s\" },\n",
			enumeration->flags ? 1ULL << enumeration->entries[i].value :
					     (unsigned long long)enumeration->entries[i].value,
			snake(enumeration->entries[i].name));
	fputs("\t{ 0, NULL },\n};\n\n", out);
}

/* One C string, continued on further lines so that none is wider than 100 columns. */
static void print_string(FILE *out, const char *text)
{
	size_t column = 0, word;

	fputc('"', out);
	for (; *text; text++) {
		word = *text == ' ' || *text == '\n' ? strcspn(text + 1, " \n") : 0;
		if (word && column + word > STRING_COLUMNS) {
			fputs(" \"\n\t  \"", out);
			column = 0;
			continue;
		}
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text == '\n' ? ' ' : *text, out);
		column++;
	}
	fputc('"', out);
}

static void print_set(FILE *out, const struct attribute_set *set)
{
	static const char *const kinds[] = {
		[ATTRIBUTE_U32] = "ATTRIBUTE_U32",
		[ATTRIBUTE_U64] = "ATTRIBUTE_U64",
		[ATTRIBUTE_S64] = "ATTRIBUTE_S64",
		[ATTRIBUTE_STRING] = "ATTRIBUTE_STRING",
	};
	static const char *const forms[] = {
		[JSON_NUMBER] = "FORM_NUMBER",
		[JSON_COUNTER] = "FORM_COUNTER",
		[JSON_COUNT] = "FORM_COUNT",
		[JSON_BYTES] = "FORM_BYTES",
		[JSON_TIMESTAMP] = "FORM_TIMESTAMP",
		[JSON_HEX] = "FORM_HEX",
		[JSON_OCTAL] = "FORM_OCTAL",
		[JSON_TEXT] = "FORM_TEXT",
		[JSON_NAME] = "FORM_NAME",
		[JSON_NAMES] = "FORM_NAMES",
	};
	const char *name = snake(set->name), *parent = NULL;
	size_t i;

	fprintf(out, "static const char *const %s_event_only[] = { ", name);
	for (i = 0; i < set->count; i++) {
		if (set->attributes[i].event_only)
			fprintf(out, "\"%s\", ", snake(set->attributes[i].name));
		if (set->attributes[i].parent)
			parent = snake(set->attributes[i].name);
	}
	fprintf(out, "NULL };\nstatic const struct attribute %s_table[] = {\n", name);
	for (i = 0; i < set->count; i++) {
		const struct attribute *attribute = &set->attributes[i];

		if (attribute->kind == ATTRIBUTE_PAD)
			continue;
		fprintf(out, "\t{ XPMEM_A_%s_%s, \"%s\", %s, %s, ", upper(set->name),
			upper(attribute->name), snake(attribute->name), kinds[attribute->kind],
			forms[json_form(attribute)]);
		if (attribute->enumeration)
			fprintf(out, "%s_names,\n", snake(attribute->enumeration->name));
		else
			fputs("NULL,\n", out);
		fputs("\t  ", out);
		print_string(out, attribute->doc);
		fputs(" },\n", out);
	}
	fprintf(out,
		"};\n\nconst struct attribute_set %s_attributes = {\n\t.name = \"%s\",\n"
		"\t.maximum = XPMEM_A_%s_MAX,\n"
		"\t.attributes = %s_table,\n\t.count = sizeof(%s_table) / sizeof(*%s_table),\n"
		"\t.event_only = %s_event_only,\n",
		name, name, upper(set->name), name, name, name, name);
	if (parent)
		fprintf(out, "\t.parent = \"%s\",\n", parent);
	fputs("};\n\n", out);
}

static void print_filter(FILE *out, const struct operation *operation)
{
	size_t i;

	if (!operation->filter.count)
		return;
	fprintf(out, "static const int %s_filter[] = {\n", snake(operation->name));
	for (i = 0; i < operation->filter.count; i++)
		fprintf(out, "\tXPMEM_A_%s_%s,\n", upper(operation->set->name),
			upper(operation->filter.attributes[i]->name));
	fputs("};\n\n", out);
}

static void print_event(FILE *out, const struct netlink_spec *spec, const struct operation *event)
{
	fprintf(out, "\t{ %s%s, \"%s\", &%s_attributes,\n\t  ", upper(spec->operation_prefix),
		upper(event->name), snake(event->name), snake(event->set->name));
	print_string(out, event->doc);
	fputs(" },\n", out);
}

static void emit_source(const struct netlink_spec *spec, const char *root)
{
	struct output output;
	FILE *out = output_open(&output, root, "tools/xpmemctl/netlink_gen.c");
	size_t i;

	print_header_notice(out, "GPL-2.0-or-later", NETLINK_SPEC);
	fputs("#include <linux/xpmem.h>\n\n#include \"netlink_gen.h\"\n\n", out);
	for (i = 0; i < spec->enumeration_count; i++)
		print_names(out, &spec->enumerations[i]);
	for (i = 0; i < spec->set_count; i++)
		print_set(out, &spec->sets[i]);
	for (i = 0; i < spec->request_count; i++) {
		const struct operation *operation = &spec->operations[i];

		print_filter(out, operation);
		fprintf(out,
			"const struct operation operation_%s = {\n\t.command = %s%s,\n\t.set = &%s_attributes,\n",
			snake(operation->name), upper(spec->operation_prefix),
			upper(operation->name), snake(operation->set->name));
		if (operation->request.count)
			fprintf(out, "\t.selector = XPMEM_A_%s_%s,\n", upper(operation->set->name),
				upper(operation->request.attributes[0]->name));
		if (operation->filter.count)
			fprintf(out,
				"\t.filter = %s_filter,\n\t.filter_count = sizeof(%s_filter) / sizeof(*%s_filter),\n",
				snake(operation->name), snake(operation->name),
				snake(operation->name));
		fputs("};\n\n", out);
	}
	fputs("const struct event events[EVENT_COUNT] = {\n", out);
	for (i = spec->request_count; i < spec->operation_count; i++)
		print_event(out, spec, &spec->operations[i]);
	fputs("};\n", out);
	output_close(&output, out);
}

void emit_tool(const struct specs *specs, const char *root)
{
	emit_header(specs->netlink, root);
	emit_source(specs->netlink, root);
}
