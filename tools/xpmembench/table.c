// SPDX-License-Identifier: GPL-2.0-or-later
/* Results as tables of at most 80 columns, for people. */
#include <string.h>

#include "xpmembench.h"

#define COLUMNS 80

/* At most 7 characters. */
void format_number(double value, char *text, size_t length)
{
	if (value >= 1e7)
		snprintf(text, length, "%.1e", value);
	else
		snprintf(text, length, value < 100 ? "%.2f" : "%.0f", value);
}

/* Words in lines that fit. */
void print_wrapped(const char *text, FILE *file)
{
	size_t column = 0, length;

	while (*text) {
		length = strcspn(text, " ");
		if (column && column + 1 + length > COLUMNS) {
			fputc('\n', file);
			column = 0;
		} else if (column) {
			fputc(' ', file);
			column++;
		}
		fprintf(file, "%.*s", (int)length, text);
		column += length;
		text += length;
		text += *text == ' ';
	}
	fputc('\n', file);
}

/* At most 9999, which means as much or more. */
double percent(double part)
{
	return part < 99.99 ? part * 100 : 9999;
}

enum quantity {
	LATENCY,
	BANDWIDTH,
	RATE,
};

/* Microseconds, MB/s, or thousand messages a second. */
static double quantity(const struct result *result, enum quantity quantity, size_t size)
{
	switch (quantity) {
	case LATENCY:
		return result->figures[FIGURE_LATENCY].median * 1e6;
	case BANDWIDTH:
		return result->figures[FIGURE_BANDWIDTH].median / 1e6;
	default:
		return result_rate(result, size) / 1e3;
	}
}

static void print_heads(const struct results *results, FILE *file)
{
	unsigned int number, line;

	for (line = 0; line < 2; line++) {
		fprintf(file, line ? "%7s" : "       ", "size");
		for (number = 0; number < method_count; number++)
			if (results->plan.methods[number])
				fprintf(file, " %7s", methods[number].heads[line]);
		fputc('\n', file);
	}
}

static void print_medians(const struct results *results, enum use use, const char *title,
			  enum quantity what, FILE *file)
{
	unsigned int number, i;
	char text[32];

	fprintf(file, "\n%s\n", title);
	print_heads(results, file);
	for (i = 0; i < results->plan.size_count; i++) {
		format_size(results->plan.sizes[i], text, sizeof(text));
		fprintf(file, "%7s", text);
		for (number = 0; number < method_count; number++) {
			const struct result *result = &results->of[number][use][i];

			if (!results->plan.methods[number])
				continue;
			snprintf(text, sizeof(text), "-");
			if (result->measured)
				format_number(quantity(result, what, results->plan.sizes[i]), text,
					      sizeof(text));
			fprintf(file, " %7s", text);
		}
		fputc('\n', file);
	}
}

static void print_three(const struct spread *spread, double scale, FILE *file)
{
	const double values[] = { spread->min, spread->median, spread->p99 };
	char text[32];
	int i;

	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "-");
		if (i == 1 || spread->samples)
			format_number(values[i] * scale, text, sizeof(text));
		fprintf(file, " %7s", text);
	}
	if (spread->samples)
		fprintf(file, " %4.0f%c", percent(spread->noise),
			spread->noise > NOISE_LIMIT ? '!' : ' ');
	else
		fprintf(file, " %4s ", "-");
}

static void print_spread(const struct results *results, enum use use, const char *title, FILE *file)
{
	unsigned int number, i;
	char size[32];

	fprintf(file, "\n%s\n%19s  -------- latency, us --------  ----- bandwidth, MB/s -----\n",
		title, "");
	fprintf(file, "%-11s %7s %7s %7s %7s  +-%%   %7s %7s %7s  +-%%\n", "method", "size", "min",
		"median", "p99", "min", "median", "p99");
	for (number = 0; number < method_count; number++) {
		for (i = 0; i < results->plan.size_count; i++) {
			const struct result *result = &results->of[number][use][i];

			if (!result->measured)
				continue;
			format_size(results->plan.sizes[i], size, sizeof(size));
			fprintf(file, "%-11s %7s", methods[number].name, size);
			print_three(&result->figures[FIGURE_LATENCY], 1e6, file);
			fputc(' ', file);
			print_three(&result->figures[FIGURE_BANDWIDTH], 1e-6, file);
			fputc('\n', file);
		}
	}
}

static void print_placement(const struct placement *placement, FILE *file)
{
	char text[256], node[32] = "";

	if (placement->memory_node >= 0)
		snprintf(node, sizeof(node), ", memory on node %d", placement->memory_node);
	snprintf(text, sizeof(text),
		 "Placement: receiver on processor %d (node %d), sender on %d (node %d)%s",
		 placement->receiver_processor, placement->receiver_node,
		 placement->sender_processor, placement->sender_node, node);
	print_wrapped(text, file);
}

static const char *known(const char *text)
{
	return text[0] ? text : "unknown";
}

static void print_environment(const struct results *results, FILE *file)
{
	const struct environment *environment = &results->environment;
	const struct plan *plan = &results->plan;
	char text[512], load[32] = "";
	unsigned int i;

	snprintf(text, sizeof(text), "Machine: %s, %ld processor%s, %ld NUMA node%s, %s%s",
		 environment->cpu[0] ? environment->cpu : environment->machine,
		 environment->processors, environment->processors > 1 ? "s" : "",
		 environment->nodes, environment->nodes > 1 ? "s" : "",
		 environment->machine, environment->virtual_machine ? ", virtual" : "");
	print_wrapped(text, file);
	fprintf(file, "Date: %s\n", environment->date);
	if (environment->load >= 0)
		snprintf(load, sizeof(load), "%.2f", environment->load);
	snprintf(text, sizeof(text),
		 "Kernel: %s, transparent huge pages %s, frequency governor %s, load %s",
		 environment->kernel, known(environment->huge_pages), known(environment->governor),
		 known(load));
	print_wrapped(text, file);
	snprintf(text, sizeof(text), "Versions: xpmembench %s, library %s, module %s",
		 known(environment->program), known(environment->library),
		 environment->module[0] ? environment->module : "not loaded");
	print_wrapped(text, file);
	fprintf(file, "Options: %g s for each figure, %u pair%s%s%s\n", plan->seconds, plan->pairs,
		plan->pairs > 1 ? "s" : "", plan->bidirectional ? ", bidirectional" : "",
		plan->huge_pages ? ", huge pages" : "");
	for (i = 0; i < environment->placement_count; i++)
		print_placement(&environment->placements[i], file);
}

static void print_methods(const struct results *results, FILE *file)
{
	unsigned int number;

	fputc('\n', file);
	for (number = 0; number < method_count; number++) {
		if (!results->plan.methods[number])
			continue;
		if (results->missing[number].reason[0])
			fprintf(file, "%-12s not measured: %s\n", methods[number].name,
				results->missing[number].reason);
		else
			fprintf(file, "%-12s %s\n", methods[number].name, methods[number].what);
	}
}

static void print_sentences(const struct results *results, FILE *file)
{
	char text[1024];

	if (noise_warning(results, text, sizeof(text))) {
		fputc('\n', file);
		print_wrapped(text, file);
	}
	verdict(results, text, sizeof(text));
	fputc('\n', file);
	print_wrapped(text, file);
}

void report_table(const struct results *results, bool brief, FILE *file)
{
	print_environment(results, file);
	print_methods(results, file);
	if (!brief) {
		print_spread(results, USE_COPY,
			     "Spread, copied (MB: 1000000 bytes; +-: noise, ! if above 10 %)", file);
		print_spread(results, USE_IN_PLACE, "Spread, every byte read", file);
	}
	print_medians(results, USE_COPY,
		      "Latency, copied: microseconds from asking for a message to having it",
		      LATENCY, file);
	print_medians(results, USE_COPY, "Bandwidth, copied: MB/s (1000000 bytes a second)",
		      BANDWIDTH, file);
	print_medians(results, USE_COPY,
		      "Message rate, copied, up to 64 in flight: thousand messages a second", RATE,
		      file);
	print_medians(results, USE_IN_PLACE, "Latency, every byte read: microseconds", LATENCY,
		      file);
	print_medians(results, USE_IN_PLACE,
		      "Bandwidth, every byte read: MB/s (1000000 bytes a second)", BANDWIDTH, file);
	print_sentences(results, file);
}
