// SPDX-License-Identifier: GPL-2.0-or-later
/* One sentence: the fastest way to copy messages, from which size on, and by which factor. */
#include <stdarg.h>
#include <string.h>

#include "xpmembench.h"

static bool competes(const struct results *results, unsigned int number, unsigned int place)
{
	return !methods[number].is_limit && results->of[number][USE_COPY][place].measured;
}

static const struct spread *bandwidth(const struct results *results, int number, unsigned int place)
{
	return &results->of[number][USE_COPY][place].figures[FIGURE_BANDWIDTH];
}

static bool same_kind(int a, int b)
{
	return (methods[a].kind == KIND_XPMEM) == (methods[b].kind == KIND_XPMEM);
}

/* The fastest method at a size, or -1; with @other, of those that are not it, or not its kind. */
static int fastest(const struct results *results, unsigned int place, int other, bool cross)
{
	int number, best = -1;

	for (number = 0; number < (int)method_count; number++) {
		if (!competes(results, number, place) || number == other ||
		    (cross && other >= 0 && same_kind(number, other)))
			continue;
		if (best < 0 || bandwidth(results, number, place)->median >
					bandwidth(results, best, place)->median)
			best = number;
	}
	return best;
}

struct lead {
	int method;		/* the fastest at the greatest size, or -1 */
	int rival;		/* at the greatest size, or -1 */
	bool cross;		/* XPMEM is compared with what is not XPMEM */
	unsigned int first;	/* place of the size from which on the method is the fastest */
	unsigned int sizes, noisy;
	double least, most;	/* factors */
};

static void measure_lead(const struct results *results, unsigned int place, struct lead *lead)
{
	int rival = fastest(results, place, lead->method, lead->cross);
	const struct spread *mine, *other;
	double factor;

	lead->first = place;
	lead->sizes++;
	if (rival < 0)
		return;
	mine = bandwidth(results, lead->method, place);
	other = bandwidth(results, rival, place);
	factor = mine->median / other->median;
	lead->least = lead->rival < 0 || factor < lead->least ? factor : lead->least;
	lead->most = factor > lead->most ? factor : lead->most;
	lead->rival = lead->rival < 0 ? rival : lead->rival;
	lead->noisy += factor - 1 <= mine->noise + other->noise;
}

/* From the greatest size down, as far as the same method is the fastest. */
static bool find_lead(const struct results *results, struct lead *lead)
{
	unsigned int place = results->plan.size_count;
	int best;

	*lead = (struct lead){ .method = -1, .rival = -1 };
	while (place-- > 0) {
		best = fastest(results, place, -1, false);
		if (best < 0)
			continue;
		if (lead->method < 0) {
			lead->method = best;
			lead->cross = fastest(results, place, best, true) >= 0;
		}
		if (best != lead->method)
			break;
		measure_lead(results, place, lead);
	}
	return lead->method >= 0;
}

static void append(char *text, size_t length, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *text, size_t length, const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, length - used, format, arguments);
	va_end(arguments);
}

static void append_factor(const struct lead *lead, char *text, size_t length)
{
	if (lead->most < 1.05)
		append(text, length, ", with about");
	else
		append(text, length, ", with %.1f", lead->least);
	if (lead->most >= 1.05 && lead->most - lead->least >= 0.05)
		append(text, length, " to %.1f", lead->most);
	append(text, length, "%s the bandwidth of the %s (%s%s)",
	       lead->most < 1.05 ? "" : " times",
	       !lead->cross			       ? "next method" :
	       methods[lead->method].kind == KIND_XPMEM ? "best method without XPMEM" :
							 "best method of XPMEM",
	       methods[lead->rival].name, lead->sizes > 1 ? " at the greatest size" : "");
	if (!lead->noisy)
		append(text, length, ", which is more than the noise");
	else if (lead->sizes == 1)
		append(text, length, ", but noise may explain the difference");
	else
		append(text, length,
		       ", but noise may explain the difference at %u of these %u sizes",
		       lead->noisy, lead->sizes);
}

/* Sizes below the lead have other winners, of which the smallest size has this one. */
static void append_below(const struct results *results, const struct lead *lead, char *text,
			 size_t length)
{
	char size[32];
	int best = lead->first ? fastest(results, 0, -1, false) : -1;

	if (best < 0)
		return;
	format_size(results->plan.sizes[0], size, sizeof(size));
	append(text, length, "; at %s bytes, %s is the fastest", size, methods[best].name);
}

void verdict(const struct results *results, char *text, size_t length)
{
	struct lead lead;
	char size[32];

	if (!find_lead(results, &lead)) {
		snprintf(text, length, "Verdict: no result can be compared with another.");
		return;
	}
	format_size(results->plan.sizes[lead.first], size, sizeof(size));
	snprintf(text, length, "Verdict: %s copies messages fastest %s %s bytes%s",
		 methods[lead.method].name, lead.sizes > 1 ? "from" : "at", size,
		 lead.sizes > 1 ? " on" : "");
	if (lead.rival >= 0)
		append_factor(&lead, text, length);
	else
		append(text, length, ", but no other method was measured");
	append_below(results, &lead, text, length);
	append(text, length, ".");
}
