// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Results, as tables for people and as JSON for programs.
 */
#include <json-c/json.h>
#include <math.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "xpmembench.h"

#define SCHEMA_VERSION 1

/* 64 KiB as 64K; what is no multiple stays as it is. */
void format_size(size_t size, char *text, size_t length)
{
	static const char units[] = "KMG";
	int unit = -1;

	while (size >= 1024 && size % 1024 == 0 && unit < 2) {
		size /= 1024;
		unit++;
	}
	snprintf(text, length, unit < 0 ? "%zu" : "%zu%c", size, unit < 0 ? 0 : units[unit]);
}

static double latency_in_microseconds(const struct result *result)
{
	return result->latency * 1e6;
}

static double bandwidth_in_megabytes(const struct result *result)
{
	return result->bandwidth / 1e6;
}

static void print_table(const struct results *results, enum use use, const char *title,
			double (*value)(const struct result *), FILE *file)
{
	unsigned int number, i;
	char text[32];

	fprintf(file, "\n%s\n%8s", title, "size");
	for (number = 0; number < method_count; number++)
		if (options.methods[number])
			fprintf(file, " %12s", methods[number].name);
	fputc('\n', file);
	for (i = 0; i < options.size_count; i++) {
		format_size(options.sizes[i], text, sizeof(text));
		fprintf(file, "%8s", text);
		for (number = 0; number < method_count; number++) {
			const struct result *result = &results->of[number][use][i];

			if (!options.methods[number])
				continue;
			if (result->measured)
				fprintf(file, value(result) < 100 ? " %12.2f" : " %12.0f",
					value(result));
			else
				fprintf(file, " %12s", "-");
		}
		fputc('\n', file);
	}
}

void report_table(const struct results *results, FILE *file)
{
	unsigned int number;

	for (number = 0; number < method_count; number++) {
		if (!options.methods[number])
			continue;
		fprintf(file, "%-12s %s", methods[number].name, methods[number].what);
		if (results->missing[number][0])
			fprintf(file, " (not measured: %s)", results->missing[number]);
		fputc('\n', file);
	}
	print_table(results, USE_COPY,
		    "Latency, copied: microseconds from asking for a message to having it",
		    latency_in_microseconds, file);
	print_table(results, USE_COPY, "Bandwidth, copied: million bytes a second",
		    bandwidth_in_megabytes, file);
	print_table(results, USE_IN_PLACE, "Latency, every byte read: microseconds",
		    latency_in_microseconds, file);
	print_table(results, USE_IN_PLACE, "Bandwidth, every byte read: million bytes a second",
		    bandwidth_in_megabytes, file);
}

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_number(struct json_object *object, const char *key, int64_t number)
{
	json_object_object_add(object, key, json_object_new_int64(number));
}

static struct json_object *environment(const struct results *results)
{
	struct json_object *object = json_object_new_object();
	struct utsname name;
	char date[32];
	time_t seconds = time(NULL);
	struct tm parts;

	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
	add_text(object, "date", date);
	uname(&name);
	add_text(object, "kernel", name.release);
	add_text(object, "machine", name.machine);
	add_number(object, "processors", sysconf(_SC_NPROCESSORS_ONLN));
	add_number(object, "page_size", sysconf(_SC_PAGESIZE));
	json_object_object_add(object, "huge_pages", json_object_new_boolean(options.huge_pages));
	if (results->xpmem_version >= 0)
		add_number(object, "xpmem_version", results->xpmem_version);
	return object;
}

static struct json_object *result_object(const struct result *result, unsigned int number,
					 enum use use, size_t size)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "method", methods[number].name);
	add_text(object, "use", use_names[use]);
	add_number(object, "size", size);
	add_number(object, "latency_ns", llround(result->latency * 1e9));
	add_number(object, "bandwidth_bytes_per_second", llround(result->bandwidth));
	if (result->cache_hits >= 0)
		json_object_object_add(object, "cache_hits",
				       json_object_new_double(result->cache_hits));
	return object;
}

void report_json(const struct results *results, FILE *file)
{
	struct json_object *document = json_object_new_object();
	struct json_object *measured = json_object_new_array(), *missing = json_object_new_array();
	unsigned int number, use, i;

	add_number(document, "schema_version", SCHEMA_VERSION);
	json_object_object_add(document, "environment", environment(results));
	for (number = 0; number < method_count; number++) {
		for (use = 0; use < USE_COUNT; use++)
			for (i = 0; i < options.size_count; i++)
				if (results->of[number][use][i].measured)
					json_object_array_add(
						measured,
						result_object(&results->of[number][use][i], number,
							      use, options.sizes[i]));
		if (results->missing[number][0]) {
			struct json_object *object = json_object_new_object();

			add_text(object, "method", methods[number].name);
			add_text(object, "reason", results->missing[number]);
			json_object_array_add(missing, object);
		}
	}
	json_object_object_add(document, "results", measured);
	json_object_object_add(document, "missing", missing);
	fprintf(file, "%s\n", json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN));
	json_object_put(document);
}
