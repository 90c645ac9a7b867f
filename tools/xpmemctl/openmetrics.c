/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statistics as OpenMetrics, https://prometheus.io/docs/specs/om/open_metrics_spec/, limited to
 * the subset that is also valid in Prometheus' older text format, which node_exporter's textfile
 * collector reads.
 */
#include <string.h>

#include "xpmemctl.h"

static void print_head(const char *name, const char *key, const char *doc, bool counter)
{
	printf("# TYPE xpmem_%s%s %s\n# HELP xpmem_%s%s %s\n", name, key,
	       counter ? "counter" : "gauge", name, key, doc);
}

static void print_attribute(const char *name, const struct attribute *attribute)
{
	print_head(name, attribute->key, attribute->doc, attribute->form == FORM_COUNTER);
}

static void print_sample(const char *name, const struct attribute *attribute, const char *labels,
			 struct json_object *object)
{
	struct json_object *value;

	if (json_object_object_get_ex(object, attribute->key, &value))
		printf("xpmem_%s%s%s%s %s\n", name, attribute->key,
		       attribute->form == FORM_COUNTER ? "_total" : "", labels,
		       json_object_get_string(value));
}

/* Prints text of a label; text from the kernel is plain. */
static void print_module(struct json_object *info)
{
	print_head("", "module", "The loaded module, by its labels; always 1.", false);
	printf("xpmem_module{version=\"%s\",abi_version=\"%s\"} 1\n",
	       json_text_or(info, "module_version", ""), json_text_or(info, "abi_version", ""));
}

static void print_machine(struct json_object *machine)
{
	size_t i;

	for (i = 0; i < stats_attributes.count; i++) {
		const struct attribute *attribute = &stats_attributes.attributes[i];

		print_attribute("", attribute);
		print_sample("", attribute, "", machine);
	}
}

/* The format requires the samples of a metric to be adjacent. */
static void print_exporters(struct json_object *exporters)
{
	char labels[128];
	size_t i, j;

	for (i = 0; i < exporter_attributes.count; i++) {
		const struct attribute *attribute = &exporter_attributes.attributes[i];

		if (!is_figure(attribute))
			continue;
		print_attribute("exporter_", attribute);
		for (j = 0; j < json_object_array_length(exporters); j++) {
			struct json_object *exporter = json_object_array_get_idx(exporters, j);

			snprintf(labels, sizeof(labels), "{id=\"%s\",pid=\"%s\",uid=\"%s\"}",
				 json_text_or(exporter, "id", ""),
				 json_text_or(exporter, "pid", ""),
				 json_text_or(exporter, "uid", ""));
			print_sample("exporter_", attribute, labels, exporter);
		}
	}
}

/* Omits machine-wide statistics if the caller may not read them. */
enum status openmetrics(struct netlink *netlink)
{
	struct json_object *info = NULL, *machine = NULL, *exporters = NULL;
	enum status status = netlink_get(netlink, &operation_info_get, 0, &info);
	struct json_object *totals;

	if (status == STATUS_OK && json_object_object_get_ex(info, "segments", &totals))
		status = netlink_get(netlink, &operation_stats_get, 0, &machine);
	if (status == STATUS_OK)
		status = netlink_collect(netlink, &operation_exporter_get, NULL, &exporters);
	if (status == STATUS_OK)
		status = output_file_begin();
	if (status == STATUS_OK) {
		print_module(info);
		if (machine)
			print_machine(machine);
		print_exporters(exporters);
		puts("# EOF");
		status = output_file_end();
	}
	json_object_put(info);
	json_object_put(machine);
	json_object_put(exporters);
	return status;
}
