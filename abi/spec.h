/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contents of both specs after all checks: emitters need no checks of their own. */
#ifndef SPEC_H
#define SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct constant {
	const char *name;
	uint64_t value;
	const char *text;	/* the value as written in the spec */
	const char *doc;
	unsigned int since;
};

struct flag {
	const char *name;
	unsigned int bit;
	const char *doc;
	unsigned int since;
};

struct flag_set {
	const char *name;
	const char *prefix;
	const char *doc;
	struct flag *flags;
	size_t count;
};

enum direction { FIELD_IN, FIELD_OUT, FIELD_INOUT, FIELD_RESERVED };

struct scalar_type {
	const char *name;	/* name in the specs */
	unsigned int size;
	const char *c_type;
	const char *c_suffix;	/* after the member's name */
};

struct field {
	const char *name;
	const struct scalar_type *type;
	unsigned int count;		/* elements; 1 when it is no array */
	const char *count_text;		/* NULL when it is no array */
	enum direction direction;
	const struct flag_set *flag_set;	/* or NULL */
	uint64_t mask;			/* mask of the flags that it accepts */
	const char *doc;
	unsigned int since;
	unsigned int offset;
	unsigned int size;
};

struct error {
	const char *name;
	const char *doc;
};

struct command {
	const char *name;
	unsigned int nr;
	const char *doc;
	unsigned int since;
	bool legacy;
	struct error *errors;
	size_t error_count;
	struct field *fields;	/* includes the size member, except in legacy structs */
	size_t field_count;
	unsigned int size;
	unsigned int min_size;
};

struct ioctl_spec {
	const char *name;
	const char *device;
	const char *doc;
	unsigned int abi_version;
	char magic;
	struct constant *constants;
	size_t constant_count;
	struct flag_set *flag_sets;
	size_t flag_set_count;
	struct command *commands;
	size_t command_count;
	unsigned int first_nr;
	unsigned int last_nr;
	struct command *legacy;
	size_t legacy_count;
};

struct enum_entry {
	const char *name;
	uint64_t value;		/* for flags, the number of the bit */
	const char *doc;
};

struct enumeration {
	const char *name;
	bool flags;		/* an attribute holds a mask of entries */
	bool foreign;		/* defined by the ioctl spec, not here */
	struct enum_entry *entries;
	size_t count;
};

enum attribute_kind {
	ATTRIBUTE_PAD,
	ATTRIBUTE_U32,
	ATTRIBUTE_U64,
	ATTRIBUTE_S64,
	ATTRIBUTE_STRING
};

enum attribute_is { IS_PLAIN, IS_COUNTER, IS_COUNT, IS_BYTES, IS_TIMESTAMP, IS_OCTAL };

struct attribute {
	const char *name;
	enum attribute_kind kind;
	unsigned int id;
	bool hex;
	enum attribute_is is;
	bool event_only;	/* no reply has it */
	const char *parent;	/* kind of object that it names, or NULL */
	const struct enumeration *enumeration;	/* or NULL */
	const char *doc;	/* NULL for a pad */
};

struct attribute_set {
	const char *name;
	struct attribute *attributes;
	size_t count;
};

struct attribute_list {
	const struct attribute *
		*attributes; /* attributes of the operation's set, in the set's order */
	size_t count;
};

struct operation {
	const char *name;
	unsigned int id;
	const char *doc;
	const struct attribute_set *set;
	bool admin;		/* CAP_NET_ADMIN */
	bool dump;
	bool event;		/* an event: the module sends the attributes of reply to a group */
	size_t group;		/* index of an event's group */
	struct attribute_list request;
	struct attribute_list filter;	/* attributes that a dump can filter by */
	struct attribute_list reply;
};

struct netlink_spec {
	const char *name;
	const char *doc;
	unsigned int version;
	const char *operation_prefix;
	struct enumeration *enumerations;
	size_t enumeration_count;
	struct attribute_set *sets;
	size_t set_count;
	const char **groups;
	size_t group_count;
	struct operation *operations;
	size_t operation_count;
	size_t request_count;	/* operations that are not events; they come first */
};

const struct ioctl_spec *ioctl_spec_load(const char *path);
/* The attribute of the same name as a counter in another set, or NULL. */
const struct attribute *counter_of(const struct netlink_spec *spec, const char *set,
				   const struct attribute *counter);
const struct netlink_spec *netlink_spec_load(const char *path, const struct ioctl_spec *ioctls);

#endif
