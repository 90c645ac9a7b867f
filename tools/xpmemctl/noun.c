/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "xpmemctl.h"

const struct noun nouns[NOUN_COUNT] = {
	[NOUN_EXPORTER] = { "exporter", "exporters", &operation_exporter_get, NULL },
	[NOUN_SEGMENT] = { "segment", "segments", &operation_segment_get,
			   &operation_segment_revoke },
	[NOUN_PERMIT] = { "permit", "permits", &operation_permit_get, &operation_permit_revoke },
	[NOUN_ATTACHMENT] = { "attachment", "attachments", &operation_attachment_get, NULL },
};

int noun_of_singular(const char *name)
{
	int i;

	for (i = 0; i < NOUN_COUNT && strcmp(name, nouns[i].singular); i++)
		;
	return i;
}

int noun_of_plural(const char *name)
{
	int i;

	for (i = 0; i < NOUN_COUNT && strcmp(name, nouns[i].plural); i++)
		;
	return i;
}
