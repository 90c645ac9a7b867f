/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pairs of a key and a value, by which the kernel filters its dumps. */
#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "xpmemctl.h"

static bool parse_number(const char *text, uint64_t *number)
{
	int base = !strncmp(text, "0x", 2) || !strncmp(text, "0X", 2) ? 16 : 10;
	const char *digits = base == 16 ? text + 2 : text;
	char *end;

	if (!*digits ||
	    digits[strspn(digits, base == 16 ? "0123456789abcdefABCDEF" : "0123456789")])
		return false;
	errno = 0;
	*number = strtoull(digits, &end, base);
	return !errno && !*end;
}

int64_t parse_id(const char *text)
{
	uint64_t id;

	return parse_number(text, &id) && id <= INT64_MAX ? id : 0;
}

bool parse_value(const struct attribute *attribute, const char *text, uint64_t *number)
{
	const struct value_name *name;
	uint64_t limit = UINT64_MAX;

	*number = 0;
	if (attribute->type == ATTRIBUTE_STRING)
		return true;
	for (name = attribute->names; name && name->name; name++)
		if (!strcmp(name->name, text)) {
			*number = name->value;
			return true;
		}
	if (attribute->type == ATTRIBUTE_U32)
		limit = UINT32_MAX;
	else if (attribute->type == ATTRIBUTE_S64)
		limit = INT64_MAX;
	if (parse_number(text, number))
		return *number <= limit;
	if (!strcmp(attribute->key, "uid"))
		return find_user(text, number);
	return !strcmp(attribute->key, "gid") && find_group(text, number);
}

static const struct attribute *find_attribute(const struct attribute_set *set, int id)
{
	size_t i;

	for (i = 0; set->attributes[i].id != id; i++)
		;
	return &set->attributes[i];
}

static const struct attribute *find_key(const struct operation *operation, const char *key)
{
	const struct attribute *attribute;
	size_t i;

	for (i = 0; i < operation->filter_count; i++) {
		attribute = find_attribute(operation->set, operation->filter[i]);
		if (!strcmp(attribute->key, filter_key(key)))
			return attribute;
	}
	return NULL;
}

const char *filter_key(const char *key)
{
	return strcmp(key, "user") ? key : "uid";
}

bool is_command_key(const char *key)
{
	return !strcmp(key, "comm") || !strcmp(key, "command");
}

int filter_split(int count, char **words, char **split)
{
	int i, made = 0;

	for (i = 0; i < count; i++) {
		char *equals = made % 2 ? NULL : strchr(words[i], '=');

		split[made++] = words[i];
		if (!equals)
			continue;
		*equals = '\0';
		split[made++] = equals + 1;
	}
	return made;
}

void filter_kind_first(int count, char **words)
{
	char *kind;
	int i;

	for (i = 0; i < count && noun_of(words[i]) == NOUN_COUNT;)
		i += strchr(words[i], '=') ? 1 : 2;
	if (i >= count)
		return;
	kind = words[i];
	memmove(words + 1, words, i * sizeof(*words));
	words[0] = kind;
}

bool filter_matches(const struct filter *filter, struct json_object *object)
{
	struct json_object *command;
	bool matches;

	if (!filter || !filter->command)
		return true;
	command = column_value(object, "command");
	matches = command && !strcmp(json_object_get_string(command), filter->command);
	json_object_put(command);
	return matches;
}

void filter_list_keys(const struct operation *operation, char *text, size_t size)
{
	size_t i, length = 0;

	*text = '\0';
	for (i = 0; i < operation->filter_count && length < size; i++)
		length += snprintf(text + length, size - length, "%s%s", i ? ", " : "",
				   find_attribute(operation->set, operation->filter[i])->key);
	if (length < size && column_of(operation->set, "command"))
		snprintf(text + length, size - length, ", comm");
}

static bool takes_command(const struct operation *operation, const char *key)
{
	return is_command_key(key) && column_of(operation->set, "command");
}

void filter_guess(const struct operation *operation, struct guess *guess)
{
	size_t i;

	for (i = 0; i < operation->filter_count; i++)
		guess_add(guess, find_attribute(operation->set, operation->filter[i])->key);
	guess_add(guess, "comm");
}

bool filter_takes(const struct operation *operation, int count, char **arguments)
{
	int i;

	for (i = 0; i < count &&
		    (find_key(operation, arguments[i]) || takes_command(operation, arguments[i]));
	     i += 2)
		;
	return i >= count;
}

static enum status refuse_key(const struct operation *operation, const char *key)
{
	struct guess guess;
	char keys[256];

	guess_begin(&guess, key);
	filter_guess(operation, &guess);
	filter_list_keys(operation, keys, sizeof(keys));
	return fail(STATUS_USAGE,
		    "cannot select %ss by \"%s\"; give a key and a value, keys are %s%s",
		    operation->set->name, key, keys, guess_text(&guess, "; ", ""));
}

enum status refuse_value(const struct attribute *attribute, const char *text)
{
	const struct value_name *name;
	char names[256] = "";
	struct guess guess;
	size_t length = 0;

	guess_begin(&guess, text);
	for (name = attribute->names; name && name->name && length < sizeof(names); name++) {
		length += snprintf(names + length, sizeof(names) - length, "%s%s",
				   length ? ", " : "", name->name);
		guess_add(&guess, name->name);
	}
	if (!strcmp(attribute->key, "uid") || !strcmp(attribute->key, "gid"))
		snprintf(names, sizeof(names), "a name that this machine knows");
	return fail(
		STATUS_USAGE,
		"\"%s\" is not a value of %s; give %s%sa number, decimal or 0x and hexadecimal%s",
		text, attribute->key, names, *names ? ", or " : "", guess_text(&guess, "; ", ""));
}

static bool has_term(const struct filter *filter, const struct attribute *attribute)
{
	size_t i;

	for (i = 0; i < filter->count && filter->terms[i].attribute != attribute; i++)
		;
	return i < filter->count;
}

enum status filter_parse(struct filter *filter, const struct operation *operation, int count,
			 char **arguments)
{
	const struct attribute *attribute;
	int i;

	filter->count = 0;
	filter->command = NULL;
	for (i = 0; i < count; i += 2) {
		bool by_command = takes_command(operation, arguments[i]);

		attribute = find_key(operation, arguments[i]);
		if (!attribute && !by_command)
			return refuse_key(operation, arguments[i]);
		if (i + 1 == count)
			return fail(STATUS_USAGE, "\"%s\" lacks a value", arguments[i]);
		if (by_command ? filter->command != NULL : has_term(filter, attribute))
			return fail(STATUS_USAGE, "\"%s\" is given twice; an object has one %s",
				    arguments[i], arguments[i]);
		if (by_command) {
			filter->command = arguments[i + 1];
			continue;
		}
		if (filter->count == FILTER_TERMS)
			return fail(STATUS_USAGE, "too many keys; give at most %d", FILTER_TERMS);
		if (!parse_value(attribute, arguments[i + 1], &filter->terms[filter->count].number))
			return refuse_value(attribute, arguments[i + 1]);
		filter->terms[filter->count].attribute = attribute;
		filter->terms[filter->count++].text = arguments[i + 1];
	}
	return STATUS_OK;
}

bool filter_put(const struct filter *filter, struct nl_msg *message)
{
	size_t i;

	for (i = 0; filter && i < filter->count; i++) {
		const struct attribute *attribute = filter->terms[i].attribute;
		int error;

		if (attribute->type == ATTRIBUTE_STRING)
			error = nla_put_string(message, attribute->id, filter->terms[i].text);
		else if (attribute->type == ATTRIBUTE_U32)
			error = nla_put_u32(message, attribute->id, filter->terms[i].number);
		else
			error = nla_put_u64(message, attribute->id, filter->terms[i].number);
		if (error)
			return false;
	}
	return true;
}
