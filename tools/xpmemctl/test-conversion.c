/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without a module: what attributes become as JSON and as columns. */
#include <fcntl.h>
#include <linux/xpmem.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

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

	message = new_message();
	nla_put_u64(message, XPMEM_A_ATTACHMENT_ID, 2);
	nla_put_u32(message, XPMEM_A_ATTACHMENT_PINNABLE, 1);
	expect_json("a pinnable attachment", convert(&attachment_attributes, message),
		    "{\"id\":\"0x2\",\"pinnable\":1}");
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
	static char text[1 << 17];

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

static const char *const usual[] = { "id",     "uid",	  "name",   "mode",
				     "access", "address", "length", NULL };

static void print_rows(void)
{
	struct json_object *array = two_segments();

	table_print_rows("segments", true, &segment_attributes, usual, NULL, array);
	json_object_put(array);
}

static void print_no_rows(void)
{
	struct json_object *array = json_object_new_array();

	table_print_rows("segments", true, &segment_attributes, usual, NULL, array);
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

/* More rows than give the widths. */
static void print_many_rows(void)
{
	struct json_object *array = json_object_new_array();
	int i;

	for (i = 0; i < 1000; i++)
		json_object_array_add(array, segment(0x10, XPMEM_ACCESS_RDWR, NULL, 4096));
	json_object_array_add(array, segment(0x1000, XPMEM_ACCESS_RDONLY, "late", 1));
	table_print_rows("segments", true, &segment_attributes, usual, NULL, array);
	json_object_put(array);
}

static void choose(char *list, bool more, bool all)
{
	static char *columns[4];
	char *rest = list;

	options.columns = columns;
	options.more_columns = more;
	options.all_columns = all;
	options.column_count = 0;
	while (rest && *rest)
		columns[options.column_count++] = strsep(&rest, ",");
}

static void choose_nothing(void)
{
	choose(NULL, false, false);
	options.columns = NULL;
}

static void test_chosen_columns(void)
{
	char gid[] = "access", users[] = "user,id";
	struct json_object *object = segment(1, XPMEM_ACCESS_RDWR, NULL, 1), *selected;
	char expected[128], name[64];

	choose(gid, true, false);
	expect("a column beside the usual ones, which has it", captured(print_rows),
	       "segments:\n"
	       "ID     UID NAME MODE ACCESS ADDRESS            LENGTH\n"
	       "0x10  1000 heap 0640 rdwr   0xfffffffffffff000   1.0M\n"
	       "0x1ff 1000 -    0640 rdonly 0xfffffffffffff000   4.0K\n");
	choose(users, false, false);
	user_name(name, sizeof(name), 1000);
	snprintf(expected, sizeof(expected), "{\"user\":\"%s\",\"id\":\"0x1\"}", name);
	expect_json("a derived column", columns_select(object), expected);
	choose(NULL, false, true);
	snprintf(expected, sizeof(expected), "%s", name);
	selected = columns_select(object);
	expect("all columns have the derived ones", json_text_or(selected, "user", ""), expected);
	json_object_put(selected);
	json_object_put(object);
	choose_nothing();
}

static void print_sorted(void)
{
	struct json_object *array = two_segments();

	json_object_array_add(array, segment(0x2, XPMEM_ACCESS_RDWR, "aa", UINT64_MAX));
	columns_sort(array);
	table_print_rows("segments", false, &segment_attributes,
			 (const char *const[]){ "id", NULL }, NULL, array);
	json_object_put(array);
}

static void test_sorting(void)
{
	options.no_headings = true;
	options.sort = "length";
	expect("sorted by a number", captured(print_sorted), "0x1ff\n0x10\n0x2\n");
	options.descending = true;
	expect("the greatest first", captured(print_sorted), "0x2\n0x10\n0x1ff\n");
	options.descending = false;
	options.sort = "id";
	expect("sorted by an id", captured(print_sorted), "0x2\n0x10\n0x1ff\n");
	options.sort = "name";
	expect("sorted by a name, without one first", captured(print_sorted), "0x1ff\n0x2\n0x10\n");
	options.sort = NULL;
	options.no_headings = false;
}

static void print_usual_columns(void)
{
	static const char *const columns[] = { "id",     "uid",    "name",    "mode",
					       "access", "length", "created", NULL };
	struct json_object *array = two_segments();

	json_put_number(json_object_array_get_idx(array, 0), "created", 86400);
	json_put_number(json_object_array_get_idx(array, 1), "created", time(NULL));
	table_print_rows("segments", false, &segment_attributes, columns, NULL, array);
	json_object_put(array);
}

/* What is printed on a terminal of this width. Small enough for the terminal's buffer. */
static const char *on_terminal(unsigned short width, void (*print)(void))
{
	static char text[2048];
	struct winsize size = { .ws_col = width, .ws_row = 24 };
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, kept = dup(STDOUT_FILENO);
	struct termios raw;
	size_t length = 0;
	ssize_t got;

	if (master < 0 || kept < 0 || grantpt(master) || unlockpt(master))
		abort();
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0 || tcgetattr(slave, &raw) || ioctl(slave, TIOCSWINSZ, &size))
		abort();
	cfmakeraw(&raw);
	if (tcsetattr(slave, TCSANOW, &raw) || dup2(slave, STDOUT_FILENO) < 0)
		abort();
	print();
	fflush(stdout);
	if (dup2(kept, STDOUT_FILENO) < 0)
		abort();
	close(kept);
	close(slave);
	/* Nothing holds the terminal now, so this ends. */
	while ((got = read(master, text + length, sizeof(text) - 1 - length)) > 0)
		length += got;
	text[length] = '\0';
	close(master);
	return text;
}

/* The columns that do not fit are left out from the end, unless they were asked for. */
static void test_terminals(void)
{
	char today[32], wanted[512];
	char id[] = "id", created[] = "created", *chosen[] = { id, created };

	text_local_time(today, sizeof(today), "%H:%M", time(NULL));
	snprintf(wanted, sizeof(wanted),
		 "ID     UID NAME MODE ACCESS LENGTH CREATED\n"
		 "0x10  1000 heap 0640 rdwr     1.0M 1970-Jan02\n"
		 "0x1ff 1000 -    0640 rdonly   4.0K %s\n", today);
	expect("a terminal with room for all columns", on_terminal(45, print_usual_columns),
	       wanted);
	expect("a terminal without room for the last one", on_terminal(44, print_usual_columns),
	       "ID     UID NAME MODE ACCESS LENGTH\n"
	       "0x10  1000 heap 0640 rdwr     1.0M\n"
	       "0x1ff 1000 -    0640 rdonly   4.0K\n");
	expect("a terminal with room for two columns", on_terminal(14, print_usual_columns),
	       "ID     UID\n"
	       "0x10  1000\n"
	       "0x1ff 1000\n");
	options.columns = chosen;
	options.column_count = 2;
	snprintf(wanted, sizeof(wanted), "%.21s", on_terminal(10, print_usual_columns));
	expect("chosen columns stay, with dates", wanted, "ID    CREATED\n0x10  1");
	options.columns = NULL;
	options.column_count = 0;
}

static void test_times(void)
{
	static const struct {
		uint64_t time, today;
		const char *text;
	} times[] = {
		{ 1796009453, 1796010000, "03:30" },	/* 2026-11-30 */
		{ 1795923053, 1796010000, "Nov29" },
		{ 1764473453, 1796010000, "2025-Nov30" },
		{ 1767225599, 1767225600, "2025-Dec31" },
	};
	char text[32];
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(*times); i++) {
		text_short_time(text, sizeof(text), times[i].time, times[i].today);
		expect("a short time", text, times[i].text);
	}
}

static void test_guesses(void)
{
	static const char *const words[][2] = {
		{ "lst", "list" },
		{ "lits", "list" },
		{ "mon", "monitor" },
		{ "xyz", "" },
		{ "sit", "" },
		{ "mnitr", "monitor" },
		{ "l", "" },
		{ "segmnets", "segments" },
		{ "inpsekt", "inspect" },
		{ "", "" },
	};
	static const char *const candidates[] = { "list", "inspect", "monitor", "segments" };
	struct guess guess;
	size_t i, j;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		guess_begin(&guess, words[i][0]);
		for (j = 0; j < sizeof(candidates) / sizeof(*candidates); j++)
			guess_add(&guess, candidates[j]);
		expect(words[i][0], guess.best ? guess.best : "", words[i][1]);
	}
}

static void test_splitting(void)
{
	char pair[] = "pid=12", key[] = "name", value[] = "a=b",
	     last[] = "uid=", *words[] = { pair, key, value, last }, *split[9];
	int count = filter_split(4, words, split);

	expect("words of pairs", count == 6 ? "6" : "other", "6");
	expect("a key before =", split[0], "pid");
	expect("a value after =", split[1], "12");
	expect("a value with =", split[3], "a=b");
	expect("a value that is empty", split[5], "");
}

static void test_jobs(void)
{
	static const char *const paths[][2] = {
		{ "/slurm/uid_1000/job_123/step_batch", "123" },
		{ "/system.slice/slurmstepd.scope/job_45/step_0/user/task_0", "45" },
		{ "/system.slice/node1_slurmstepd.scope/job_6", "6" },
		{ "/slurm/uid_1000/job_x/step_batch", "" },
		{ "/slurm/uid_1000/job_12x", "" },
		{ "/user.slice/job_7/session", "" },
		{ "/", "" },
		{ "", "" },
	};
	char job[32];
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		job_name(job, sizeof(job), paths[i][0]);
		expect(paths[i][0], job, paths[i][1]);
	}
}

int main(void)
{
	char *lines;

	setenv("TZ", "UTC", 1);
	test_json();
	test_columns();
	options.bytes = true;
	expect("columns", captured(print_rows),
	       "segments:\n"
	       "ID     UID NAME MODE ACCESS ADDRESS             LENGTH\n"
	       "0x10  1000 heap 0640 rdwr   0xfffffffffffff000 1048576\n"
	       "0x1ff 1000 -    0640 rdonly 0xfffffffffffff000    4096\n");
	options.bytes = false;
	expect("sizes for people", captured(print_rows),
	       "segments:\n"
	       "ID     UID NAME MODE ACCESS ADDRESS            LENGTH\n"
	       "0x10  1000 heap 0640 rdwr   0xfffffffffffff000   1.0M\n"
	       "0x1ff 1000 -    0640 rdonly 0xfffffffffffff000   4.0K\n");
	options.no_headings = true;
	expect("no headings", captured(print_rows),
	       "0x10  1000 heap 0640 rdwr   0xfffffffffffff000   1.0M\n"
	       "0x1ff 1000 -    0640 rdonly 0xfffffffffffff000   4.0K\n");
	expect("no rows and no headings", captured(print_no_rows), "");
	options.no_headings = false;
	expect("no rows", captured(print_no_rows), "no segments\n");
	lines = captured(print_many_rows);
	expect("rows after those that give the widths", lines + strlen(lines) - 108,
	       "0x10 1000 -    0640 rdwr   0xfffffffffffff000   4.0K\n"
	       "0x1000 1000 late 0640 rdonly 0xfffffffffffff000      1\n");
	expect("one object", captured(print_object),
	       "info:\n"
	       "features  legacy,populate\n"
	       "page_size 4.0K\n");
	test_chosen_columns();
	test_sorting();
	test_terminals();
	test_times();
	test_guesses();
	test_splitting();
	test_jobs();
	return failures ? 1 : 0;
}
