/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests without a module: what --prometheus prints of objects that this file makes up in place of
 * netlink.c. With an argument it prints all metrics, for the checks of tools/monitoring.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xpmemctl.h"

struct options options;

static bool privileged = true;	   /* whether the module gives totals */
static unsigned int exporters = 3; /* how many there are; the last is listed twice */

static bool is_total(const struct attribute *attribute)
{
	return attribute->type == ATTRIBUTE_U64 &&
	       attribute_of_key(&stats_attributes, attribute->key);
}

static void put_value(struct json_object *object, const struct attribute *attribute,
		      unsigned int number)
{
	const char *key = attribute->key;
	char text[32];

	snprintf(text, sizeof(text), "0x%x", 0x1000 + number);
	if (!strcmp(key, "uid") || !strcmp(key, "pid"))
		json_put_number(object, key, 4000000000u + number % 2);
	else if (!strncmp(key, "max_", 4))
		json_put_number(object, key, strcmp(key, "max_permits") ? 100 : 0);
	else if (is_number(attribute))
		json_put_number(object, key, 7);
	else if (attribute->form == FORM_OCTAL)
		json_put(object, key, json_object_new_string("0770"));
	else if (attribute->form == FORM_TEXT)
		json_put(object, key, json_object_new_string("a \"name\"\n\\"));
	else
		json_put(object, key, json_object_new_string(text));
}

/* An object with all attributes of its kind. */
static struct json_object *make(const struct attribute_set *set, unsigned int number)
{
	struct json_object *object = json_object_new_object();
	size_t i;

	for (i = 0; i < set->count; i++) {
		const struct attribute *attribute = &set->attributes[i];

		if (set != &info_attributes || privileged || !is_total(attribute))
			put_value(object, attribute, number);
	}
	return object;
}

enum status netlink_get(struct netlink *netlink, const struct operation *operation, int64_t id,
			struct json_object **object)
{
	(void)netlink;
	(void)id;
	if (operation == &operation_stats_get && !privileged)
		return fail(STATUS_NOT_PERMITTED, "an ordinary user asked for the totals");
	*object = make(operation->set, 0);
	return STATUS_OK;
}

enum status netlink_dump(struct netlink *netlink, const struct operation *operation,
			 const struct filter *filter, visitor *visit, void *data)
{
	enum status status = STATUS_OK;
	struct json_object *object;
	unsigned int i;

	(void)netlink;
	(void)filter;
	for (i = 0; i < exporters && status == STATUS_OK; i++) {
		object = make(operation->set, i);
		status = visit(object, data);
		json_object_put(object);
	}
	return status;
}

enum status netlink_collect(struct netlink *netlink, const struct operation *operation,
			    const struct filter *filter, struct json_object **array)
{
	unsigned int i;

	(void)netlink;
	(void)filter;
	*array = json_object_new_array();
	for (i = 0; i < exporters; i++)
		json_object_array_add(*array, make(operation->set, i));
	if (exporters)
		json_object_array_add(*array, make(operation->set, exporters - 1));
	return STATUS_OK;
}

/* usage.c has commands, which are not tested here. */
enum status netlink_open(struct netlink *netlink)
{
	(void)netlink;
	abort();
}

void netlink_close(struct netlink *netlink)
{
	(void)netlink;
	abort();
}

static int failures;
static char printed[1 << 16];

static void expect(const char *what, bool good)
{
	fprintf(stderr, "%s: %s\n", good ? "ok" : "not ok", what);
	failures += !good;
}

/* How often a text is printed. */
static unsigned int count(const char *text)
{
	unsigned int times = 0;
	const char *place;

	for (place = printed; (place = strstr(place, text)); place++)
		times++;
	return times;
}

/* Prints in another process, as stdout becomes a file. path: of what it then printed. */
static enum status run(const char *path)
{
	struct netlink netlink = { .socket = NULL };
	int state;
	pid_t child = fork();
	FILE *file;

	if (!child) {
		if (!options.output && !freopen(path, "we", stdout))
			_exit(9);
		_exit(prometheus(&netlink));
	}
	if (child < 0 || waitpid(child, &state, 0) < 0 || !WIFEXITED(state))
		abort();
	memset(printed, 0, sizeof(printed));
	file = fopen(path, "re");
	if (file) {
		if (!fread(printed, 1, sizeof(printed) - 1, file))
			*printed = '\0';
		fclose(file);
	}
	return WEXITSTATUS(state);
}

static void test_totals(const char *path)
{
	expect("the machine's metrics are printed", run(path) == STATUS_OK);
	expect("a counter has its help and type",
	       count("# HELP xpmem_faults_total Page faults handled in attachments.\n"
		     "# TYPE xpmem_faults_total counter\nxpmem_faults_total 7\n") == 1);
	expect("a gauge has its help and type",
	       count("# TYPE xpmem_segments gauge\nxpmem_segments 7\n") == 1);
	expect("bytes are a unit", count("\nxpmem_attached_bytes 21\n") == 1);
	expect("permission bits are a number", count("\nxpmem_mode_mask 504\n") == 1);
	expect("a limit has the parameter's value", count("\nxpmem_limit_segments 100\n") == 1);
	expect("a limit of 0 is what it means", count("\nxpmem_limit_permits 16777216\n") == 1);
	expect("the user with most objects counts", count("\nxpmem_top_user_segments 2\n") == 1);
	expect("texts of labels are escaped",
	       count("{component=\"module\",version=\"a \\\"name\\\"\\n\\\\\","
		     "abi_version=\"7\"} 1\n") == 1);
	expect("the tool tells its version",
	       count("{component=\"tool\",version=\"" XPMEM_VERSION "\",abi_version=\"") == 1);
	expect("the library tells its version",
	       count("{component=\"library\",version=\"" XPMEM_VERSION "\"} 1\n") == 1);
	expect("there is nothing of one exporter", !count("xpmem_exporter_"));
	expect("there is nothing of one user", !count("xpmem_user_"));
	expect("there is no end of OpenMetrics", !count("# EOF"));
}

/* The number of series depends on nothing but what the caller asked for. */
static void test_kinds(const char *path)
{
	unsigned int lines;

	run(path);
	lines = count("\n");
	exporters = 200;
	run(path);
	expect("more objects make no more series", count("\n") == lines);
	exporters = 3;
	options.by_exporter = true;
	run(path);
	expect("each exporter has a series, even if it is listed twice",
	       count("\nxpmem_exporter_faults_total{id=\"0x") == 3);
	expect("a time is in seconds",
	       count("\nxpmem_exporter_created_timestamp_seconds{id=\"0x1002\",pid=\"4000000000\","
		     "uid=\"4000000000\",user=\"4000000000\"} 7\n") == 1);
	options.by_exporter = false;
	options.by_user = true;
	run(path);
	expect("each user has a series",
	       count("\nxpmem_user_segments{uid=\"4000000000\",user=\"4000000000\"} 2\n") == 1 &&
		       count("\nxpmem_user_segments{") == 2);
	privileged = false;
	expect("an ordinary user gets its own",
	       run(path) == STATUS_OK && count("\nxpmem_user_segments{") == 2);
	expect("and no totals", !count("xpmem_faults_total") && !count("xpmem_segments ") &&
					!count("xpmem_attached_bytes") &&
					!count("xpmem_top_user_"));
	privileged = true;
	options.by_user = false;
}

static void test_file(const char *folder)
{
	char path[4096], device[4096], missing[4096];
	struct stat state;

	snprintf(path, sizeof(path), "%s/xpmem.prom", folder);
	snprintf(device, sizeof(device), "%s/device", folder);
	snprintf(missing, sizeof(missing), "%s/missing/xpmem.prom", folder);
	options.output = path;
	umask(022);
	expect("a file is made", run(path) == STATUS_OK && count("\nxpmem_segments 7\n") == 1);
	expect("others may read it", !stat(path, &state) && (state.st_mode & 07777) == 0644);
	options.output = missing;
	expect("a missing folder is an error", run(path) == STATUS_FAILED);
	options.output = device;
	expect("what is no file stays", !symlink("/dev/null", device) &&
						run(device) == STATUS_FAILED &&
						!lstat(device, &state) && S_ISLNK(state.st_mode));
	options.output = NULL;
	unlink(device);
	unlink(path);
	expect("no other file is left", !rmdir(folder));
}

int main(int argc, char **argv)
{
	char folder[] = "/tmp/test-prometheus.XXXXXX", path[64];
	struct netlink netlink = { .socket = NULL };

	(void)argv;
	options.format = FORMAT_PROMETHEUS;
	if (argc > 1) {
		options.by_exporter = options.by_user = true;
		return prometheus(&netlink);
	}
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/printed", folder);
	test_totals(path);
	test_kinds(path);
	unlink(path);
	test_file(folder);
	return failures ? 1 : 0;
}
