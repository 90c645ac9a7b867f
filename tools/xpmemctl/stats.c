/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statistics, once or repeatedly with their rates. */
#include <ctype.h>
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

/* The usual columns of tables. Those of the machine fit in 80 columns, after the time. */
static const char *const machine_columns[] = { "segments",     "attachments", "faults",
					       "pages_mapped", "failures",    "invalidations",
					       NULL };
static const char *const object_columns[] = { "id",	"pid",		"command", "user",
					      "faults", "pages_mapped", "retries", "failures",
					      NULL };

static const char *identity(struct json_object *object)
{
	return json_text_or(object, "id", "machine");
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
		const struct attribute *attribute = &watch->set->attributes[i];
		const char *key = attribute->key;
		struct json_object *value;
		double grown;

		if (attribute->form != FORM_COUNTER ||
		    !json_object_object_get_ex(object, key, &value))
			continue;
		grown = (double)json_unsigned(value) - (double)json_number(last, key);
		if (!json_put(result, key, json_new_decimal(grown / seconds))) {
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
	forget_processes();
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

/* Returns a copy in which counters are their growth per second, if it is known; or NULL. */
static struct json_object *with_growth(const struct watch *watch, struct json_object *object,
				       uint64_t time)
{
	struct json_object *shown = copy(object), *found = rates(watch, object, time);
	struct json_object_iter each;
	bool done = shown;

	if (found)
		json_object_object_foreachC(found, each) {
			done = done && json_put(shown, each.key, json_object_get(each.val));
		}
	json_object_put(found);
	if (done)
		return shown;
	json_object_put(shown);
	return NULL;
}

/* A counter with its growth per second needs some room. */
static int width_of(const struct attribute *attribute)
{
	int length = strlen(attribute->key);

	return length < 10 ? 10 : length;
}

/* Like vmstat: totals in the first row, then growth per second. */
static enum status print_line(const struct watch *watch, struct json_object *object, uint64_t time,
			      bool heading)
{
	struct json_object *shown = with_growth(watch, object, time);
	struct columns columns;
	char text[64];
	size_t i, j;

	if (!shown)
		return out_of_memory();
	columns_choose(&columns, watch->set, machine_columns);
	if (heading && !options.no_headings) {
		printf("%-8s", "TIME");
		for (i = 0; i < columns.count; i++) {
			for (j = 0; j <= strlen(columns.items[i]->key); j++)
				text[j] = toupper((unsigned char)columns.items[i]->key[j]);
			printf(" %*s", width_of(columns.items[i]), text);
		}
		putchar('\n');
	}
	text_local_time(text, sizeof(text), FORMAT_TIME, time / 1000000000);
	printf("%-8s", text);
	for (i = 0; i < columns.count; i++) {
		struct json_object *value = column_value(shown, columns.items[i]->key);

		table_format(text, sizeof(text), columns.items[i], value);
		printf(" %*s", width_of(columns.items[i]), text);
		json_object_put(value);
	}
	putchar('\n');
	json_object_put(shown);
	return output_finish();
}

static enum status print_table(const struct watch *watch, struct json_object *array, uint64_t time,
			       unsigned long round)
{
	struct json_object *shown = json_object_new_array(), *object;
	bool done = shown;
	char text[64];
	size_t i;

	for (i = 0; done && i < json_object_array_length(array); i++) {
		object = with_growth(watch, json_object_array_get_idx(array, i), time);
		done = object && !json_object_array_add(shown, object);
	}
	if (!done) {
		json_object_put(shown);
		return out_of_memory();
	}
	columns_sort(shown);
	if (options.interval && !options.no_headings) {
		text_local_time(text, sizeof(text), FORMAT_TIME, time / 1000000000);
		printf("%s%s%s\n", round ? "\n" : "", text, round ? ", growth per second" : "");
	}
	table_print_rows(nouns[watch->noun].plural, false, watch->set, object_columns, NULL, shown);
	json_object_put(shown);
	return output_finish();
}

static enum status print(const struct watch *watch, struct json_object *array, uint64_t time,
			 unsigned long round)
{
	if (options.format != FORMAT_TABLE) {
		columns_sort(array);
		return print_json(watch, array, time);
	}
	if (watch->noun != NOUN_COUNT)
		return print_table(watch, array, time, round);
	if (options.interval)
		return print_line(watch, json_object_array_get_idx(array, 0), time,
				  round % 20 == 0);
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

static bool is_metrics(void)
{
	return options.format == FORMAT_OPENMETRICS || options.format == FORMAT_PROMETHEUS;
}

/* Whether the options of metrics fit together. count: of the other arguments. */
static enum status check_metrics(int count)
{
	if (options.format == FORMAT_OPENMETRICS && (count || options.interval))
		return fail(STATUS_USAGE,
			    "--openmetrics prints everything once and takes no other argument");
	if (options.format == FORMAT_PROMETHEUS && (count || options.interval))
		return fail(
			STATUS_USAGE,
			"--prometheus prints once, and --by chooses what it prints beside totals");
	if ((options.by_exporter || options.by_user) && options.format != FORMAT_PROMETHEUS)
		return fail(STATUS_USAGE, "--by needs --prometheus");
	if (options.output && !is_metrics())
		return fail(STATUS_USAGE, "--output needs --prometheus or --openmetrics");
	return STATUS_OK;
}

static enum status print_metrics(struct netlink *netlink)
{
	return options.format == FORMAT_PROMETHEUS ? prometheus(netlink) : openmetrics(netlink);
}

enum status stats(int count, char **arguments)
{
	struct watch watch = { .noun = NOUN_COUNT };
	const struct attribute_set *sets[] = { &stats_attributes, NULL };
	enum status status = STATUS_OK;
	char *words[2 * count + 1];
	struct guess guess;

	filter_kind_first(count, arguments);
	if (count)
		watch.noun = noun_of(arguments[0]);
	status = check_metrics(count);
	if (status != STATUS_OK)
		return status;
	if (options.count && !options.interval)
		return fail(STATUS_USAGE, "--count needs --watch");
	if (count && (watch.noun == NOUN_COUNT || watch.noun == NOUN_PERMIT)) {
		guess_begin(&guess, arguments[0]);
		guess_add(&guess, nouns[NOUN_EXPORTER].plural);
		guess_add(&guess, nouns[NOUN_SEGMENT].plural);
		guess_add(&guess, nouns[NOUN_ATTACHMENT].plural);
		return fail(
			STATUS_USAGE,
			"there are no stats of \"%s\"; give exporters, segments, attachments or nothing%s",
			arguments[0], guess_text(&guess, "; ", ""));
	}
	watch.set = count ? nouns[watch.noun].get->set : &stats_attributes;
	sets[0] = watch.set;
	status = columns_check(sets);
	if (status == STATUS_OK && count)
		status = filter_parse(&watch.filter, nouns[watch.noun].get,
				      filter_split(count - 1, arguments + 1, words), words);
	if (status == STATUS_OK)
		status = netlink_open(&watch.netlink);
	if (status != STATUS_OK)
		return status;
	status = is_metrics() ? print_metrics(&watch.netlink) : watch_rounds(&watch);
	netlink_close(&watch.netlink);
	return status;
}
