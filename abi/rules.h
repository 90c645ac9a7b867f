/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules, as a table for each specification: which keys its mappings have, and what their values
 * must be. The table has a name for each kind of mapping.
 */
#ifndef RULES_H
#define RULES_H

#include "document.h"

enum value_type {
	TEXT,
	NAME,		/* a-z, 0-9 and the rule's mark, beginning with a letter */
	NUMBER,
	LIST,		/* of texts, or of the rule's items */
	MAPPING,	/* the rule's item, or else any keys with texts */
};

/* A rule is for a key of mappings or, without a key, for the mappings as a whole. */
struct rule {
	const char *mapping;	/* names of kinds of mappings; NULL ends the table */
	const char *key;
	bool optional;
	enum value_type type;
	char mark;
	unsigned long long maximum;	/* of a number; 0: no maximum */
	const char *item;
	const char *choices;	/* words that a text can be, with commas between */
	const char *refers;	/* list of the root whose item of this name replaces the text */
	bool unique;		/* no earlier item of the list has the same value */
	bool counts;		/* an absent number is that of the item before, plus 1 */
	const char *when;	/* key of the mapping without which the rule's key is unknown */
	const char *unless;	/* key of the mapping with which the rule's key is unknown */
	void (*check)(struct node *node);	/* called after the checks of the table, or NULL */
};

#define KEY(of, name, ...) { .mapping = of, .key = name, .type = __VA_ARGS__ }
#define OPTIONAL(of, name, ...) KEY(of, name, __VA_ARGS__, .optional = true)
#define WHOLE(of, function) { .mapping = of, .check = function }

/*
 * Fail at the first part of the mapping that breaks a rule. Each mapping of a list gets its `id`,
 * counted from 1.
 */
void rules_apply(const struct rule *rules, const char *name, struct node *mapping);

/* The netlink family uses flags of the ioctls, whose specification is put into its own. */
struct node *ioctl_spec_load(const char *path);
struct node *netlink_spec_load(const char *path, struct node *ioctls);

#endif
