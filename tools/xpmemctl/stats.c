/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statistics, once or repeatedly with their rates. */
#include <string.h>
#include <time.h>

#include "xpmemctl.h"

/* The watched objects: the statistics of the machine, or the objects of a kind. */
struct watch {
	struct netlink netlink;
	int noun;			/* NOUN_COUNT: the machine */
	const struct attribute_set *set;
	struct filter filter;
	struct json_object *before;	/* the last objects by id, or NULL */
	uint64_t before_time;
};

static const char *identity(struct json_object *object)
{
	return json_text_or(object, "id", "machine");
}

static struct json_object *new_rate(double rate)
{
	struct json_object *value = json_object_new_double(rate);

	if (value)
		json_object_set_serializer(value, json_object_double_to_json_string, (void *)"%.1f",
					   NULL);
	return value;
}

/* Returns the growth per second since the last round, or NULL in the first. */
static struct json_object *rates(const struct watch *watch, struct json_object *object,
				 uint64_t time)
{
	double seconds = (time - watch->before_time) / 1e9;
	struct json_object *last, *result;
	size_t i;

	if (!watch->before || seconds <= 0 ||
	    !json_object_object_get_ex(watch->before, identity(object), &last))
		return NULL;
	result = json_object_new_object();
	for (i = 0; result && i < watch->set->count; i++) {
		const char *key = watch->set->attributes[i].key;
		struct json_object *value;
		double grown;

		if (!is_counter(key) || !json_object_object_get_ex(object, key, &value))
			continue;
		grown = (double)json_unsigned(value) - (double)json_number(last, key);
		if (!json_put(result, key, new_rate(grown / seconds))) {
			json_object_put(result);
			result = NULL;
		}
	}
	return result;
}

static enum status look(struct watch *watch, struct json_object **array)
{
	struct json_object *object;
	enum status status;

	watch->netlink.interrupted = false;
	if (watch->noun != NOUN_COUNT)
		return netlink_collect(&watch->netlink, nouns[watch->noun].get, &watch->filter,
				       array);
	status = netlink_get(&watch->netlink, &operation_stats_get, 0, &object);
	if (status != STATUS_OK)
		return status;
	*array = json_object_new_array();
	if (*array && !json_object_array_add(*array, object))
		return STATUS_OK;
	json_object_put(object);
	return out_of_memory();
}

static bool remember(struct watch *watch, struct json_object *array, uint64_t time)
{
	struct json_object *objects = json_object_new_object(), *object;
	size_t i;

	for (i = 0; objects && i < json_object_array_length(array); i++) {
		object = json_object_array_get_idx(array, i);
		if (!json_put(objects, identity(object), json_object_get(object))) {
			json_object_put(objects);
			objects = NULL;
		}
	}
	json_object_put(watch->before);
	watch->before = objects;
	watch->before_time = time;
	return objects;
}

static struct json_object *with_rates(const struct watch *watch, struct json_object *object,
				      uint64_t time)
{
	struct json_object *shown = columns_select(object), *found = rates(watch, object, time);

	if (shown && found && json_put(shown, "rates", found))
		return shown;
	if (shown && !found)
		return shown;
	json_object_put(shown);
	return NULL;
}

/* Without columns, prints a copy of the object, so the remembered one stays unchanged. */
static struct json_object *copy(struct json_object *object)
{
	struct json_object *result = NULL;

	return json_object_deep_copy(object, &result, NULL) ? NULL : result;
}

static enum status print_json(const struct watch *watch, struct json_object *array, uint64_t time)
{
	struct json_object *object, *shown, *value;
	enum status status = STATUS_OK;
	size_t i;

	output_begin();
	value = json_time(time);
	output_value("time", value);
	json_object_put(value);
	if (watch->noun != NOUN_COUNT)
		output_array_begin(nouns[watch->noun].plural);
	for (i = 0; i < json_object_array_length(array) && status == STATUS_OK; i++) {
		object = copy(json_object_array_get_idx(array, i));
		shown = object ? with_rates(watch, object, time) : NULL;
		if (!shown)
			status = out_of_memory();
		else if (watch->noun != NOUN_COUNT)
			output_item(shown);
		else
			output_value("stats", shown);
		json_object_put(shown);
		json_object_put(object);
	}
	if (status != STATUS_OK)
		return status;
	if (watch->noun != NOUN_COUNT)
		output_array_end();
	output_interrupted(&watch->netlink);
	return output_end();
}

/* Like vmstat: totals in the first row, then growth per second. */
static void print_line(const struct watch *watch, struct json_object *object, uint64_t time,
		       bool heading)
{
	struct json_object *found = rates(watch, object, time);
	size_t i;

	for (i = 0; heading && i < watch->set->count; i++)
		printf("%s%14s", i ? " " : "", watch->set->attributes[i].key);
	if (heading)
		putchar('\n');
	for (i = 0; i < watch->set->count; i++) {
		const char *key = watch->set->attributes[i].key;

		if (found && is_counter(key))
			printf("%s%12.0f/s", i ? " " : "", (double)json_number(found, key));
		else
			printf("%s%14llu", i ? " " : "",
			       (unsigned long long)json_number(object, key));
	}
	putchar('\n');
	json_object_put(found);
}

static enum status print(const struct watch *watch, struct json_object *array, uint64_t time,
			 unsigned long round)
{
	if (options.format != FORMAT_TABLE)
		return print_json(watch, array, time);
	if (watch->noun != NOUN_COUNT)
		table_print_rows(nouns[watch->noun].plural, watch->set, array);
	else if (options.interval)
		print_line(watch, json_object_array_get_idx(array, 0), time, round % 20 == 0);
	else
		table_print_object("stats", watch->set, json_object_array_get_idx(array, 0));
	return output_finish();
}

static enum status watch_rounds(struct watch *watch)
{
	const struct timespec pause = {
		.tv_sec = options.interval,
		.tv_nsec = (options.interval - (long)options.interval) * 1e9,
	};
	struct json_object *array;
	enum status status = STATUS_OK;
	unsigned long round;

	for (round = 0;
	     status == STATUS_OK && (!round || (options.interval && round != options.count));
	     round++) {
		uint64_t time;

		if (round)
			nanosleep(&pause, NULL);
		status = look(watch, &array);
		if (status != STATUS_OK)
			break;
		time = now();
		status = print(watch, array, time, round);
		if (status == STATUS_OK && !remember(watch, array, time))
			status = out_of_memory();
		json_object_put(array);
	}
	json_object_put(watch->before);
	return status;
}

enum status stats(int count, char **arguments)
{
	struct watch watch = { .noun = count ? noun_of_plural(arguments[0]) : NOUN_COUNT };
	const struct attribute_set *sets[] = { &stats_attributes, NULL };
	enum status status = STATUS_OK;

	if (options.format == FORMAT_OPENMETRICS && (count || options.interval))
		return fail(STATUS_USAGE,
			    "--openmetrics prints everything once and takes no other argument");
	if (options.count && !options.interval)
		return fail(STATUS_USAGE, "--count needs --watch");
	if (count && (watch.noun == NOUN_COUNT || watch.noun == NOUN_PERMIT))
		return fail(
			STATUS_USAGE,
			"there are no stats of \"%s\"; give exporters, segments, attachments or nothing",
			arguments[0]);
	watch.set = count ? nouns[watch.noun].get->set : &stats_attributes;
	sets[0] = watch.set;
	status = columns_check(sets);
	if (status == STATUS_OK && count)
		status = filter_parse(&watch.filter, nouns[watch.noun].get, count - 1,
				      arguments + 1);
	if (status == STATUS_OK)
		status = netlink_open(&watch.netlink);
	if (status != STATUS_OK)
		return status;
	status = options.format == FORMAT_OPENMETRICS ? openmetrics(&watch.netlink) :
							watch_rounds(&watch);
	netlink_close(&watch.netlink);
	return status;
}
