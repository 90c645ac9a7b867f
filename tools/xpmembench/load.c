// SPDX-License-Identifier: GPL-2.0-or-later
/* Results that json.c wrote, also before it wrote the spread. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "xpmembench.h"

static struct json_object *member(struct json_object *object, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

static double number(struct json_object *object, const char *key, double otherwise)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    (!json_object_is_type(value, json_type_int) &&
	     !json_object_is_type(value, json_type_double)))
		return otherwise;
	return json_object_get_double(value);
}

static bool flag(struct json_object *object, const char *key)
{
	return json_object_get_boolean(member(object, key, json_type_boolean));
}

static bool read_text(struct json_object *object, const char *key, char *text, size_t length)
{
	struct json_object *value = member(object, key, json_type_string);

	text[0] = 0;
	if (!value)
		return false;
	snprintf(text, length, "%s", json_object_get_string(value));
	return true;
}

/* Keeps sizes in rising order. Returns false if there are too many. */
static bool insert_size(struct plan *plan, size_t size)
{
	unsigned int place = plan->size_count;

	if (plan_place(plan, size) >= 0)
		return true;
	if (place == SIZES_MAX)
		return false;
	for (; place > 0 && plan->sizes[place - 1] > size; place--)
		plan->sizes[place] = plan->sizes[place - 1];
	plan->sizes[place] = size;
	plan->size_count++;
	return true;
}

/* Returns the number of the method that an entry names, or -1. Stores the name. */
static int read_method(struct json_object *entry, char *name, size_t length)
{
	if (!json_object_is_type(entry, json_type_object) ||
	    !read_text(entry, "method", name, length)) {
		snprintf(name, length, "none");
		return -1;
	}
	return method_find(name);
}

static int read_use(struct json_object *entry)
{
	char text[32];
	int use;

	read_text(entry, "use", text, sizeof(text));
	for (use = 0; use < USE_COUNT; use++)
		if (!strcmp(text, use_names[use]))
			return use;
	return -1;
}

static struct spread read_latency(struct json_object *entry)
{
	return (struct spread){
		.median = number(entry, "latency_ns", -1) / 1e9,
		.min = number(entry, "latency_min_ns", 0) / 1e9,
		.p99 = number(entry, "latency_p99_ns", 0) / 1e9,
		.noise = number(entry, "latency_noise", 0),
		.samples = number(entry, "latency_samples", 0),
	};
}

static struct spread read_bandwidth(struct json_object *entry)
{
	return (struct spread){
		.median = number(entry, "bandwidth_bytes_per_second", -1),
		.min = number(entry, "bandwidth_min_bytes_per_second", 0),
		.p99 = number(entry, "bandwidth_p99_bytes_per_second", 0),
		.noise = number(entry, "bandwidth_noise", 0),
		.samples = number(entry, "bandwidth_samples", 0),
	};
}

static bool refuse(const char *path, const char *what, const char *detail)
{
	complain("%s: %s%s; make it with xpmembench --json", path, what, detail);
	return false;
}

static bool read_result(const char *path, struct json_object *entry, struct results *results)
{
	double size = number(entry, "size", 0);
	char name[64];
	int method = read_method(entry, name, sizeof(name)), use = read_use(entry);
	struct result *result;

	if (method < 0)
		return refuse(path, "a result has an unknown method: ", name);
	if (use < 0 || size < 1 || size > SIZE_LIMIT)
		return refuse(path, "a result has no use or size: ", name);
	result = &results->of[method][use][plan_place(&results->plan, size)];
	*result = (struct result){
		.measured = true,
		.cache_hits = number(entry, "cache_hits", -1),
		.figures = { read_latency(entry), read_bandwidth(entry) },
	};
	if (result->figures[FIGURE_LATENCY].median < 0 ||
	    result->figures[FIGURE_BANDWIDTH].median <= 0)
		return refuse(path, "a result has no latency or bandwidth: ", name);
	results->plan.methods[method] = true;
	return true;
}

/* Sizes come first, since the places of results depend on all of them. */
static bool read_results(const char *path, struct json_object *array, struct results *results)
{
	size_t i, count = json_object_array_length(array);

	for (i = 0; i < count; i++) {
		struct json_object *entry = json_object_array_get_idx(array, i);
		double size = number(entry, "size", 0);

		if (size >= 1 && size <= SIZE_LIMIT && !insert_size(&results->plan, size))
			return refuse(path, "more than 64 sizes", "");
	}
	for (i = 0; i < count; i++)
		if (!read_result(path, json_object_array_get_idx(array, i), results))
			return false;
	return count || refuse(path, "it has no results", "");
}

static bool read_missing(const char *path, struct json_object *array, struct results *results)
{
	size_t i;

	for (i = 0; i < json_object_array_length(array); i++) {
		struct json_object *entry = json_object_array_get_idx(array, i);
		char name[64];
		int method = read_method(entry, name, sizeof(name));
		struct missing *missing;

		if (method < 0)
			return refuse(path, "an unknown method is missing: ", name);
		missing = &results->missing[method];
		read_text(entry, "reason", missing->reason, sizeof(missing->reason));
		read_text(entry, "mend", missing->mend, sizeof(missing->mend));
		results->plan.methods[method] = true;
	}
	return true;
}

static void read_placements(struct json_object *array, struct environment *environment)
{
	unsigned int i;

	for (i = 0; array && i < json_object_array_length(array) && i < MEMBERS_MAX; i++) {
		struct json_object *entry = json_object_array_get_idx(array, i);

		environment->placements[environment->placement_count++] = (struct placement){
			.receiver_processor = number(entry, "receiver_processor", -1),
			.receiver_node = number(entry, "receiver_node", -1),
			.sender_processor = number(entry, "sender_processor", -1),
			.sender_node = number(entry, "sender_node", -1),
			.memory_node = number(entry, "memory_node", -1),
		};
	}
}

static bool read_environment(struct json_object *object, struct environment *environment)
{
	struct {
		const char *key;
		char *text;
		size_t length;
	} texts[] = {
		{ "date", environment->date, sizeof(environment->date) },
		{ "kernel", environment->kernel, sizeof(environment->kernel) },
		{ "machine", environment->machine, sizeof(environment->machine) },
		{ "cpu", environment->cpu, sizeof(environment->cpu) },
		{ "governor", environment->governor, sizeof(environment->governor) },
		{ "transparent_huge_pages", environment->huge_pages,
		  sizeof(environment->huge_pages) },
		{ "xpmembench_version", environment->program, sizeof(environment->program) },
		{ "library", environment->library, sizeof(environment->library) },
		{ "module_version", environment->module, sizeof(environment->module) },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		read_text(object, texts[i].key, texts[i].text, texts[i].length);
	environment->processors = number(object, "processors", 0);
	environment->page_size = number(object, "page_size", 0);
	environment->nodes = number(object, "nodes", 1);
	environment->load = number(object, "load", -1);
	environment->virtual_machine = flag(object, "virtual");
	environment->emulated = flag(object, "emulated");
	environment->xpmem_version = number(object, "xpmem_version", -1);
	read_placements(member(object, "placement", json_type_array), environment);
	return environment->date[0] && environment->kernel[0] && environment->machine[0];
}

static void read_options(struct json_object *object, struct plan *plan)
{
	struct json_object *processors = member(object, "processors", json_type_array);
	double pairs = number(object, "pairs", 1);
	size_t i;

	plan->seconds = number(object, "seconds", 0);
	plan->pairs = pairs >= 1 && pairs <= PAIRS_MAX ? pairs : 1;
	plan->bidirectional = flag(object, "bidirectional");
	for (i = 0; processors && i < json_object_array_length(processors); i++)
		if (plan->processor_count < PROCESSORS_MAX)
			plan->processors[plan->processor_count++] =
				json_object_get_int(json_object_array_get_idx(processors, i));
}

static bool read_document(const char *path, struct json_object *document, struct results *results)
{
	struct json_object *environment = member(document, "environment", json_type_object);
	struct json_object *measured = member(document, "results", json_type_array);
	struct json_object *missing = member(document, "missing", json_type_array);
	double version = number(document, "schema_version", 0);

	if (version != SCHEMA_VERSION) {
		complain("%s: its schema_version is %g, and this xpmembench reads %d; %s", path,
			 version, SCHEMA_VERSION, "measure again with this xpmembench --json");
		return false;
	}
	if (!environment || !measured || !missing ||
	    !read_environment(environment, &results->environment))
		return refuse(path, "it is incomplete", "");
	results->plan.huge_pages = flag(environment, "huge_pages");
	read_options(member(document, "options", json_type_object), &results->plan);
	return read_results(path, measured, results) && read_missing(path, missing, results);
}

/* The whole text of a file, or of standard input as "-", which the caller frees; or NULL. */
static char *read_file(const char *path)
{
	size_t length = 0;
	char *text = NULL;
	FILE *file;

	errno = 0;
	file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	if (file && getdelim(&text, &length, 0, file) < 0 && errno) {
		free(text);
		text = NULL;
	}
	if (!text)
		complain("%s: %s", path, strerror(errno ? errno : EINVAL));
	if (file && file != stdin)
		fclose(file);
	return text;
}

bool load(const char *path, struct results *results)
{
	char *text = read_file(path);
	struct json_object *document;
	bool is_read;

	if (!text)
		return false;
	document = json_tokener_parse(text);
	free(text);
	if (!json_object_is_type(document, json_type_object)) {
		json_object_put(document);
		return refuse(path, "it is not a JSON object, or is truncated", "");
	}
	*results = (struct results){ 0 };
	is_read = read_document(path, document, results);
	json_object_put(document);
	return is_read;
}
