/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exporters with their segments, permits and attachments. The command keeps all objects, because
 * the last one may belong to the first. It keeps them as texts, which take a tenth of the memory
 * of JSON objects.
 */
#include <stdlib.h>
#include <string.h>

#include "xpmemctl.h"

struct node {
	int64_t id;
	int64_t parent;		/* 0: it has none */
	char *text;		/* the object, as it is shown in JSON */
	bool shown;
};

struct layer {
	struct node *nodes;
	size_t count;
	size_t room;
};

struct tree {
	struct layer layers[NOUN_COUNT];
	int noun;		/* whose layer is filled */
	bool narrowed;		/* to what belongs to the layer above */
};

static int compare(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_ids(const void *a, const void *b)
{
	return compare(((const struct node *)a)->id, ((const struct node *)b)->id);
}

static int compare_parents(const void *a, const void *b)
{
	const struct node *first = a, *second = b;
	int order = compare(first->parent, second->parent);

	return order ? order : compare_ids(a, b);
}

static void clear_layer(struct layer *layer)
{
	while (layer->count)
		free(layer->nodes[--layer->count].text);
}

static void restart(void *data)
{
	struct tree *tree = data;

	clear_layer(&tree->layers[tree->noun]);
}

static bool has_id(const struct layer *layer, int64_t id)
{
	const struct node key = { .id = id };

	return layer->count && bsearch(&key, layer->nodes, layer->count, sizeof(key), compare_ids);
}

static bool make_room(struct layer *layer)
{
	size_t room = layer->room ? 2 * layer->room : 64;
	struct node *nodes;

	if (layer->count < layer->room)
		return true;
	nodes = reallocarray(layer->nodes, room, sizeof(*nodes));
	if (!nodes)
		return false;
	layer->nodes = nodes;
	layer->room = room;
	return true;
}

static int64_t id_of(struct json_object *object, const char *key)
{
	return key ? parse_id(json_text_or(object, key, "")) : 0;
}

static enum status add_node(struct json_object *object, void *data)
{
	struct tree *tree = data;
	struct layer *layer = &tree->layers[tree->noun];
	struct node node = { .id = id_of(object, "id"),
			     .parent = id_of(object, nouns[tree->noun].get->set->parent) };
	struct json_object *selected;
	bool for_people = options.format == FORMAT_TABLE;

	if (tree->narrowed && tree->noun != NOUN_EXPORTER &&
	    !has_id(&tree->layers[tree->noun - 1], node.parent))
		return STATUS_OK;
	/* A table takes its columns from the whole object. */
	selected = for_people ? json_object_get(object) : columns_select(object);
	if (selected)
		node.text =
			strdup(json_object_to_json_string_ext(selected, JSON_C_TO_STRING_PLAIN));
	json_object_put(selected);
	if (!node.text || !make_room(layer)) {
		free(node.text);
		return out_of_memory();
	}
	layer->nodes[layer->count++] = node;
	return STATUS_OK;
}

static void sort_layer(struct layer *layer, int (*order)(const void *, const void *))
{
	if (layer->count)
		qsort(layer->nodes, layer->count, sizeof(*layer->nodes), order);
}

static enum status fill(struct tree *tree, struct netlink *netlink, const struct filter *filter)
{
	enum status status = STATUS_OK;
	int i;

	for (i = 0; i < NOUN_COUNT && status == STATUS_OK; i++) {
		tree->noun = i;
		status = netlink_dump_whole(netlink, nouns[i].get,
					    i == NOUN_EXPORTER ? filter : NULL, add_node, restart,
					    tree);
		sort_layer(&tree->layers[i], compare_ids);
	}
	for (i = NOUN_SEGMENT; i < NOUN_COUNT; i++)
		sort_layer(&tree->layers[i], compare_parents);
	return status;
}

/* Returns the first of a parent's adjacent children, or the end of the layer. */
static struct node *find_children(const struct layer *layer, int64_t parent)
{
	size_t first = 0, end = layer->count, middle;

	while (first < end) {
		middle = first + (end - first) / 2;
		if (layer->nodes[middle].parent < parent)
			first = middle + 1;
		else
			end = middle;
	}
	return layer->nodes + first;
}

static bool is_child(const struct layer *layer, const struct node *node, int64_t parent)
{
	return node != layer->nodes + layer->count && node->parent == parent;
}

/* Returns the object with its children, which the caller puts; NULL without memory. */
static struct json_object *grow(struct tree *tree, int noun, struct node *node)
{
	struct json_object *object = json_tokener_parse(node->text), *children;
	const struct layer *below = &tree->layers[noun + 1];
	struct node *child;

	node->shown = true;
	if (!object || noun == NOUN_ATTACHMENT)
		return object;
	children = json_object_new_array();
	for (child = find_children(below, node->id); children && is_child(below, child, node->id);
	     child++) {
		struct json_object *grown = grow(tree, noun + 1, child);

		if (!grown || json_object_array_add(children, grown)) {
			json_object_put(grown);
			json_object_put(children);
			children = NULL;
		}
	}
	if (json_put(object, "children", children))
		return object;
	json_object_put(object);
	return NULL;
}

/* Prints the objects of a layer that no parent has shown. */
static enum status print_rest(struct tree *tree, int noun, const char *key)
{
	const struct layer *layer = &tree->layers[noun];
	struct json_object *object;
	bool begun = noun == NOUN_EXPORTER;
	size_t i;

	if (begun)
		output_array_begin(key);
	for (i = 0; i < layer->count; i++) {
		if (layer->nodes[i].shown)
			continue;
		object = grow(tree, noun, &layer->nodes[i]);
		if (!object)
			return out_of_memory();
		if (!begun)
			output_array_begin(key);
		begun = true;
		output_item(object);
		json_object_put(object);
		if (ferror(stdout))
			return output_finish();
	}
	if (begun)
		output_array_end();
	return STATUS_OK;
}

static enum status print_as_json(struct tree *tree, const struct netlink *netlink)
{
	enum status status = STATUS_OK;
	int i;

	output_begin();
	for (i = 0; i < NOUN_COUNT && status == STATUS_OK; i++)
		status = print_rest(tree, i, i == NOUN_EXPORTER ? "tree" : nouns[i].plural);
	if (status != STATUS_OK)
		return status;
	output_interrupted(netlink);
	return output_end();
}

static const struct attribute_set *const sets[] = {
	&exporter_attributes, &segment_attributes, &permit_attributes, &attachment_attributes, NULL,
};

static void add_key(struct columns *columns, const char *key)
{
	const struct attribute *column = NULL;
	size_t i;

	for (i = 0; i < columns->count; i++)
		if (!strcmp(columns->items[i]->key, key))
			return;
	for (i = 0; sets[i] && !column; i++)
		column = column_of(sets[i], key);
	if (column && columns->count < COLUMNS_MAXIMUM)
		columns->items[columns->count++] = column;
}

/* The columns beside the objects, of which no kind has all. */
static void choose_columns(struct columns *columns)
{
	static const char *const usual[] = { "pid",    "command", "user", "name",
					     "access", "length",  "faults" };
	struct columns of_set;
	size_t i, j;

	columns->count = 0;
	for (i = 0; (!options.columns || options.more_columns) && !options.all_columns &&
		    i < sizeof(usual) / sizeof(*usual); i++)
		add_key(columns, usual[i]);
	for (i = 0; sets[i] && options.all_columns; i++) {
		columns_choose(&of_set, sets[i], NULL);
		for (j = 0; j < of_set.count; j++)
			if (strcmp(of_set.items[j]->key, "id"))
				add_key(columns, of_set.items[j]->key);
	}
	for (i = 0; options.columns && i < options.column_count; i++)
		add_key(columns, options.columns[i]);
}

/* Whether a parent has said what a child would say again. */
static bool is_said(struct json_object *parent, const char *key, struct json_object *value)
{
	static const char *const inherited[] = { "pid", "command", "user", "uid", "gid" };
	struct json_object *before;
	bool said = false;
	size_t i;

	for (i = 0; i < sizeof(inherited) / sizeof(*inherited) && !said; i++) {
		if (strcmp(inherited[i], key))
			continue;
		before = column_value(parent, key);
		said = before && json_object_equal(before, value);
		json_object_put(before);
	}
	return said;
}

/* False without memory. parent and its object are NULL above. */
static bool draw(struct tree *tree, struct table *table, int noun, struct node *node,
		 struct libscols_line *parent, struct json_object *parent_object)
{
	struct json_object *object = json_tokener_parse(node->text), *value;
	const struct layer *below = &tree->layers[noun + 1];
	struct libscols_line *line = table_line(table, parent);
	bool done = object && line;
	char text[512], id[32];
	struct node *child;
	size_t i;

	node->shown = true;
	json_format_id(id, sizeof(id), node->id);
	snprintf(text, sizeof(text), "%s %s", nouns[noun].singular, id);
	done = done && table_text(line, 0, text);
	for (i = 0; done && i < table->columns.count; i++) {
		const struct attribute *attribute = table->columns.items[i];

		value = column_value(object, attribute->key);
		if (value && !(parent_object && is_said(parent_object, attribute->key, value))) {
			table_format(text, sizeof(text), attribute, value);
			done = table_text(line, i + 1, text);
		}
		json_object_put(value);
	}
	for (child = noun == NOUN_ATTACHMENT ? NULL : find_children(below, node->id);
	     done && child && is_child(below, child, node->id); child++)
		done = draw(tree, table, noun + 1, child, line, object);
	json_object_put(object);
	return done;
}

static enum status print_for_people(struct tree *tree)
{
	struct table table = { .title = "exporters" };
	struct layer *layer;
	bool done = true;
	size_t i, count = 0;
	int noun;

	choose_columns(&table.columns);
	table.fits = table_is_fitted();
	table_begin_plain(&table, "OBJECT");
	for (noun = 0; noun < NOUN_COUNT; noun++) {
		layer = &tree->layers[noun];
		count += layer->count;
		for (i = 0; i < layer->count && done; i++)
			if (!layer->nodes[i].shown)
				done = draw(tree, &table, noun, &layer->nodes[i], NULL, NULL);
	}
	if (done && count)
		table_print(&table);
	else if (done && !options.no_headings)
		puts("no exporters");
	table_drop(&table);
	return done ? output_finish() : out_of_memory();
}

enum status tree(int count, char **arguments)
{
	/* Objects of filtered exporters are not orphans. */
	struct tree tree = { .narrowed = count };
	struct filter filter;
	struct netlink netlink;
	char *words[2 * count + 1];
	enum status status;
	int i;

	status = filter_parse(&filter, &operation_exporter_get,
			      filter_split(count, arguments, words), words);
	if (status == STATUS_OK)
		status = columns_check(sets);
	if (status == STATUS_OK)
		status = netlink_open(&netlink);
	if (status != STATUS_OK)
		return status;
	status = fill(&tree, &netlink, &filter);
	if (status == STATUS_OK && netlink.interrupted)
		warn("objects keep changing: some may be missing or listed twice");
	if (status == STATUS_OK)
		status = options.format == FORMAT_TABLE ? print_for_people(&tree) :
							  print_as_json(&tree, &netlink);
	for (i = 0; i < NOUN_COUNT; i++) {
		clear_layer(&tree.layers[i]);
		free(tree.layers[i].nodes);
	}
	netlink_close(&netlink);
	return status;
}
