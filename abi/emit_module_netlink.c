/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * module/netlink_gen.h and .c: the family's operations and policies, in the form of struct
 * genl_ops of Linux 5.10 and later, and the attributes of statistics. No operation relaxes
 * validation, so Linux 6.1 and later accept them at or above resv_start_op.
 * module/stats_gen.h: the statistics.
 */
#include <string.h>

#include "output.h"

/* Sets whose counters are statistics, and how many statistics they may have. */
static const char *const counting[][2] = {
	{ "segment", "XPMEM_FAULT_STATS" },	{ "attachment", "XPMEM_FAULT_STATS" },
	{ "exporter", "XPMEM_EXPORTER_STATS" }, { "stats", "XPMEM_STAT_COUNT" },
	{ "info", "XPMEM_STAT_COUNT" },
};

#define COUNTING_COUNT (sizeof(counting) / sizeof(*counting))

static void emit_header(const struct netlink_spec *spec, const char *root)
{
	struct output output;
	FILE *out = output_open(&output, root, "module/netlink_gen.h");
	size_t i;

	print_header_notice(out, "GPL-2.0-only", NETLINK_SPEC);
	fputs("#ifndef XPMEM_NETLINK_GEN_H\n#define XPMEM_NETLINK_GEN_H\n\n#include <net/genetlink.h>\n\n"
	      "#include \"stats_gen.h\"\n\n",
	      out);
	fprintf(out, "#define XPMEM_NL_OPS_COUNT %zu\n", spec->request_count);
	fprintf(out, "#define XPMEM_NL_GROUPS_COUNT %zu\n\n", spec->group_count);
	if (spec->group_count) {
		fputs("enum {\n", out);
		for (i = 0; i < spec->group_count; i++)
			fprintf(out, "\tXPMEM_NL_GROUP_%s,\n", upper(spec->groups[i]));
		fputs("};\n\n", out);
	}
	fputs("extern const struct genl_ops xpmem_nl_ops[XPMEM_NL_OPS_COUNT];\n\n"
	      "int xpmem_nl_dump_start(struct netlink_callback *callback);\n"
	      "int xpmem_nl_dump_done(struct netlink_callback *callback);\n",
	      out);
	for (i = 0; i < spec->request_count; i++) {
		const char *name = snake(spec->operations[i].name);

		fprintf(out, "int xpmem_nl_%s_doit(struct sk_buff *skb, struct genl_info *info);\n",
			name);
		if (spec->operations[i].dump)
			fprintf(out,
				"int xpmem_nl_%s_dumpit(struct sk_buff *skb, struct netlink_callback *callback);\n",
				name);
	}
	fputs("\n/* Attributes of statistics, by statistic; 0 where a set has none. */\n", out);
	for (i = 0; i < COUNTING_COUNT; i++)
		fprintf(out, "extern const int xpmem_nl_%s_stats[%s];\n", counting[i][0],
			counting[i][1]);
	fputs("\n#endif\n", out);
	output_close(&output, out);
}

/* Faults count statistics of group 0, changes of an exporter group 1, and other code group 2. */
static size_t group_of(const struct netlink_spec *spec, const struct attribute *counter)
{
	return counter_of(spec, "segment", counter)  ? 0 :
	       counter_of(spec, "exporter", counter) ? 1 :
						       2;
}

static void emit_stats(const struct netlink_spec *spec, const char *root)
{
	static const struct {
		const char *comment;
		const char *end;
	} groups[] = {
		{ "counted by faults, per attachment, segment and exporter, and for the machine",
		  "XPMEM_FAULT_STATS" },
		{ "counted by invalidations, per exporter and for the machine",
		  "XPMEM_EXPORTER_STATS" },
		{ "counted for the machine only", "XPMEM_STAT_COUNT" },
	};
	struct output output;
	FILE *out = output_open(&output, root, "module/stats_gen.h");
	size_t group, i, j;

	print_header_notice(out, "GPL-2.0-only", NETLINK_SPEC);
	fputs("#ifndef XPMEM_STATS_GEN_H\n#define XPMEM_STATS_GEN_H\n\nenum xpmem_stat {\n", out);
	for (group = 0; group < sizeof(groups) / sizeof(*groups); group++) {
		const char *start = group ? groups[group - 1].end : NULL;

		fprintf(out, "\t/* %s */\n", groups[group].comment);
		for (i = 0; i < spec->set_count; i++)
			for (j = 0; j < spec->sets[i].count; j++) {
				const struct attribute *counter = &spec->sets[i].attributes[j];

				if (strcmp(spec->sets[i].name, "stats") ||
				    counter->is != IS_COUNTER || group_of(spec, counter) != group)
					continue;
				fprintf(out, "\tXPMEM_STAT_%s", upper(counter->name));
				fprintf(out, start ? " = %s,\n" : ",\n", start);
				start = NULL;
			}
		fprintf(out, start ? "\t%s = %s,\n" : "\t%s,\n", groups[group].end, start);
	}
	fputs("};\n\n#endif\n", out);
	output_close(&output, out);
}

static void print_stats(FILE *out, const struct attribute_set *set, const char *count)
{
	size_t i;

	fprintf(out, "const int xpmem_nl_%s_stats[%s] = {\n", snake(set->name), count);
	for (i = 0; i < set->count; i++)
		if (set->attributes[i].is == IS_COUNTER)
			fprintf(out, "\t[XPMEM_STAT_%s] = XPMEM_A_%s_%s,\n",
				upper(set->attributes[i].name), upper(set->name),
				upper(set->attributes[i].name));
	fputs("};\n\n", out);
}

static bool lists(const struct attribute_list *list, const struct attribute *attribute)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (list->attributes[i] == attribute)
			return true;
	return false;
}

/*
 * Kernels before 6.1 validate no operation without a policy. Do and dump share one policy, so each
 * of them refuses the attributes that only the other takes.
 */
static void print_policy(FILE *out, const struct operation *operation)
{
	static const char *const types[] = {
		[ATTRIBUTE_U32] = "NLA_U32",
		[ATTRIBUTE_U64] = "NLA_U64",
		[ATTRIBUTE_S64] = "NLA_S64",
		[ATTRIBUTE_STRING] = "NLA_NUL_STRING",
	};
	size_t i;

	fprintf(out, "static const struct nla_policy %s_policy[] = {\n", snake(operation->name));
	for (i = 0; i < operation->set->count; i++) {
		const struct attribute *attribute = &operation->set->attributes[i];

		if (lists(&operation->request, attribute) || lists(&operation->filter, attribute))
			fprintf(out, "\t[XPMEM_A_%s_%s] = { .type = %s },\n",
				upper(operation->set->name), upper(attribute->name),
				types[attribute->kind]);
	}
	if (!operation->request.count && !operation->filter.count)
		fputs("\t[1] = { .type = NLA_REJECT },\n", out);
	fputs("};\n\n", out);
}

static void print_operation(FILE *out, const struct netlink_spec *spec,
			    const struct operation *operation)
{
	const char *name = snake(operation->name);

	fprintf(out, "\t{\n\t\t.cmd = %s%s,\n", upper(spec->operation_prefix),
		upper(operation->name));
	if (operation->admin)
		fputs("\t\t.flags = GENL_ADMIN_PERM,\n", out);
	fprintf(out, "\t\t.doit = xpmem_nl_%s_doit,\n", name);
	if (operation->dump)
		fprintf(out,
			"\t\t.start = xpmem_nl_dump_start,\n\t\t.dumpit = xpmem_nl_%s_dumpit,\n"
			"\t\t.done = xpmem_nl_dump_done,\n",
			name);
	fprintf(out, "\t\t.policy = %s_policy,\n\t\t.maxattr = ARRAY_SIZE(%s_policy) - 1,\n\t},\n",
		name, name);
}

static void emit_source(const struct netlink_spec *spec, const char *root)
{
	struct output output;
	FILE *out = output_open(&output, root, "module/netlink_gen.c");
	size_t i, j;

	print_source_notice(out, "GPL-2.0-only", NETLINK_SPEC);
	fputs("#include \"xpmem.h\"\n#include \"netlink_gen.h\"\n\n", out);
	for (i = 0; i < spec->request_count; i++)
		print_policy(out, &spec->operations[i]);
	for (i = 0; i < COUNTING_COUNT; i++)
		for (j = 0; j < spec->set_count; j++)
			if (!strcmp(spec->sets[j].name, counting[i][0]))
				print_stats(out, &spec->sets[j], counting[i][1]);
	fputs("const struct genl_ops xpmem_nl_ops[XPMEM_NL_OPS_COUNT] = {\n", out);
	for (i = 0; i < spec->request_count; i++)
		print_operation(out, spec, &spec->operations[i]);
	fputs("};\n", out);
	output_close(&output, out);
}

void emit_module_netlink(const struct specs *specs, const char *root)
{
	emit_header(specs->netlink, root);
	emit_source(specs->netlink, root);
	emit_stats(specs->netlink, root);
}
