// SPDX-License-Identifier: GPL-2.0-or-later
/* Two runs side by side, where a difference counts if it exceeds the noise of both. */
#include <string.h>

#include "xpmembench.h"

/* Two runs always differ a little: a smaller part of the median does not count. */
#define LEAST_NOISE 0.05

static double noise_of(const struct spread *spread)
{
	return spread->samples ? spread->noise : NOISE_LIMIT;
}

/* '+' if the new figure is better, '-' if it is worse, ' ' if the noise explains the difference. */
static char mark(const struct spread *old, const struct spread *new, enum figure figure)
{
	double noise = noise_of(old) > noise_of(new) ? noise_of(old) : noise_of(new);
	double better = new->median / old->median;

	noise = noise > LEAST_NOISE ? noise : LEAST_NOISE;
	if (figure == FIGURE_LATENCY)
		better = old->median / new->median;
	if (better > 1 + noise)
		return '+';
	return better < 1 / (1 + noise) ? '-' : ' ';
}

static void count_mark(char sign, struct comparison *comparison)
{
	if (sign == '+')
		comparison->better++;
	else if (sign == '-')
		comparison->worse++;
	else
		comparison->same++;
}

static void print_figures(const struct result *old, const struct result *new, FILE *file,
			  struct comparison *comparison)
{
	static const double scales[] = { 1e6, 1e-6 };
	enum figure figure;
	char texts[2][32], sign;

	for (figure = 0; figure < FIGURE_COUNT; figure++) {
		const struct spread *a = &old->figures[figure], *b = &new->figures[figure];

		format_number(a->median * scales[figure], texts[0], sizeof(texts[0]));
		format_number(b->median * scales[figure], texts[1], sizeof(texts[1]));
		sign = mark(a, b, figure);
		count_mark(sign, comparison);
		fprintf(file, "  %8s %8s %7.2f %c", texts[0], texts[1],
			a->median > 0 ? b->median / a->median : 0, sign);
	}
	fputc('\n', file);
}

static void compare_use(const struct results *old, const struct results *new, enum use use,
			FILE *file, struct comparison *comparison)
{
	unsigned int number, i;
	char size[32];
	int place;

	for (number = 0; number < method_count; number++) {
		for (i = 0; i < old->plan.size_count; i++) {
			const struct result *result = &old->of[number][use][i];

			place = plan_place(&new->plan, old->plan.sizes[i]);
			if (place < 0 || !result->measured ||
			    !new->of[number][use][place].measured)
				continue;
			format_size(old->plan.sizes[i], size, sizeof(size));
			fprintf(file, "%-11s %7s", methods[number].name, size);
			print_figures(result, &new->of[number][use][place], file, comparison);
		}
	}
}

static void print_run(const char *name, const struct results *results, FILE *file)
{
	const struct environment *environment = &results->environment;
	char text[512];

	snprintf(text, sizeof(text), "%s: %s, %s, Linux %s, module %s, %u pair%s%s%s", name,
		 environment->date, environment->cpu[0] ? environment->cpu : environment->machine,
		 environment->kernel, environment->module[0] ? environment->module : "unknown",
		 results->plan.pairs, results->plan.pairs > 1 ? "s" : "",
		 results->plan.bidirectional ? ", bidirectional" : "",
		 results->plan.huge_pages ? ", huge pages" : "");
	print_wrapped(text, file);
}

/* Figures of different machines and options may be compared, but not without a word. */
static void print_differences(const struct results *old, const struct results *new, FILE *file)
{
	if (strcmp(old->environment.cpu, new->environment.cpu) ||
	    strcmp(old->environment.machine, new->environment.machine))
		fprintf(file, "Note: the runs are of different machines.\n");
	if (old->plan.pairs != new->plan.pairs ||
	    old->plan.bidirectional != new->plan.bidirectional ||
	    old->plan.huge_pages != new->plan.huge_pages)
		fprintf(file, "Note: the runs had different options.\n");
}

bool compare(const struct results *old, const struct results *new, FILE *file,
	     struct comparison *comparison)
{
	*comparison = (struct comparison){ 0 };
	print_run("Old", old, file);
	print_run("New", new, file);
	print_differences(old, new, file);
	fprintf(file, "\n%19s  %-28s  %s\n%19s  %8s %8s %7s    %8s %8s %7s\n", "",
		"     latency, us", "     bandwidth, MB/s", "method         size", "old", "new",
		"new/old", "old", "new", "new/old");
	fprintf(file, "Copied\n");
	compare_use(old, new, USE_COPY, file, comparison);
	fprintf(file, "Every byte read\n");
	compare_use(old, new, USE_IN_PLACE, file, comparison);
	if (!comparison->worse && !comparison->better && !comparison->same) {
		complain("the two runs have no method and size in common; %s",
			 "measure both with the same --methods and --sizes");
		return false;
	}
	fprintf(file,
		"\nOf the figures, %u improved (+), %u worsened (-), %u stayed within the noise.\n",
		comparison->better, comparison->worse, comparison->same);
	return true;
}
