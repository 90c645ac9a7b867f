/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the generated tables describe netlink attributes and their form in JSON. */
#ifndef ATTRIBUTE_H
#define ATTRIBUTE_H

#include <stddef.h>
#include <stdint.h>

enum attribute_type { ATTRIBUTE_U32, ATTRIBUTE_U64, ATTRIBUTE_S64, ATTRIBUTE_STRING };

enum attribute_form {
	FORM_NUMBER,
	FORM_COUNTER,	/* a number that only grows */
	FORM_COUNT,	/* a number of live objects */
	FORM_BYTES,
	FORM_TIMESTAMP,	/* seconds since 1970 */
	FORM_HEX,	/* a string, so that no reader loses bits */
	FORM_OCTAL,	/* a string: permission bits */
	FORM_TEXT,
	FORM_NAME,	/* of a value */
	FORM_NAMES,	/* of the bits that are set */
};

struct value_name {
	uint64_t value;
	const char *name;
};

struct attribute {
	int id;
	const char *key;
	enum attribute_type type;
	enum attribute_form form;
	const struct value_name *names;	/* ends with a NULL name */
	const char *doc;
};

struct attribute_set {
	const char *name;
	int maximum;		/* largest id */
	const struct attribute *attributes;	/* in the order in which they are shown */
	size_t count;
	const char *const *event_only;	/* keys that only events have, ending with NULL; or NULL */
	const char *parent;	/* key that names the object through which it exists, or NULL */
};

struct operation {
	int command;
	const struct attribute_set *set;
	int selector; /* attribute that says which object is meant; 0: there is one only */
	const int *filter;	/* attributes that narrow a dump */
	size_t filter_count;
};

struct event {
	int command;
	const char *name;
	const struct attribute_set *set;
	const char *doc;
};

#endif
