/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A YAML file as a tree of nodes that know their line. Nodes live until the process ends.
 * Functions that find an error print one line, FILE:LINE: and the remedy, and exit with status 1.
 */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum node_kind { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

struct node {
	enum node_kind kind;
	const char *path;
	int line;
	const char *text;	/* scalar */
	size_t count;		/* items of a sequence, pairs of a mapping */
	struct node **keys;	/* mapping */
	struct node **items;	/* sequence; mapping: the values */
};

const struct node *document_load(const char *path);

void fail_at(const struct node *node, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/* Refuse all keys of a mapping that are not in the list; NULL ends the list. */
void node_allow(const struct node *mapping, ...) __attribute__((sentinel));

/* Return NULL if the mapping does not have the key. */
const struct node *node_find(const struct node *mapping, const char *key);
const struct node *node_require(const struct node *mapping, const char *key);
const struct node *node_sequence(const struct node *mapping, const char *key);

const char *node_text(const struct node *scalar);
uint64_t node_number(const struct node *scalar, uint64_t maximum);

/* Read the value of a mapping's key; an absent key has the default value. */
const char *require_text(const struct node *mapping, const char *key);
uint64_t require_number(const struct node *mapping, const char *key, uint64_t maximum);
uint64_t find_number(const struct node *mapping, const char *key, uint64_t maximum,
		     uint64_t absent);
bool find_true(const struct node *mapping, const char *key);

void *allocate(size_t count, size_t size);

#endif
