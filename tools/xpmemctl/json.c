/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <netlink/attr.h>
#include <string.h>
#include <time.h>

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

#if JSON_C_VERSION_NUM >= 14 << 8
static struct json_object *number_from(uint64_t value)
{
	return json_object_new_uint64(value);
}

uint64_t json_unsigned(struct json_object *value)
{
	return json_object_get_uint64(value);
}
#else
/* json-c before 0.14 has no number above INT64_MAX, but prints what it is told to. */
static int print_unsigned(struct json_object *number, struct printbuf *out, int level, int flags)
{
	char text[sizeof("18446744073709551615")];
	int length =
		snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)json_object_get_int64(number));

	(void)level;
	(void)flags;
	return printbuf_memappend(out, text, length);
}

static struct json_object *number_from(uint64_t value)
{
	struct json_object *number = json_object_new_int64((int64_t)value);

	if (number && value > INT64_MAX)
		json_object_set_serializer(number, print_unsigned, NULL, NULL);
	return number;
}

uint64_t json_unsigned(struct json_object *value)
{
	return (uint64_t)json_object_get_int64(value);
}
#endif

static struct json_object *line_of(const char *text)
{
	char line[256];

	snprintf(line, sizeof(line), "%s", text);
	text_make_line(line);
	return json_object_new_string(line);
}

static struct json_object *from_attribute(const struct attribute *attribute, struct nlattr *raw)
{
	uint64_t value = 0;

	switch (attribute->type) {
	case ATTRIBUTE_STRING:
		return line_of(nla_get_string(raw));
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
		return number_from(value);
	}
}

struct json_object *json_from_attributes(const struct attribute_set *set,
					 struct nlattr **attributes)
{
	struct json_object *object = json_object_new_object();
	size_t i;

	for (i = 0; object && i < set->count; i++) {
		const struct attribute *attribute = &set->attributes[i];

		if (attributes[attribute->id] &&
		    !json_put(object, attribute->key,
			      from_attribute(attribute, attributes[attribute->id]))) {
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

bool json_put(struct json_object *object, const char *key, struct json_object *value)
{
	if (value && object && !json_object_object_add(object, key, value))
		return true;
	json_object_put(value);
	return false;
}

const char *json_text(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_object_get_string(value) :
								NULL;
}

const char *json_text_or(struct json_object *object, const char *key, const char *otherwise)
{
	const char *text = json_text(object, key);

	return text ? text : otherwise;
}

uint64_t json_number(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) ? json_unsigned(value) : 0;
}

bool is_number(const struct attribute *attribute)
{
	return attribute->form <= FORM_TIMESTAMP;
}

bool is_figure(const struct attribute *attribute)
{
	return attribute->form > FORM_NUMBER && attribute->form <= FORM_TIMESTAMP;
}

uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec * UINT64_C(1000000000) + time.tv_nsec;
}

bool json_put_number(struct json_object *object, const char *key, uint64_t number)
{
	return json_put(object, key, json_object_new_int64(number));
}

struct json_object *json_new_decimal(double number)
{
	struct json_object *value = json_object_new_double(number);

	if (value)
		json_object_set_serializer(value, json_object_double_to_json_string, (void *)"%.1f",
					   NULL);
	return value;
}

struct json_object *json_time(uint64_t nanoseconds)
{
	time_t seconds = nanoseconds / 1000000000;
	size_t length = 0;
	char text[64];
	struct tm parts;

	if (gmtime_r(&seconds, &parts))
		length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + length, sizeof(text) - length, ".%09uZ",
		 (unsigned int)(nanoseconds % 1000000000));
	return json_object_new_string(text);
}
