/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

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
