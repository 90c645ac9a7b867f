/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <time.h>

#include "xpmemctl.h"

/* Length of the UTF-8 character at the start; 0 if it is invalid or a control character. */
static size_t character_length(const unsigned char *text)
{
	unsigned char first = text[0], second = first < 0x80 ? 0 : text[1];
	size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4, i;

	if (first < 0x80)
		return first >= 0x20 && first != 0x7f;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	for (i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((first == 0xc2 && second < 0xa0) || (first == 0xe0 && second < 0xa0) ||
	    (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
	    (first == 0xf4 && second > 0x8f))
		return 0;
	return length;
}

void text_make_line(char *text)
{
	size_t length;

	while (*text) {
		length = character_length((const unsigned char *)text);
		if (!length)
			*text = '?';
		text += length ? length : 1;
	}
}

void text_local_time(char *text, size_t size, const char *format, uint64_t seconds)
{
	time_t time = seconds;
	struct tm parts;

	if (!localtime_r(&time, &parts) || !strftime(text, size, format, &parts))
		snprintf(text, size, "%llu", (unsigned long long)seconds);
}

void text_short_time(char *text, size_t size, uint64_t seconds, uint64_t today)
{
	time_t of = seconds, at = today;
	struct tm then, now;
	const char *format = "%Y-%b%d";

	if (localtime_r(&of, &then) && localtime_r(&at, &now) && then.tm_year == now.tm_year)
		format = then.tm_yday == now.tm_yday ? "%H:%M" : "%b%d";
	text_local_time(text, size, format, seconds);
}

const char *text_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* Letters to insert, delete, replace, or swap with the next one. */
static size_t distance(const char *a, const char *b)
{
	enum { MOST = 48 };
	size_t rows[MOST + 1][MOST + 1], length_a = strlen(a), length_b = strlen(b), i, j;

	if (length_a > MOST || length_b > MOST)
		return SIZE_MAX;
	for (i = 0; i <= length_a; i++)
		for (j = 0; j <= length_b; j++) {
			size_t best = i && j ? rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]) : i + j;

			if (i && rows[i - 1][j] + 1 < best)
				best = rows[i - 1][j] + 1;
			if (j && rows[i][j - 1] + 1 < best)
				best = rows[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    rows[i - 2][j - 2] + 1 < best)
				best = rows[i - 2][j - 2] + 1;
			rows[i][j] = best;
		}
	return rows[length_a][length_b];
}

void guess_begin(struct guess *guess, const char *word)
{
	*guess = (struct guess){ .word = word, .distance = SIZE_MAX };
}

void guess_add(struct guess *guess, const char *candidate)
{
	size_t length = strlen(guess->word), change = distance(guess->word, candidate);

	/* A beginning of it is near, too. */
	if (length > 1 && !strncmp(candidate, guess->word, length))
		change = 1;
	/* Two changes make another word of a short one. */
	if (change < guess->distance && change <= 2 && change * 2 < length + (change == 1)) {
		guess->distance = change;
		guess->best = candidate;
	}
}

const char *guess_text(struct guess *guess, const char *before, const char *after)
{
	if (guess->best)
		snprintf(guess->text, sizeof(guess->text), "%sdid you mean \"%s\"?%s", before,
			 guess->best, after);
	return guess->text;
}
