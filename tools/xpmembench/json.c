// SPDX-License-Identifier: GPL-2.0-or-later
/* Results as JSON, for programs; load.c reads it. */
#include <json-c/json.h>
#include <math.h>

#include "xpmembench.h"

static void add_text(struct json_object *object, const char *key, const char *text)
{
	if (text[0])
		json_object_object_add(object, key, json_object_new_string(text));
}

static void add_number(struct json_object *object, const char *key, int64_t number)
{
	json_object_object_add(object, key, json_object_new_int64(number));
}

static void add_known(struct json_object *object, const char *key, int64_t number)
{
	if (number >= 0)
		add_number(object, key, number);
}

static void add_bool(struct json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

static void add_double(struct json_object *object, const char *key, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6g", value);
	json_object_object_add(object, key, json_object_new_double_s(value, text));
}

static struct json_object *placements(const struct environment *environment)
{
	struct json_object *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < environment->placement_count; i++) {
		const struct placement *placement = &environment->placements[i];
		struct json_object *object = json_object_new_object();

		add_known(object, "receiver_processor", placement->receiver_processor);
		add_known(object, "receiver_node", placement->receiver_node);
		add_known(object, "sender_processor", placement->sender_processor);
		add_known(object, "sender_node", placement->sender_node);
		add_known(object, "memory_node", placement->memory_node);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *environment_object(const struct results *results)
{
	const struct environment *environment = &results->environment;
	struct json_object *object = json_object_new_object();

	add_text(object, "date", environment->date);
	add_text(object, "kernel", environment->kernel);
	add_text(object, "machine", environment->machine);
	add_text(object, "cpu", environment->cpu);
	add_number(object, "processors", environment->processors);
	add_number(object, "page_size", environment->page_size);
	add_bool(object, "huge_pages", results->plan.huge_pages);
	add_text(object, "transparent_huge_pages", environment->huge_pages);
	add_text(object, "governor", environment->governor);
	if (environment->load >= 0)
		add_double(object, "load", environment->load);
	add_number(object, "nodes", environment->nodes);
	add_bool(object, "virtual", environment->virtual_machine);
	add_bool(object, "emulated", environment->emulated);
	add_known(object, "xpmem_version", environment->xpmem_version);
	add_text(object, "xpmembench_version", environment->program);
	add_text(object, "library", environment->library);
	add_text(object, "module_version", environment->module);
	json_object_object_add(object, "placement", placements(environment));
	return object;
}

static struct json_object *options_object(const struct plan *plan)
{
	struct json_object *object = json_object_new_object();
	struct json_object *sizes = json_object_new_array(), *names = json_object_new_array();
	struct json_object *processors = json_object_new_array();
	unsigned int i;

	for (i = 0; i < plan->size_count; i++)
		json_object_array_add(sizes, json_object_new_int64(plan->sizes[i]));
	for (i = 0; i < method_count; i++)
		if (plan->methods[i])
			json_object_array_add(names, json_object_new_string(methods[i].name));
	for (i = 0; i < plan->processor_count; i++)
		json_object_array_add(processors, json_object_new_int(plan->processors[i]));
	json_object_object_add(object, "sizes", sizes);
	json_object_object_add(object, "methods", names);
	add_double(object, "seconds", plan->seconds);
	add_number(object, "pairs", plan->pairs);
	add_bool(object, "bidirectional", plan->bidirectional);
	json_object_object_add(object, "processors", processors);
	return object;
}

static void add_latency(struct json_object *object, const struct spread *spread)
{
	add_number(object, "latency_ns", llround(spread->median * 1e9));
	if (!spread->samples)
		return;
	add_number(object, "latency_min_ns", llround(spread->min * 1e9));
	add_number(object, "latency_p99_ns", llround(spread->p99 * 1e9));
	add_double(object, "latency_noise", spread->noise);
	add_number(object, "latency_samples", spread->samples);
}

static void add_bandwidth(struct json_object *object, const struct spread *spread)
{
	add_number(object, "bandwidth_bytes_per_second", llround(spread->median));
	if (!spread->samples)
		return;
	add_number(object, "bandwidth_min_bytes_per_second", llround(spread->min));
	add_number(object, "bandwidth_p99_bytes_per_second", llround(spread->p99));
	add_double(object, "bandwidth_noise", spread->noise);
	add_number(object, "bandwidth_samples", spread->samples);
}

static struct json_object *result_object(const struct result *result, unsigned int number,
					 enum use use, size_t size)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "method", methods[number].name);
	add_text(object, "use", use_names[use]);
	add_number(object, "size", size);
	add_latency(object, &result->figures[FIGURE_LATENCY]);
	add_bandwidth(object, &result->figures[FIGURE_BANDWIDTH]);
	add_double(object, "messages_per_second", result_rate(result, size));
	if (result->cache_hits >= 0)
		add_double(object, "cache_hits", result->cache_hits);
	return object;
}

static struct json_object *result_array(const struct results *results)
{
	struct json_object *array = json_object_new_array();
	unsigned int number, use, i;

	for (number = 0; number < method_count; number++)
		for (use = 0; use < USE_COUNT; use++)
			for (i = 0; i < results->plan.size_count; i++)
				if (results->of[number][use][i].measured)
					json_object_array_add(
						array, result_object(&results->of[number][use][i],
								     number, use,
								     results->plan.sizes[i]));
	return array;
}

static struct json_object *missing_array(const struct results *results)
{
	struct json_object *array = json_object_new_array(), *object;
	unsigned int number;

	for (number = 0; number < method_count; number++) {
		if (!results->missing[number].reason[0])
			continue;
		object = json_object_new_object();
		add_text(object, "method", methods[number].name);
		add_text(object, "reason", results->missing[number].reason);
		add_text(object, "mend", results->missing[number].mend);
		json_object_array_add(array, object);
	}
	return array;
}

void report_json(const struct results *results, FILE *file)
{
	struct json_object *document = json_object_new_object();
	struct json_object *warnings = json_object_new_array();
	char text[1024];

	add_number(document, "schema_version", SCHEMA_VERSION);
	json_object_object_add(document, "environment", environment_object(results));
	json_object_object_add(document, "options", options_object(&results->plan));
	json_object_object_add(document, "results", result_array(results));
	json_object_object_add(document, "missing", missing_array(results));
	if (noise_warning(results, text, sizeof(text)))
		json_object_array_add(warnings, json_object_new_string(text));
	json_object_object_add(document, "warnings", warnings);
	verdict(results, text, sizeof(text));
	add_text(document, "verdict", text);
	fprintf(file, "%s\n", json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN));
	json_object_put(document);
}
