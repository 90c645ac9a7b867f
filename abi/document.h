/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A YAML file as a tree of nodes that know their line. The readers of the specifications check the
 * tree, and put values that they derive from it under further keys, for the templates. Nodes and
 * strings live until the process ends.
 */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

enum node_kind { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

struct node {
	enum node_kind kind;
	const char *path;
	int line;
	struct node *owner;	/* node of the file that it belongs to; NULL for the root */
	struct node *previous;	/* in its list of the file */
	const char *text;	/* scalar, as the file has it */
	size_t count;		/* items of a sequence, pairs of a mapping */
	struct node **keys;	/* mapping */
	struct node **items;	/* sequence; mapping: the values */
};

struct node *document_load(const char *path);

/* Print one line, FILE:LINE: and the remedy, and exit with status 1. */
void fail_at(const struct node *node, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/* Return the pointer. If it is NULL, print that memory is short, and exit with status 1. */
void *checked(void *memory);
char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fail unless the node is of this kind; `what` names it in the message. */
void node_require(const struct node *node, enum node_kind kind, const char *what);

/* In the functions below, a mapping or list that is NULL is empty. */
size_t node_count(const struct node *list);

/*
 * These return the value that a path leads to. A path is keys of mappings and names of a list's
 * items, with dots between. If it leads nowhere, they return NULL, NULL and 0. True is 1.
 */
struct node *node_find(const struct node *node, const char *path);
const char *text_of(const struct node *node, const char *path);
unsigned long long number_of(const struct node *node, const char *path);
bool text_is(const struct node *node, const char *path, const char *text);

#define for_each_item(item, list)                                                      \
	for (size_t item##_at = 0;                                                     \
	     item##_at < node_count(list) && ((item) = (list)->items[item##_at]); item##_at++)

struct node *node_root(struct node *node);

/* Whether the text is one of the words, which are separated by spaces or commas. */
bool is_among(const char *text, const char *words);
/* Returns the first mapping of a list that has this name, or NULL. */
struct node *node_named(const struct node *list, const char *name);

struct node *node_new(enum node_kind kind, const struct node *at);
void node_append(struct node *list, struct node *item);
/* Put a value under a key of a mapping, in place of the value that the key has. */
void put(struct node *mapping, const char *key, struct node *value);
struct node *put_list(struct node *mapping, const char *key);
void put_text(struct node *mapping, const char *key, const char *text);
void put_number(struct node *mapping, const char *key, unsigned long long number);

#endif
