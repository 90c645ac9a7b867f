/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "document.h"

/* Limits the recursion for an alias inside its own anchor. */
#define DEPTH_LIMIT 32

void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory) {
		fputs("generate: out of memory\n", stderr);
		exit(1);
	}
	return memory;
}

void fail_at(const struct node *node, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s:%d: ", node->path, node->line);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static void refuse_repeated_key(const struct node *mapping, size_t last)
{
	size_t i;

	for (i = 0; i < last; i++)
		if (!strcmp(mapping->keys[i]->text, mapping->keys[last]->text))
			fail_at(mapping->keys[last], "key \"%s\" occurs twice: remove one",
				mapping->keys[last]->text);
}

static struct node *convert(yaml_document_t *document, int index, const char *path, int depth)
{
	yaml_node_t *from = yaml_document_get_node(document, index);
	struct node *node = allocate(1, sizeof(*node));
	size_t i;

	node->path = path;
	node->line = from->start_mark.line + 1;
	if (depth > DEPTH_LIMIT)
		fail_at(node,
			"nested deeper than %d levels: an alias must not lie inside its own anchor",
			DEPTH_LIMIT);

	switch (from->type) {
	case YAML_SEQUENCE_NODE:
		node->kind = NODE_SEQUENCE;
		node->count = from->data.sequence.items.top - from->data.sequence.items.start;
		node->items = allocate(node->count, sizeof(*node->items));
		for (i = 0; i < node->count; i++)
			node->items[i] = convert(document, from->data.sequence.items.start[i], path,
						 depth + 1);
		break;
	case YAML_MAPPING_NODE:
		node->kind = NODE_MAPPING;
		node->count = from->data.mapping.pairs.top - from->data.mapping.pairs.start;
		node->keys = allocate(node->count, sizeof(*node->keys));
		node->items = allocate(node->count, sizeof(*node->items));
		for (i = 0; i < node->count; i++) {
			yaml_node_pair_t *pair = &from->data.mapping.pairs.start[i];

			node->keys[i] = convert(document, pair->key, path, depth + 1);
			if (node->keys[i]->kind != NODE_SCALAR)
				fail_at(node->keys[i], "a key must be a plain word");
			refuse_repeated_key(node, i);
			node->items[i] = convert(document, pair->value, path, depth + 1);
		}
		break;
	default:
		node->kind = NODE_SCALAR;
		node->text = strdup((char *)from->data.scalar.value);
		if (!node->text)
			fail_at(node, "out of memory");
	}
	return node;
}

const struct node *document_load(const char *path)
{
	struct node start = { .path = path, .line = 1 };
	yaml_document_t document;
	yaml_parser_t parser;
	struct node *root;
	FILE *file;

	file = fopen(path, "r");
	if (!file) {
		fprintf(stderr, "generate: cannot read %s: %s\n", path, strerror(errno));
		exit(1);
	}
	if (!yaml_parser_initialize(&parser))
		fail_at(&start, "out of memory");
	yaml_parser_set_input_file(&parser, file);
	if (!yaml_parser_load(&parser, &document)) {
		start.line = (parser.problem_mark.line ? parser.problem_mark.line :
							 parser.context_mark.line) +
			     1;
		fail_at(&start, "not YAML: %s%s%s", parser.context ? parser.context : "",
			parser.context ? ": " : "",
			parser.problem ? parser.problem : "cannot be read");
	}
	if (!yaml_document_get_root_node(&document))
		fail_at(&start, "the file is empty");
	root = convert(&document, 1, path, 0);
	if (root->kind != NODE_MAPPING)
		fail_at(root, "the file must be a mapping");
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	fclose(file);
	return root;
}

static void require_kind(const struct node *node, enum node_kind kind, const char *what)
{
	static const char *const names[] = {
		[NODE_SCALAR] = "a plain value",
		[NODE_SEQUENCE] = "a list",
		[NODE_MAPPING] = "a mapping",
	};

	if (node->kind != kind)
		fail_at(node, "%s must be %s", what, names[kind]);
}

void node_allow(const struct node *mapping, ...)
{
	const char *allowed;
	va_list arguments;
	size_t i;

	require_kind(mapping, NODE_MAPPING, "this");
	for (i = 0; i < mapping->count; i++) {
		bool found = false;

		va_start(arguments, mapping);
		while (!found && (allowed = va_arg(arguments, const char *)))
			found = !strcmp(allowed, mapping->keys[i]->text);
		va_end(arguments);
		if (!found)
			fail_at(mapping->keys[i], "unknown key \"%s\" here: correct or remove it",
				mapping->keys[i]->text);
	}
}

const struct node *node_find(const struct node *mapping, const char *key)
{
	size_t i;

	require_kind(mapping, NODE_MAPPING, "this");
	for (i = 0; i < mapping->count; i++)
		if (!strcmp(mapping->keys[i]->text, key))
			return mapping->items[i];
	return NULL;
}

const struct node *node_require(const struct node *mapping, const char *key)
{
	const struct node *value = node_find(mapping, key);

	if (!value)
		fail_at(mapping, "\"%s\" is missing: add it", key);
	return value;
}

const struct node *node_sequence(const struct node *mapping, const char *key)
{
	const struct node *value = node_require(mapping, key);

	require_kind(value, NODE_SEQUENCE, key);
	return value;
}

const char *node_text(const struct node *scalar)
{
	require_kind(scalar, NODE_SCALAR, "this");
	if (!*scalar->text)
		fail_at(scalar, "the value is empty: write one");
	return scalar->text;
}

uint64_t node_number(const struct node *scalar, uint64_t maximum)
{
	const char *text = node_text(scalar);
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (*end || errno || *text < '0' || *text > '9')
		fail_at(scalar, "\"%s\" is not a number", text);
	if (value > maximum)
		fail_at(scalar, "%s is too large: at most %#llx", text,
			(unsigned long long)maximum);
	return value;
}

const char *require_text(const struct node *mapping, const char *key)
{
	return node_text(node_require(mapping, key));
}

uint64_t require_number(const struct node *mapping, const char *key, uint64_t maximum)
{
	return node_number(node_require(mapping, key), maximum);
}

uint64_t find_number(const struct node *mapping, const char *key, uint64_t maximum, uint64_t absent)
{
	const struct node *value = node_find(mapping, key);

	return value ? node_number(value, maximum) : absent;
}

bool find_true(const struct node *mapping, const char *key)
{
	const struct node *value = node_find(mapping, key);
	const char *text;

	if (!value)
		return false;
	text = node_text(value);
	if (strcmp(text, "true") && strcmp(text, "false"))
		fail_at(value, "\"%s\" must be true or false", key);
	return !strcmp(text, "true");
}
