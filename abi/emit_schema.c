/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tools/xpmemctl/schema.json: a JSON Schema of what xpmemctl prints. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "output.h"

static void put(struct json_object *object, const char *key, struct json_object *value)
{
	if (!value || json_object_object_add(object, key, value)) {
		fputs("generate: out of memory\n", stderr);
		exit(1);
	}
}

static void put_text(struct json_object *object, const char *key, const char *text)
{
	put(object, key, json_object_new_string(text));
}

static void append(struct json_object *array, struct json_object *value)
{
	if (!value || json_object_array_add(array, value)) {
		fputs("generate: out of memory\n", stderr);
		exit(1);
	}
}

static struct json_object *reference(const char *name)
{
	struct json_object *object = json_object_new_object();
	char path[128];

	snprintf(path, sizeof(path), "#/$defs/%s", name);
	put_text(object, "$ref", path);
	return object;
}

static void put_choice(struct json_object *object, const struct enumeration *enumeration)
{
	struct json_object *choices = json_object_new_array(), *other = json_object_new_object();
	size_t i;

	for (i = 0; i < enumeration->count; i++) {
		struct json_object *name = json_object_new_object();

		put_text(name, "const", snake(enumeration->entries[i].name));
		put_text(name, "description", enumeration->entries[i].doc);
		append(choices, name);
	}
	put_text(other, "type", "string");
	put_text(other, "pattern", "^0x[0-9a-f]+$");
	put_text(other, "description", "A value that this version has no name for.");
	append(choices, other);
	put(object, "anyOf", choices);
}

static struct json_object *describe(const struct attribute *attribute)
{
	struct json_object *object = json_object_new_object(), *item;

	put_text(object, "description", attribute->doc);
	switch (json_form(attribute)) {
	case JSON_TEXT:
		put_text(object, "type", "string");
		break;
	case JSON_HEX:
		put_text(object, "type", "string");
		put_text(object, "pattern", "^0x[0-9a-f]+$");
		break;
	case JSON_OCTAL:
		put_text(object, "type", "string");
		put_text(object, "pattern", "^0[0-7]{3,}$");
		break;
	case JSON_NUMBER:
		put_text(object, "type", "integer");
		if (attribute->kind != ATTRIBUTE_S64)
			put(object, "minimum", json_object_new_int(0));
		break;
	case JSON_NAME:
		put_choice(object, attribute->enumeration);
		break;
	case JSON_NAMES:
		put_text(object, "type", "array");
		item = json_object_new_object();
		put_choice(item, attribute->enumeration);
		put(object, "items", item);
		put(object, "uniqueItems", json_object_new_boolean(1));
		break;
	}
	return object;
}

static void put_required(struct json_object *object, const char *key)
{
	struct json_object *required = json_object_new_array();

	append(required, json_object_new_string(key));
	put(object, "required", required);
}

static struct json_object *require(const char *key)
{
	struct json_object *object = json_object_new_object();

	put_required(object, key);
	return object;
}

static struct json_object *describe_set(const struct attribute_set *set)
{
	struct json_object *object = json_object_new_object(), *properties = json_object_new_object();
	size_t i;

	put_text(object, "type", "object");
	for (i = 0; i < set->count; i++) {
		if (set->attributes[i].kind == ATTRIBUTE_PAD)
			continue;
		put(properties, snake(set->attributes[i].name), describe(&set->attributes[i]));
		if (!strcmp(set->attributes[i].name, "id"))
			put_required(object, "id");
	}
	put(object, "properties", properties);
	put(object, "additionalProperties", json_object_new_boolean(0));
	return object;
}

static const struct operation *find_operation(const struct netlink_spec *spec, const struct attribute_set *set)
{
	size_t i;

	for (i = 0; i < spec->operation_count; i++)
		if (spec->operations[i].set == set)
			return &spec->operations[i];
	return NULL;
}

/* What is dumped appears alone when inspected, and as a list under the plural of its name. */
static void describe_outputs(const struct netlink_spec *spec, struct json_object *schema)
{
	struct json_object *properties = json_object_new_object(), *any = json_object_new_array();
	struct json_object *version = json_object_new_object(), *interrupted = json_object_new_object(), *list;
	size_t i;

	put(version, "const", json_object_new_int(JSON_SCHEMA_VERSION));
	put_text(version, "description", "Raised when a key goes or changes its meaning; keys may be added without.");
	put(properties, "schema_version", version);
	put(interrupted, "const", json_object_new_boolean(1));
	put_text(interrupted, "description", "Objects came or went while they were listed: some may be missing or there twice.");
	put(properties, "interrupted", interrupted);
	for (i = 0; i < spec->set_count; i++) {
		const struct operation *operation = find_operation(spec, &spec->sets[i]);
		const char *name = snake(spec->sets[i].name);
		char plural[128];

		snprintf(plural, sizeof(plural), "%ss", name);
		put(properties, name, reference(name));
		append(any, require(name));
		if (!operation || !operation->dump)
			continue;
		list = json_object_new_object();
		put_text(list, "type", "array");
		put(list, "items", reference(name));
		put(properties, plural, list);
		append(any, require(plural));
	}
	put_required(schema, "schema_version");
	put(schema, "anyOf", any);
	put(schema, "properties", properties);
	put(schema, "additionalProperties", json_object_new_boolean(0));
}

void emit_schema(const struct specs *specs, const char *root)
{
	struct json_object *schema = json_object_new_object(), *definitions = json_object_new_object();
	struct output output;
	FILE *out = output_open(&output, root, "tools/xpmemctl/schema.json");
	char notice[256];
	size_t i;

	snprintf(notice, sizeof(notice), "SPDX-License-Identifier: GPL-2.0-or-later. " GENERATED_BY " " REGENERATE, NETLINK_SPEC);
	put_text(schema, "$comment", notice);
	put_text(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
	put_text(schema, "title", "Output of xpmemctl");
	put_text(schema, "description",
		 "A key is absent when its value is unknown or not for the caller to see. Ids, addresses and masks are "
		 "hexadecimal strings, permission bits octal strings, lengths and offsets numbers in bytes.");
	put_text(schema, "type", "object");
	describe_outputs(specs->netlink, schema);
	for (i = 0; i < specs->netlink->set_count; i++)
		put(definitions, snake(specs->netlink->sets[i].name), describe_set(&specs->netlink->sets[i]));
	put(schema, "$defs", definitions);
	fprintf(out, "%s\n", json_object_to_json_string_ext(schema, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(schema);
	output_close(&output, out);
}
