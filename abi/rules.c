/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

static void check_name(const struct node *name, char mark)
{
	char letters[] = "?abcdefghijklmnopqrstuvwxyz0123456789";

	letters[0] = mark;
	if (!islower((unsigned char)*name->text) || name->text[strspn(name->text, letters)])
		fail_at(name,
			"name \"%s\" must be made of a-z, 0-9 and %c, and begin with a letter",
			name->text, mark);
}

static void check_number(const struct node *scalar, unsigned long long maximum)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(scalar->text, &end, 0);
	if (*end || errno || !isdigit((unsigned char)*scalar->text))
		fail_at(scalar, "\"%s\" is not a number", scalar->text);
	if (maximum && number > maximum)
		fail_at(scalar, "%s is too large: at most %#llx", scalar->text, maximum);
}

static void follow_reference(struct node *value, const struct rule *rule)
{
	const struct node *list = node_find(node_root(value), rule->refers);
	struct node *item = node_named(list, value->text);

	if (!item)
		fail_at(value, "no %s \"%s\": define it under \"%s\"", rule->key, value->text,
			rule->refers);
	put(value->owner, rule->key, item);
}

static void read_scalar(struct node *scalar, const struct rule *rule)
{
	node_require(scalar, NODE_SCALAR, "this");
	if (!*scalar->text)
		fail_at(scalar, "the value is empty: write one");
	if (rule->type == NAME)
		check_name(scalar, rule->mark);
	else if (rule->type == NUMBER)
		check_number(scalar, rule->maximum);
	if (rule->choices && !is_among(scalar->text, rule->choices))
		fail_at(scalar, "\"%s\" cannot be \"%s\": choose from %s", rule->key,
			scalar->text, rule->choices);
	if (rule->refers)
		follow_reference(scalar, rule);
}

static void read_value(const struct rule *rules, const struct rule *rule, struct node *value)
{
	struct node *item;

	if (rule->type == MAPPING && rule->item) {
		rules_apply(rules, rule->item, value);
	} else if (rule->type == MAPPING || rule->type == LIST) {
		node_require(value, rule->type == LIST ? NODE_SEQUENCE : NODE_MAPPING, rule->key);
		for_each_item(item, value) {
			if (rule->item)
				rules_apply(rules, rule->item, item);
			else
				read_scalar(item, rule);
		}
	} else {
		read_scalar(value, rule);
	}
}

static void check_unique(const struct rule *rule, const struct node *mapping)
{
	const struct node *value = node_find(mapping, rule->key), *other;

	for (other = mapping->previous; other; other = other->previous)
		if (rule->type == NUMBER ?
			    number_of(other, rule->key) == number_of(mapping, rule->key) :
			    text_is(other, rule->key, value->text))
			fail_at(value, "%s \"%s\" occurs twice, first in line %d: change one",
				rule->key, value->text, node_find(other, rule->key)->line);
}

static _Noreturn void fail_key(const struct node *place, const char *key)
{
	fail_at(place, "unknown key \"%s\" here: correct or remove it", key);
}

static void read_key(const struct rule *rules, const struct rule *rule, struct node *mapping)
{
	struct node *value = node_find(mapping, rule->key), *previous = mapping->previous;

	if ((rule->when && !node_find(mapping, rule->when)) ||
	    (rule->unless && node_find(mapping, rule->unless))) {
		if (value)
			fail_key(value, rule->key);
		return;
	}
	if (value)
		read_value(rules, rule, value);
	else if (rule->counts)
		put_number(mapping, rule->key, previous ? number_of(previous, rule->key) + 1 : 0);
	else if (!rule->optional)
		fail_at(mapping, "\"%s\" is missing: add it", rule->key);
	if (rule->unique)
		check_unique(rule, mapping);
	if (value && rule->check)
		rule->check(value);
}

/* Keys that checks have put are in no file, and have no owner. */
static bool is_known(const struct rule *rules, const char *name, const struct node *key)
{
	while (rules->mapping && !(rules->key && is_among(name, rules->mapping) &&
				   !strcmp(rules->key, key->text)))
		rules++;
	return rules->mapping || !key->owner;
}

void rules_apply(const struct rule *rules, const char *name, struct node *mapping)
{
	const struct rule *rule;
	size_t i;

	node_require(mapping, NODE_MAPPING, "this");
	put_number(mapping, "id", number_of(mapping->previous, "id") + 1);
	for (i = 0; i < mapping->count; i++)
		if (!is_known(rules, name, mapping->keys[i]))
			fail_key(mapping->keys[i], mapping->keys[i]->text);
	for (rule = rules; rule->mapping; rule++) {
		if (!is_among(name, rule->mapping))
			continue;
		if (rule->key)
			read_key(rules, rule, mapping);
		else
			rule->check(mapping);
	}
}
