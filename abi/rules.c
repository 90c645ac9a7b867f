/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

void text_check(const struct node *scalar)
{
	node_require(scalar, NODE_SCALAR, "this");
	if (!*scalar->text)
		fail_at(scalar, "the value is empty: write one");
}

static void check_name(const struct node *name, char mark)
{
	const char *c;

	for (c = name->text; *c; c++)
		if (!islower((unsigned char)*c) &&
		    (c == name->text || (!isdigit((unsigned char)*c) && *c != mark)))
			fail_at(name,
				"name \"%s\" must be made of a-z, 0-9 and %c, and begin with a letter",
				name->text, mark);
}

static void read_number(struct node *scalar, unsigned long long maximum)
{
	char *end;

	errno = 0;
	scalar->number = strtoull(scalar->text, &end, 0);
	scalar->numeric = true;
	if (*end || errno || !isdigit((unsigned char)*scalar->text))
		fail_at(scalar, "\"%s\" is not a number", scalar->text);
	if (maximum && scalar->number > maximum)
		fail_at(scalar, "%s is too large: at most %#llx", scalar->text, maximum);
}

static void read_truth(struct node *scalar, const char *key)
{
	scalar->numeric = true;
	scalar->number = !strcmp(scalar->text, "true");
	if (!scalar->number && strcmp(scalar->text, "false"))
		fail_at(scalar, "\"%s\" must be true or false", key);
}

static void follow_reference(struct node *value, const struct rule *rule)
{
	const struct node *list = node_find(node_root(value), rule->refers);
	struct node *item = node_with(list, "name", value->text);

	if (!item)
		fail_at(value, rule->unknown, value->text);
	put(value->owner, rule->key, item);
}

static void read_scalar(struct node *scalar, const struct rule *rule)
{
	text_check(scalar);
	if (rule->type == NAME)
		check_name(scalar, rule->mark);
	else if (rule->type == NUMBER)
		read_number(scalar, rule->maximum);
	else if (rule->type == TRUTH)
		read_truth(scalar, rule->key);
	if (rule->choices && !is_among(scalar->text, rule->choices))
		fail_at(scalar, rule->unknown, scalar->text);
	if (rule->refers)
		follow_reference(scalar, rule);
}

static void read_list(const struct rule *rules, const struct rule *rule, struct node *list)
{
	unsigned long long id = 0;
	struct node *item;

	node_require(list, NODE_SEQUENCE, rule->key);
	for_each_item(item, list) {
		if (!rule->item) {
			read_scalar(item, rule);
			continue;
		}
		rules_apply(rules, rule->item, item);
		put_number(item, "id", ++id);
	}
}

static void read_value(const struct rule *rules, const struct rule *rule, struct node *value)
{
	if (rule->type == LIST)
		read_list(rules, rule, value);
	else if (rule->type == MAPPING)
		rules_apply(rules, rule->item, value);
	else if (rule->type != ANY)
		read_scalar(value, rule);
}

static unsigned long long next_number(const struct node *item, const char *key)
{
	struct node *const *place = item->owner->items;

	while (*place != item)
		place++;
	return place == item->owner->items ? 0 : number_of(place[-1], key) + 1;
}

static void check_same(const struct rule *rule, const struct node *mapping)
{
	const struct node *same = node_same(mapping, rule->key);

	if (same != mapping)
		fail_at(node_find(mapping, rule->key), rule->same, text_of(same, "name"),
			text_of(mapping, "name"), number_of(mapping, rule->key));
}

static _Noreturn void fail_key(const struct node *place, const char *key)
{
	fail_at(place, "unknown key \"%s\" here: correct or remove it", key);
}

static void read_key(const struct rule *rules, const struct rule *rule, struct node *mapping)
{
	struct node *value = node_find(mapping, rule->key);

	if ((rule->when && !node_find(mapping, rule->when)) ||
	    (rule->unless && node_find(mapping, rule->unless))) {
		if (value)
			fail_key(value, rule->key);
		return;
	}
	if (value)
		read_value(rules, rule, value);
	else if (rule->counts)
		put_number(mapping, rule->key, next_number(mapping, rule->key));
	else if (!rule->optional)
		fail_at(mapping, "\"%s\" is missing: add it", rule->key);
	if (rule->same)
		check_same(rule, mapping);
	if (value && rule->check)
		rule->check(value);
}

static bool is_known(const struct rule *rules, const char *name, const char *key)
{
	while (rules->mapping &&
	       (!rules->key || strcmp(rules->mapping, name) || strcmp(rules->key, key)))
		rules++;
	return rules->mapping;
}

void rules_apply(const struct rule *rules, const char *name, struct node *mapping)
{
	const struct rule *rule;
	size_t i;

	node_require(mapping, NODE_MAPPING, "this");
	for (i = 0; i < mapping->count; i++)
		if (!is_known(rules, name, mapping->keys[i]->text))
			fail_key(mapping->keys[i], mapping->keys[i]->text);
	for (rule = rules; rule->mapping; rule++) {
		if (strcmp(rule->mapping, name))
			continue;
		if (rule->key)
			read_key(rules, rule, mapping);
		else
			rule->check(mapping);
	}
}
