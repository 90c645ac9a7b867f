/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without a module: what attributes become as JSON and as columns. */
#include <linux/xpmem.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "xpmemctl.h"

static int failures;

struct options options;

static void expect(const char *what, const char *actual, const char *expected)
{
	if (!strcmp(actual, expected)) {
		fprintf(stderr, "ok: %s\n", what);
		return;
	}
	fprintf(stderr, "not ok: %s\n  is:       %s\n  expected: %s\n", what, actual, expected);
	failures++;
}

static struct json_object *convert(const struct attribute_set *set, struct nl_msg *message)
{
	struct nlattr *attributes[set->maximum + 1];
	struct json_object *object;

	if (nlmsg_parse(nlmsg_hdr(message), 0, attributes, set->maximum, NULL) < 0)
		abort();
	object = json_from_attributes(set, attributes);
	nlmsg_free(message);
	return object;
}

static struct nl_msg *new_message(void)
{
	struct nl_msg *message = nlmsg_alloc_simple(0, 0);

	if (!message)
		abort();
	return message;
}

static struct json_object *segment(int64_t id, uint32_t access, const char *name, uint64_t length)
{
	struct nl_msg *message = new_message();

	nla_put_u64(message, XPMEM_A_SEGMENT_ID, id);
	nla_put_u32(message, XPMEM_A_SEGMENT_UID, 1000);
	if (name)
		nla_put_string(message, XPMEM_A_SEGMENT_NAME, name);
	nla_put_u32(message, XPMEM_A_SEGMENT_MODE, 0640);
	nla_put_u32(message, XPMEM_A_SEGMENT_ACCESS, access);
	nla_put_u64(message, XPMEM_A_SEGMENT_ADDRESS, UINT64_C(0xfffffffffffff000));
	nla_put_u64(message, XPMEM_A_SEGMENT_LENGTH, length);
	return convert(&segment_attributes, message);
}

static void expect_json(const char *what, struct json_object *object, const char *expected)
{
	expect(what, json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN), expected);
	json_object_put(object);
}

static void test_json(void)
{
	struct nl_msg *message;

	expect_json(
		"64 bits survive, an absent name is left out",
		segment(INT64_MAX, XPMEM_ACCESS_RDONLY, NULL, UINT64_MAX),
		"{\"id\":\"0x7fffffffffffffff\",\"uid\":1000,\"mode\":\"0640\",\"access\":\"rdonly\","
		"\"address\":\"0xfffffffffffff000\",\"length\":18446744073709551615}");
	expect_json(
		"a value without a name", segment(1, 77, "a \"b\"", 4096),
		"{\"id\":\"0x1\",\"uid\":1000,\"name\":\"a \\\"b\\\"\",\"mode\":\"0640\",\"access\":\"0x4d\","
		"\"address\":\"0xfffffffffffff000\",\"length\":4096}");

	message = new_message();
	nla_put_u64(message, XPMEM_A_INFO_FEATURES,
		    XPMEM_FEATURE_NETLINK | XPMEM_FEATURE_SEGMENT_FD | UINT64_C(1) << 63);
	nla_put_u32(message, XPMEM_A_INFO_MODE_MASK, 0);
	nla_put_string(message, XPMEM_A_INFO_MODULE_VERSION, "3.0.0");
	expect_json(
		"names of bits, a bit without a name, mode zero",
		convert(&info_attributes, message),
		"{\"module_version\":\"3.0.0\",\"features\":[\"netlink\",\"segment_fd\",\"0x8000000000000000\"],"
		"\"mode_mask\":\"0000\"}");

	expect_json(
		"a name that is no UTF-8", segment(1, XPMEM_ACCESS_RDWR, "a\xff\xc3", 4096),
		"{\"id\":\"0x1\",\"uid\":1000,\"name\":\"a??\",\"mode\":\"0640\",\"access\":\"rdwr\","
		"\"address\":\"0xfffffffffffff000\",\"length\":4096}");

	message = new_message();
	nla_put_u64(message, XPMEM_A_INFO_FEATURES, 0);
	expect_json("no bits", convert(&info_attributes, message), "{\"features\":[]}");
}

static struct json_object *two_segments(void)
{
	struct json_object *array = json_object_new_array();

	json_object_array_add(array, segment(0x10, XPMEM_ACCESS_RDWR, "heap", 1048576));
	json_object_array_add(array, segment(0x1ff, XPMEM_ACCESS_RDONLY, NULL, 4096));
	return array;
}

static void test_columns(void)
{
	static char length[] = "length", name[] = "name", id[] = "id",
		    *columns[] = { length, name, id };
	struct json_object *array = two_segments();

	options.columns = columns;
	options.column_count = 3;
	expect_json("columns that are chosen", columns_select(json_object_array_get_idx(array, 0)),
		    "{\"length\":1048576,\"name\":\"heap\",\"id\":\"0x10\"}");
	expect_json("columns of which one is absent",
		    columns_select(json_object_array_get_idx(array, 1)),
		    "{\"length\":4096,\"id\":\"0x1ff\"}");
	options.columns = NULL;
	options.column_count = 0;
	json_object_put(array);
}

/* Columns go to stdout, so they are collected there. */
static char *captured(void (*print)(void))
{
	FILE *file = tmpfile(), *real = stdout;
	static char text[4096];

	if (!file)
		abort();
	stdout = file;
	print();
	stdout = real;
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void print_rows(void)
{
	struct json_object *array = two_segments();

	table_print_rows("segments", &segment_attributes, array);
	json_object_put(array);
}

static void print_no_rows(void)
{
	struct json_object *array = json_object_new_array();

	table_print_rows("segments", &segment_attributes, array);
	json_object_put(array);
}

static void print_object(void)
{
	struct json_object *object;
	struct nl_msg *message = new_message();

	nla_put_u64(message, XPMEM_A_INFO_FEATURES, XPMEM_FEATURE_LEGACY | XPMEM_FEATURE_POPULATE);
	nla_put_u32(message, XPMEM_A_INFO_PAGE_SIZE, 4096);
	object = convert(&info_attributes, message);
	table_print_object("info", &info_attributes, object);
	json_object_put(object);
}

int main(void)
{
	test_json();
	test_columns();
	expect("columns", captured(print_rows),
	       "segments:\n"
	       "ID      UID  NAME  MODE  ACCESS  ADDRESS              LENGTH\n"
	       "0x10   1000  heap  0640  rdwr    0xfffffffffffff000  1048576\n"
	       "0x1ff  1000  -     0640  rdonly  0xfffffffffffff000     4096\n");
	options.human = true;
	expect("columns for people", captured(print_rows),
	       "segments:\n"
	       "ID      UID  NAME  MODE  ACCESS  ADDRESS             LENGTH\n"
	       "0x10   1000  heap  0640  rdwr    0xfffffffffffff000    1.0M\n"
	       "0x1ff  1000  -     0640  rdonly  0xfffffffffffff000    4.0K\n");
	options.human = false;
	expect("no rows", captured(print_no_rows), "no segments\n");
	expect("one object", captured(print_object),
	       "info:\n"
	       "features   legacy,populate\n"
	       "page_size  4096\n");
	return failures ? 1 : 0;
}
