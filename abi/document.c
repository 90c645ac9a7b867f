/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "document.h"

/* Limits the recursion for an alias inside its own anchor. */
#define DEPTH_LIMIT 32

void *checked(void *memory)
{
	if (!memory)
		errx(1, "out of memory");
	return memory;
}

char *format_text(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	return checked(text);
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

void node_require(const struct node *node, enum node_kind kind, const char *what)
{
	if (node->kind != kind)
		fail_at(node, "%s must be %s", what,
			kind == NODE_SCALAR ? "a plain value" :
			kind == NODE_SEQUENCE ? "a list" : "a mapping");
}

size_t node_count(const struct node *list)
{
	return list ? list->count : 0;
}

/* Returns the place of a key in a mapping, or the number of the mapping's pairs. */
static size_t find_key(const struct node *mapping, const char *key)
{
	size_t i = 0;

	node_require(mapping, NODE_MAPPING, "this");
	while (i < mapping->count && strcmp(mapping->keys[i]->text, key))
		i++;
	return i;
}

struct node *node_named(const struct node *list, const char *name)
{
	struct node *item;

	for_each_item(item, list)
		if (text_is(item, "name", name))
			return item;
	return NULL;
}

struct node *node_find(const struct node *node, const char *path)
{
	char *copy = checked(strdup(path)), *rest = copy, *key;
	struct node *found = (struct node *)node;
	size_t place;

	while (found && (key = strsep(&rest, "."))) {
		if (found->kind == NODE_SEQUENCE) {
			found = node_named(found, key);
			continue;
		}
		place = find_key(found, key);
		found = place < found->count ? found->items[place] : NULL;
	}
	free(copy);
	return found;
}

const char *text_of(const struct node *node, const char *path)
{
	const struct node *value = node_find(node, path);

	return value ? value->text : NULL;
}

unsigned long long number_of(const struct node *node, const char *path)
{
	const char *text = text_of(node, path);

	return !text ? 0 : strcmp(text, "true") ? strtoull(text, NULL, 0) : 1;
}

bool text_is(const struct node *node, const char *path, const char *text)
{
	const char *found = text_of(node, path);

	return found && !strcmp(found, text);
}

struct node *node_root(struct node *node)
{
	while (node->owner)
		node = node->owner;
	return node;
}

bool is_among(const char *text, const char *words)
{
	size_t length;

	for (; *words; words += length + strspn(words + length, ", ")) {
		length = strcspn(words, ", ");
		if (length == strlen(text) && !strncmp(words, text, length))
			return true;
	}
	return false;
}

struct node *node_new(enum node_kind kind, const struct node *at)
{
	struct node *node = checked(calloc(1, sizeof(*node)));

	node->kind = kind;
	node->path = at->path;
	node->line = at->line;
	return node;
}

static void append(struct node ***nodes, size_t count, struct node *node)
{
	*nodes = checked(reallocarray(*nodes, count + 1, sizeof(**nodes)));
	(*nodes)[count] = node;
}

void node_append(struct node *list, struct node *item)
{
	append(&list->items, list->count++, item);
}

static void add_pair(struct node *mapping, struct node *key, struct node *value)
{
	append(&mapping->keys, mapping->count, key);
	node_append(mapping, value);
}

static struct node *new_text(const struct node *at, const char *text)
{
	struct node *node = node_new(NODE_SCALAR, at);

	node->text = text;
	return node;
}

void put(struct node *mapping, const char *key, struct node *value)
{
	size_t place = find_key(mapping, key);

	if (place < mapping->count)
		mapping->items[place] = value;
	else
		add_pair(mapping, new_text(mapping, key), value);
}

struct node *put_list(struct node *mapping, const char *key)
{
	struct node *list = node_new(NODE_SEQUENCE, mapping);

	put(mapping, key, list);
	return list;
}

void put_text(struct node *mapping, const char *key, const char *text)
{
	put(mapping, key, new_text(mapping, text));
}

void put_number(struct node *mapping, const char *key, unsigned long long number)
{
	put_text(mapping, key, format_text("%llu", number));
}

static struct node *convert(yaml_document_t *document, int index, struct node *owner, int depth);

static void convert_pair(yaml_document_t *document, const yaml_node_pair_t *pair,
			 struct node *mapping, int depth)
{
	struct node *key = convert(document, pair->key, mapping, depth);

	if (key->kind != NODE_SCALAR)
		fail_at(key, "a key must be a plain word");
	if (find_key(mapping, key->text) < mapping->count)
		fail_at(key, "key \"%s\" occurs twice: remove one", key->text);
	add_pair(mapping, key, convert(document, pair->value, mapping, depth));
}

static struct node *convert(yaml_document_t *document, int index, struct node *owner, int depth)
{
	const yaml_node_t *from = yaml_document_get_node(document, index);
	struct node *node = node_new(NODE_SCALAR, owner);
	const yaml_node_pair_t *pair;
	const yaml_node_item_t *item;

	node->owner = depth ? owner : NULL;
	if (owner->kind == NODE_SEQUENCE && owner->count)
		node->previous = owner->items[owner->count - 1];
	node->line = from->start_mark.line + 1;
	if (depth > DEPTH_LIMIT)
		fail_at(node,
			"nested deeper than %d levels: an alias must not lie inside its own anchor",
			DEPTH_LIMIT);

	switch (from->type) {
	case YAML_SEQUENCE_NODE:
		node->kind = NODE_SEQUENCE;
		for (item = from->data.sequence.items.start; item < from->data.sequence.items.top;
		     item++)
			node_append(node, convert(document, *item, node, depth + 1));
		break;
	case YAML_MAPPING_NODE:
		node->kind = NODE_MAPPING;
		for (pair = from->data.mapping.pairs.start; pair < from->data.mapping.pairs.top;
		     pair++)
			convert_pair(document, pair, node, depth + 1);
		break;
	default:
		node->text = (char *)from->data.scalar.value;
	}
	return node;
}

struct node *document_load(const char *path)
{
	struct node start = { .path = path, .line = 1 };
	yaml_document_t document;
	yaml_parser_t parser;
	FILE *file = fopen(path, "r");
	struct node *root;

	if (!file)
		err(1, "cannot read %s", path);
	if (!yaml_parser_initialize(&parser))
		checked(NULL);
	yaml_parser_set_input_file(&parser, file);
	if (!yaml_parser_load(&parser, &document)) {
		start.line += parser.problem_mark.line;
		fail_at(&start, "not YAML: %s%s%s", parser.context ? parser.context : "",
			parser.context ? ": " : "",
			parser.problem ? parser.problem : "cannot be read");
	}
	if (!yaml_document_get_root_node(&document))
		fail_at(&start, "the file is empty");
	root = convert(&document, 1, &start, 0);
	node_require(root, NODE_MAPPING, "the file");
	fclose(file);
	return root;
}
