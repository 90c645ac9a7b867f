/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "xpmemctl.h"

const struct noun nouns[NOUN_COUNT] = {
	[NOUN_EXPORTER] = { "exporter",
			    "exporters",
			    &operation_exporter_get,
			    NULL,
			    { "id", "pid", "command", "user", "segments", "faults", "pages_mapped",
			      "created" } },
	[NOUN_SEGMENT] = { "segment",
			   "segments",
			   &operation_segment_get,
			   &operation_segment_revoke,
			   { "id", "pid", "command", "user", "name", "mode", "length",
			     "permits" } },
	[NOUN_PERMIT] = { "permit",
			  "permits",
			  &operation_permit_get,
			  &operation_permit_revoke,
			  { "id", "segment_id", "pid", "command", "user", "access", "attachments",
			    "pinned" } },
	[NOUN_ATTACHMENT] = { "attachment",
			      "attachments",
			      &operation_attachment_get,
			      NULL,
			      { "id", "segment_id", "pid", "command", "user", "access", "length",
				"faults" } },
};

int noun_of(const char *name)
{
	int i;

	for (i = 0; i < NOUN_COUNT; i++)
		if (!strcmp(name, nouns[i].singular) || !strcmp(name, nouns[i].plural))
			break;
	return i;
}
