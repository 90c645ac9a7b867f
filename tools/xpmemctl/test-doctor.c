/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests without a module: which refusals doctor reports, of statistics that this file makes up in
 * place of netlink.c. --wrap redirects genl_ctrl_resolve_grp() to this file.
 */
#include <netlink/genl/ctrl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "xpmemctl.h"

struct options options;

static uint64_t refusals;
static const int64_t minute = 60;	/* seconds */
static int64_t age;			/* seconds since the last refusal */
static bool dated = true;	/* the module tells when it was */
static bool privileged = true;	/* the module gives totals */
static bool usable = true;	/* this process may use netlink */
static bool unloaded;		/* the module goes while doctor runs */

int __wrap_genl_ctrl_resolve_grp(struct nl_sock *socket, const char *family, const char *group);

int __wrap_genl_ctrl_resolve_grp(struct nl_sock *socket, const char *family, const char *group)
{
	(void)socket;
	(void)family;
	(void)group;
	return 1;
}

bool netlink_is_served(bool *may_ask)
{
	*may_ask = usable;
	return usable;
}

enum status netlink_open(struct netlink *netlink)
{
	(void)netlink;
	return STATUS_OK;
}

void netlink_close(struct netlink *netlink)
{
	(void)netlink;
}

enum status netlink_get(struct netlink *netlink, const struct operation *operation, int64_t id,
			struct json_object **object)
{
	(void)netlink;
	(void)id;
	*object = json_object_new_object();
	if (operation == &operation_info_get) {
		if (privileged)
			json_put_number(*object, "segments", 0);
		json_put_number(*object, "max_segments", 1);
		return STATUS_OK;
	}
	if (!privileged)
		abort();
	json_put_number(*object, "ptrace_denials", refusals);
	json_put_number(*object, "limit_hits", 0);
	if (dated && refusals)
		json_put_number(*object, "last_ptrace_denial", time(NULL) - age);
	return STATUS_OK;
}

enum status netlink_dump(struct netlink *netlink, const struct operation *operation,
			 const struct filter *filter, visitor *visit, void *data)
{
	(void)netlink;
	(void)operation;
	(void)filter;
	(void)visit;
	(void)data;
	return unloaded ? fail(STATUS_NO_MODULE, "the module is gone") : STATUS_OK;
}

/* usage.c has commands, which are not tested here. */
enum status netlink_collect(struct netlink *netlink, const struct operation *operation,
			    const struct filter *filter, struct json_object **array)
{
	(void)netlink;
	(void)operation;
	(void)filter;
	(void)array;
	abort();
}

bool network_namespace_is_first(void)
{
	return true;
}

static FILE *report;
static int failures;

/* Runs doctor: it must print a text, or must not. */
static void expect(const char *what, const char *text, bool there)
{
	char printed[1 << 14] = "";
	FILE *file = tmpfile(), *real = stdout;
	bool good;

	if (!file)
		abort();
	stdout = file;
	doctor(0, NULL);
	stdout = real;
	rewind(file);
	if (!fread(printed, 1, sizeof(printed) - 1, file))
		abort();
	fclose(file);
	good = !strstr(printed, text) == !there;
	fprintf(report, "%s: %s\n%s", good ? "ok" : "not ok", what, good ? "" : printed);
	failures += !good;
}

int main(void)
{
	report = stderr;
	options.format = FORMAT_TABLE;
	expect("there is no finding without a refusal", "refused", false);
	expect("a limit of one object is in the singular", "of the 1 segment that", true);
	expect("a limit of 0 is what it means", "of the 16777216 permits that", true);
	refusals = 1;
	expect("one refusal is in the singular",
	       "note     refusals: since it was loaded the module refused 1 permit because of the ptrace "
	       "check, the last less than a minute ago\n", true);
	expect("a counter of 0 is no finding", "limits:", false);
	refusals = 12;
	age = 5 * minute + 1;
	expect("several refusals are in the plural", "refused 12 permits because", true);
	expect("the last has its time", "the last 5 minutes ago\n", true);
	expect("the remedy is where the log is", "journalctl -k, or dmesg", true);
	age = minute;
	expect("a minute is in the singular", "the last 1 minute ago\n", true);
	age = 59 * minute;
	expect("an hour has not passed", "the last 59 minutes ago\n", true);
	age = 60 * minute + 10;
	expect("a refusal is old after an hour", "refused", false);
	age = -minute;
	expect("the clock may go back", "the last less than a minute ago\n", true);
	age = 0;
	dated = false;
	expect("an old module keeps no times", "refused", false);
	dated = true;
	privileged = false;
	expect("an ordinary user learns nothing", "refused", false);
	options.format = FORMAT_JSON;
	unloaded = true;
	expect("a check that fails adds no JSON document", "\"error\"", false);
	expect("the findings are one JSON document", "{\"schema_version\":1,\"findings\":[", true);
	options.format = FORMAT_TABLE;
	unloaded = false;
	usable = false;
	expect("doctor says that netlink is forbidden",
	       "module: this process may not use netlink", true);
	expect("doctor does not call the module a different one", "different module", false);
	return failures ? 1 : 0;
}
