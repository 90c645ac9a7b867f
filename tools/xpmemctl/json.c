/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <netlink/attr.h>
#include <string.h>

#include "xpmemctl.h"

static struct json_object *format(const char *pattern, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), pattern, value);
	return json_object_new_string(text);
}

/* A value without a name is shown as a number, so that a newer module can be read. */
static struct json_object *name_of(uint64_t value, const struct value_name *names)
{
	for (; names->name; names++)
		if (names->value == value)
			return json_object_new_string(names->name);
	return format("0x%" PRIx64, value);
}

static struct json_object *names_of(uint64_t mask, const struct value_name *names)
{
	struct json_object *array = json_object_new_array(), *name;
	uint64_t bit;

	for (; array && mask; mask &= ~bit) {
		bit = mask & -mask;
		name = name_of(bit, names);
		if (!name || json_object_array_add(array, name)) {
			json_object_put(name);
			json_object_put(array);
			return NULL;
		}
	}
	return array;
}

static struct json_object *from_attribute(const struct attribute *attribute, struct nlattr *raw)
{
	uint64_t value = 0;

	switch (attribute->type) {
	case ATTRIBUTE_STRING:
		return json_object_new_string(nla_get_string(raw));
	case ATTRIBUTE_U32:
		value = nla_get_u32(raw);
		break;
	case ATTRIBUTE_U64:
	case ATTRIBUTE_S64:
		value = nla_get_u64(raw);
		break;
	}
	switch (attribute->form) {
	case FORM_HEX:
		return format("0x%" PRIx64, value);
	case FORM_OCTAL:
		return format("%04" PRIo64, value);
	case FORM_NAME:
		return name_of(value, attribute->names);
	case FORM_NAMES:
		return names_of(value, attribute->names);
	default:
		if (attribute->type == ATTRIBUTE_S64)
			return json_object_new_int64(value);
		return json_object_new_uint64(value);
	}
}

struct json_object *json_from_attributes(const struct attribute_set *set, struct nlattr **attributes)
{
	struct json_object *object = json_object_new_object();
	size_t i;

	for (i = 0; object && i < set->count; i++) {
		const struct attribute *attribute = &set->attributes[i];

		if (attributes[attribute->id] &&
		    !json_put(object, attribute->key, from_attribute(attribute, attributes[attribute->id]))) {
			json_object_put(object);
			object = NULL;
		}
	}
	return object;
}

void json_format_id(char *text, size_t size, int64_t id)
{
	snprintf(text, size, "0x%" PRIx64, id);
}

struct json_object *json_select(struct json_object *array, const char *key, const char *text)
{
	struct json_object *selected = json_object_new_array(), *object, *value;
	size_t i;

	for (i = 0; selected && i < json_object_array_length(array); i++) {
		object = json_object_array_get_idx(array, i);
		if (!json_object_object_get_ex(object, key, &value) || strcmp(json_object_get_string(value), text))
			continue;
		if (json_object_array_add(selected, json_object_get(object))) {
			json_object_put(object);
			json_object_put(selected);
			selected = NULL;
		}
	}
	return selected;
}

bool json_put(struct json_object *object, const char *key, struct json_object *value)
{
	if (value && object && !json_object_object_add(object, key, value))
		return true;
	json_object_put(value);
	return false;
}

struct json_object *json_output(const struct netlink *netlink)
{
	struct json_object *output = json_object_new_object();

	if (!json_put(output, "schema_version", json_object_new_int(SCHEMA_VERSION)) ||
	    (netlink->interrupted && !json_put(output, "interrupted", json_object_new_boolean(1)))) {
		json_object_put(output);
		return NULL;
	}
	return output;
}

enum status json_print(struct json_object *output)
{
	const char *text = json_object_to_json_string_ext(output, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
								  JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		return fail(STATUS_FAILED, "out of memory");
	puts(text);
	return output_finish();
}

enum status output_finish(void)
{
	if (fflush(stdout) || ferror(stdout))
		return fail(STATUS_FAILED, "cannot write the output: %s", strerror(errno));
	return STATUS_OK;
}
