// SPDX-License-Identifier: GPL-2.0-or-later
/* Sizes in bytes, as text. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xpmembench.h"

static const char units[] = "KMGT";

/* 64 KiB as 64K; what is no multiple stays as it is. */
void format_size(size_t size, char *text, size_t length)
{
	int unit = -1;

	while (size >= 1024 && size % 1024 == 0 && unit < 2) {
		size /= 1024;
		unit++;
	}
	snprintf(text, length, unit < 0 ? "%zu" : "%zu%c", size, unit < 0 ? 0 : units[unit]);
}

const char *parse_size(const char *text, size_t *size)
{
	unsigned long long value;
	const char *unit;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno || !value || value > SIZE_LIMIT)
		return NULL;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit) {
		if (value > SIZE_LIMIT >> 10 * (unit - units + 1))
			return NULL;
		value <<= 10 * (unit - units + 1);
		end++;
	}
	*size = value;
	return end;
}
