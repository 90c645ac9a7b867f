// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether figures are too noisy to be compared, and what may be the cause on this machine. */
#include <string.h>

#include "xpmembench.h"

struct worst {
	const char *method;
	enum figure figure;
	size_t size;
	double noise;
};

static unsigned int count_result(const struct results *results, unsigned int number, enum use use,
				 unsigned int place, struct worst *worst)
{
	const struct result *result = &results->of[number][use][place];
	unsigned int noisy = 0;
	enum figure figure;

	for (figure = 0; figure < FIGURE_COUNT; figure++) {
		double noise = result->figures[figure].noise;

		noisy += noise > NOISE_LIMIT;
		if (noise > worst->noise)
			*worst = (struct worst){
				methods[number].name, figure, results->plan.sizes[place], noise,
			};
	}
	return noisy;
}

static unsigned int count(const struct results *results, unsigned int *total, struct worst *worst)
{
	unsigned int number, i, noisy = 0;
	enum use use;

	*total = 0;
	for (number = 0; number < method_count; number++) {
		for (use = 0; use < USE_COUNT; use++) {
			for (i = 0; i < results->plan.size_count; i++) {
				if (!results->of[number][use][i].measured)
					continue;
				*total += FIGURE_COUNT;
				noisy += count_result(results, number, use, i, worst);
			}
		}
	}
	return noisy;
}

static void add(char *text, size_t length, bool applies, const char *cause)
{
	size_t used = strlen(text);

	if (applies)
		snprintf(text + used, length - used, "%s%s", used ? "; " : "", cause);
}

/* Causes that this machine and this run have. */
static void list_causes(const struct results *results, char *text, size_t length)
{
	const struct environment *environment = &results->environment;
	long tasks = 2L * plan_members(&results->plan);
	bool scales = environment->governor[0] && strcmp(environment->governor, "performance");

	text[0] = 0;
	add(text, length, environment->emulated, "an emulated processor (TCG)");
	add(text, length, environment->virtual_machine && !environment->emulated,
	    "a virtual machine, whose host does other work");
	add(text, length, scales, "frequency scaling (set the governor performance)");
	add(text, length, environment->load > 0.5, "other load (end it)");
	add(text, length, environment->processors < tasks,
	    "fewer processors than tasks (lower --pairs)");
	add(text, length, !results->plan.processor_count, "tasks that move (use --processors)");
	add(text, length, results->plan.seconds < 0.05, "short measurements (raise --time)");
	add(text, length, !text[0], "frequency scaling or other load");
}

bool noise_warning(const struct results *results, char *text, size_t length)
{
	struct worst worst = { 0 };
	unsigned int total, noisy = count(results, &total, &worst);
	char causes[400], size[32];

	if (!noisy)
		return false;
	list_causes(results, causes, sizeof(causes));
	format_size(worst.size, size, sizeof(size));
	snprintf(text, length,
		 "Noise: for %u of %u figures the median varies by more than %.0f %% from one part of the "
		 "measurement to another (most: %s of %s at %s, %.0f %%). Likely causes: %s.",
		 noisy, total, NOISE_LIMIT * 100,
		 worst.figure == FIGURE_LATENCY ? "latency" : "bandwidth", worst.method, size,
		 percent(worst.noise), causes);
	return true;
}
