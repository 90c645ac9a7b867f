/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests without a module: what doctor reports of statistics that this file makes up in place of
 * netlink.c, and of files of the kernel that it writes. --wrap redirects genl_ctrl_resolve_grp(),
 * access() and fopen() to this file.
 */
#include <linux/xpmem.h>
#include <netlink/genl/ctrl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "xpmemctl.h"

struct options options;

static uint64_t refusals;
static const int64_t minute = 60;	/* seconds */
static int64_t age;			/* seconds since the last refusal */
static unsigned int limit = 1;	/* of segments */
static bool dated = true;	/* the module tells when it was */
static bool privileged = true;	/* the module gives totals */
static bool usable = true;	/* this process may use netlink */
static bool unloaded;		/* the module goes while doctor runs */
static bool loaded = true;
static struct {
	uint32_t uid;
	unsigned int segments;
} holders[2];

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
	return usable && loaded;
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
		json_put_number(*object, "abi_version", XPMEM_ABI_VERSION);
		json_put_number(*object, "max_segments", limit);
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
	enum status status = STATUS_OK;
	unsigned int i, left;

	(void)netlink;
	(void)filter;
	if (unloaded)
		return fail(STATUS_NO_MODULE, "the module is gone");
	if (operation != &operation_segment_get)
		return STATUS_OK;
	for (i = 0; i < sizeof(holders) / sizeof(*holders); i++) {
		for (left = holders[i].segments; left && status == STATUS_OK; left--) {
			struct json_object *segment = json_object_new_object();

			json_put_number(segment, "uid", holders[i].uid);
			status = visit(segment, data);
			json_object_put(segment);
		}
	}
	return status;
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

static char root[] = "/tmp/test-doctor-XXXXXX";	/* of the files of the kernel that the test has */

static bool is_of_kernel(const char *path)
{
	return !strncmp(path, "/sys/", 5) || !strncmp(path, "/lib/modules/", 13) ||
	       !strncmp(path, "/var/lib/dkms/", 14);
}

static const char *find(const char *path)
{
	static char found[4096];

	snprintf(found, sizeof(found), "%s%s", is_of_kernel(path) ? root : "", path);
	return found;
}

int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);

int __wrap_access(const char *path, int mode)
{
	return __real_access(find(path), mode);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	return __real_fopen(find(path), mode);
}

/* The name with 64 bits of offset. */
FILE *__wrap_fopen64(const char *path, const char *mode)
{
	return __real_fopen(find(path), mode);
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
	char command[8192];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	if (system(command))
		abort();
}

/* Makes a file of the kernel, with the folders above it. */
static void write_file(const char *path, const char *text)
{
	run("mkdir -p \"$(dirname '%s%s')\"", root, path);
	run("printf '%%s\\n' '%s' >'%s%s'", text, root, path);
}

static FILE *report;
static int failures;

static enum status status;	/* of the last doctor */

/* Runs doctor: it must print a text, or must not. */
static void expect(const char *what, const char *text, bool there)
{
	char printed[1 << 14] = "";
	FILE *file = tmpfile(), *real = stdout;
	bool good;

	if (!file)
		abort();
	stdout = file;
	status = doctor(0, NULL);
	stdout = real;
	rewind(file);
	printed[fread(printed, 1, sizeof(printed) - 1, file)] = '\0';
	fclose(file);
	good = !strstr(printed, text) == !there;
	fprintf(report, "%s: %s\n%s", good ? "ok" : "not ok", what, good ? "" : printed);
	failures += !good;
}

static void expect_status(const char *what, enum status expected)
{
	fprintf(report, "%s: %s\n", status == expected ? "ok" : "not ok", what);
	failures += status != expected;
}

#define SEGMENTS "segments that it may have\n"

static void test_limits(void)
{
	limit = 100;
	expect("a user without objects is far from the limit",
	       "ok       max_segments: this user has 0 of the 100 " SEGMENTS, true);
	holders[0].uid = geteuid();
	holders[0].segments = 89;
	holders[1].uid = geteuid() + 4000000;
	holders[1].segments = 89;
	expect("eleven are left", "ok       max_segments: this user has 89 of the 100 " SEGMENTS,
	       true);
	expect("another user has eleven left, too", "note     max_segments", false);
	holders[1].segments = 90;
	expect("another user is near its limit", " has 90 of the 100 " SEGMENTS, true);
	expect("which is worth a note", "note     max_segments: user 4", true);
	expect("with a remedy", "xpmemctl list segments user=4", true);
	expect("the caller's own figure stays", "this user has 89 of the 100 " SEGMENTS, true);
	holders[0].segments = 90;
	expect("the caller is near its limit",
	       "problem  max_segments: this user has 90 of the 100 " SEGMENTS, true);
	expect_status("which is a problem", STATUS_FAILED);
	holders[0].segments = holders[1].segments = 0;
	limit = 1;
}

static void test_huge_pages(void)
{
	static const char private[] = "/sys/kernel/mm/transparent_hugepage/enabled";
	static const char shared[] = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";

	write_file(private, "always madvise [never]");
	write_file(shared, "always within_size advise [never] deny force");
	expect("huge pages of private memory are off", "note     thp: huge pages of private", true);
	expect("they take madvise", "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled,",
	       true);
	expect("huge pages of shared memory make nothing faster", "ok       shmem_thp: ", true);
	write_file(private, "always [madvise] never");
	expect("madvise suffices", "ok       thp: huge pages of private memory: madvise\n", true);
	write_file(private, "nonsense");
	expect("an unknown setting", "huge pages of private memory cannot be read", true);
}

static const char unsigned_module[] = "signed modules only, and /lib/modules/";

/* The module is not loaded. */
static void test_signature(void)
{
	struct utsname kernel;
	char file[512], list[512];

	if (uname(&kernel))
		abort();
	snprintf(file, sizeof(file), "/lib/modules/%s/updates/dkms/xpmem.ko", kernel.release);
	snprintf(list, sizeof(list), "/lib/modules/%s/modules.dep", kernel.release);
	write_file(list, "kernel/other.ko:\nupdates/dkms/xpmem.ko:");
	write_file(file, "a module");
	expect("the module waits to be loaded", "load it with: modprobe xpmem", true);
	write_file("/sys/kernel/security/lockdown", "[none] integrity confidentiality");
	expect("an unsigned one does where none is locked down", unsigned_module, false);
	expect("where nothing rejects a key", "key", false);
	write_file("/sys/kernel/security/lockdown", "none [integrity] confidentiality");
	expect("it does not under Secure Boot", unsigned_module, true);
	expect("it has to be signed", "enroll the key with mokutil, as /usr/share/doc/", true);
	write_file(file, "a module and\n~Module signature appended~");
	expect("a signed one does", unsigned_module, false);
	expect("if the machine knows its key", "if its key is rejected, enroll it", true);
	write_file("/sys/kernel/security/lockdown", "[none] integrity confidentiality");
	write_file("/sys/module/module/parameters/sig_enforce", "Y");
	write_file(file, "a module");
	expect("nor where the kernel was told to", unsigned_module, true);
	options.fix = true;
	expect("no command mends that", "modprobe", false);
	expect_status("so the problem stays", STATUS_FAILED);
	write_file("/sys/module/module/parameters/sig_enforce", "N");
	options.dry_run = true;
	expect("a command loads it", "modprobe xpmem\n", true);
	expect_status("and was only printed", STATUS_FAILED);
	options.fix = options.dry_run = false;
}

int main(void)
{
	report = stderr;
	if (!mkdtemp(root))
		abort();
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
	usable = privileged = true;
	expect("a loaded module proves what the kernel has", "kernel:", false);
	expect("programs get the library that ld.so finds", "programs get /", true);
	expect("it has a version", ", version " XPMEM_VERSION "\n", true);
	expect("a summary ends the findings", " without a finding\n", true);
	expect_status("notes are no problem", STATUS_OK);
	test_limits();
	test_huge_pages();
	loaded = false;
	expect("the configuration is looked at otherwise", "kernel:", true);
	test_signature();
	run("rm -r '%s'", root);
	return failures ? 1 : 0;
}
