// SPDX-License-Identifier: GPL-2.0-or-later
/* Compares XPMEM with its alternatives. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xpmembench.h"

static bool progress_shown;

static void progress_clear(void)
{
	if (progress_shown)
		fprintf(stderr, "\r\033[K");
	progress_shown = false;
}

void complain(const char *format, ...)
{
	va_list arguments;

	progress_clear();
	fprintf(stderr, "xpmembench: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

/* Shows the current measurement and its progress on a terminal. */
void progress(const char *format, ...)
{
	static unsigned int done;
	unsigned int number, total = 0;
	va_list arguments;

	done++;
	if (options.quiet || !isatty(STDERR_FILENO))
		return;
	for (number = 0; number < method_count; number++)
		total += options.plan.methods[number] ? USE_COUNT * options.plan.size_count : 0;
	progress_clear();
	fprintf(stderr, "[%u/%u] ", done, total);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fflush(stderr);
	progress_shown = true;
}

/* The names of methods that are missing for the same reason as @first. */
static unsigned int missing_names(const struct results *results, unsigned int first, char *names,
				  size_t length)
{
	const struct missing *missing = results->missing;
	unsigned int number, count = 0;

	names[0] = 0;
	for (number = 0; number < method_count; number++) {
		size_t used = strlen(names);

		if (strcmp(missing[number].reason, missing[first].reason) ||
		    strcmp(missing[number].mend, missing[first].mend))
			continue;
		if (number < first)
			return 0;
		snprintf(names + used, length - used, "%s%s", count++ ? ", " : "",
			 methods[number].name);
	}
	return count;
}

/* Returns whether all were measured. */
static bool complain_of_missing(const struct results *results)
{
	unsigned int number, count;
	bool complete = true;
	char names[256];

	for (number = 0; number < method_count; number++) {
		const struct missing *missing = &results->missing[number];

		if (!missing->reason[0])
			continue;
		complete = false;
		count = missing_names(results, number, names, sizeof(names));
		if (count)
			complain("%s %s not measured: %s%s%s", names, count > 1 ? "were" : "was",
				 missing->reason, missing->mend[0] ? "; " : "", missing->mend);
	}
	return complete;
}

static bool written(FILE *file)
{
	if (!fflush(file) && !ferror(file))
		return true;
	complain("could not write: %s", strerror(errno));
	return false;
}

static enum status show_comparison(void)
{
	static struct results old, new;
	struct comparison comparison;

	if (!load(options.compare[0], &old) || !load(options.compare[1], &new) ||
	    !compare(&old, &new, stdout, &comparison) || !written(stdout))
		return STATUS_FAILURE;
	return comparison.worse ? STATUS_WORSE : STATUS_OK;
}

static bool get_results(struct results *results)
{
	if (options.plot && !plot_check(options.plot))
		return false;
	if (options.from)
		return load(options.from, results);
	if (!memory_suffices(&options.plan))
		return false;
	results->plan = options.plan;
	environment_read(&results->environment);
	pairs_run(results, measure);
	progress_clear();
	return true;
}

static enum status show_results(const struct results *results)
{
	enum status status = STATUS_OK;

	if (options.format == FORMAT_JSON)
		report_json(results, stdout);
	else
		report_table(results, options.brief, stdout);
	if (!written(stdout))
		status = STATUS_FAILURE;
	if (!complain_of_missing(results) && !options.from)
		status = STATUS_FAILURE;
	if (options.plot && !plot(results, options.plot))
		status = STATUS_FAILURE;
	return status;
}

int main(int count, char **arguments)
{
	static struct results results;

	parse_options(count, arguments);
	if (options.compare[0])
		return show_comparison();
	if (!get_results(&results))
		return STATUS_FAILURE;
	return show_results(&results);
}
