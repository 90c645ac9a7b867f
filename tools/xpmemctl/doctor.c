/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds problems that keep programs from using XPMEM, or from using it well. */
#include <errno.h>
#include <fcntl.h>
#include <linux/xpmem.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "xpmemctl.h"

enum state { OK, NOTE, PROBLEM };

static const char *const state_names[] = { [OK] = "ok", [NOTE] = "note", [PROBLEM] = "problem" };

static struct json_object *findings;
static bool has_problem, lost_finding;

/* Omits an empty remedy. */
static void found(const char *check, enum state state, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void found(const char *check, enum state state, const char *remedy, const char *format, ...)
{
	struct json_object *finding = json_object_new_object();
	va_list arguments;
	char text[512];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	has_problem |= state == PROBLEM;
	if (json_put(finding, "check", json_object_new_string(check)) &&
	    json_put(finding, "state", json_object_new_string(state_names[state])) &&
	    json_put(finding, "finding", json_object_new_string(text)) &&
	    (!*remedy || json_put(finding, "remedy", json_object_new_string(remedy))) &&
	    !json_object_array_add(findings, finding))
		return;
	json_object_put(finding);
	lost_finding = true;
}

/* The first line of a file, without its end. False when it cannot be read. */
static bool read_line(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	bool got = file && fgets(text, size, file);

	if (file)
		fclose(file);
	if (got)
		text[strcspn(text, "\n")] = '\0';
	return got;
}

static void check_module(struct json_object *info)
{
	if (!info) {
		found("module", PROBLEM, "load it with: modprobe xpmem",
		      "the module is not loaded, or is too old to answer over netlink");
		return;
	}
	found("module", OK, "", "module %s is loaded and serves ABI version %s",
	      json_text_or(info, "module_version", "?"), json_text_or(info, "abi_version", "?"));
	if (json_number(info, "abi_version") < XPMEM_ABI_VERSION)
		found("version", PROBLEM, "install and load the module that came with this tool",
		      "this tool knows ABI version %d, the module serves %s", XPMEM_ABI_VERSION,
		      json_text_or(info, "abi_version", "none"));
	else if (json_number(info, "abi_version") > XPMEM_ABI_VERSION)
		found("version", NOTE, "install the tool that came with the module",
		      "the module is newer than this tool, which does not show all of its data");
	else
		found("version", OK, "", "tool and module have the same ABI version");
}

static void check_device(bool loaded)
{
	struct xpmem_ioc_query query = { .size = sizeof(query) };
	struct stat state;
	int device;

	if (stat("/dev/xpmem", &state)) {
		found("device", loaded ? PROBLEM : NOTE,
		      loaded ?
			      "check udev and devtmpfs, or make the node with the number in /proc/misc" :
			      "",
		      "/dev/xpmem does not exist");
		return;
	}
	device = open("/dev/xpmem", O_RDWR | O_CLOEXEC);
	if (device < 0) {
		found("device", PROBLEM, "install the udev rule 60-xpmem.rules, or: chmod 666 /dev/xpmem",
		      "/dev/xpmem cannot be opened for reading and writing: %s", strerror(errno));
		return;
	}
	if (ioctl(device, XPMEM_IOC_QUERY, &query))
		found("device", PROBLEM,
		      "find and unload the other module that made /dev/xpmem, and load xpmem",
		      "/dev/xpmem does not answer: %s", strerror(errno));
	else if ((state.st_mode & 0666) != 0666)
		found("device", NOTE,
		      "to open it to all users, since the module checks access itself: chmod 666 /dev/xpmem",
		      "/dev/xpmem has mode %04o: not all users may use it", state.st_mode & 07777);
	else
		found("device", OK, "", "all users may use /dev/xpmem, and it answers");
	close(device);
}

static void check_parameters(struct json_object *info)
{
	const char *mask = json_text_or(info, "mode_mask", "0");
	unsigned long bits = strtoul(mask, NULL, 8);

	if (!(bits & 0077))
		found("mode_mask", OK, "",
		      "mode_mask is %s: users attach their own memory only, whatever mode it is exported with",
		      mask);
	else
		found("mode_mask", NOTE,
		      "if users are not to share memory: echo 0700 > /sys/module/xpmem/parameters/mode_mask",
		      "mode_mask is %s: users may attach memory of other users who allow it", mask);
	if (json_number(info, "global_ids"))
		found("global_ids", NOTE,
		      "to keep containers apart: echo N > /sys/module/xpmem/parameters/global_ids",
		      "ids are valid across ipc namespaces");
	else
		found("global_ids", OK, "", "ids are valid in their own ipc namespace only");
}

static enum status count_one(struct json_object *object, void *data)
{
	unsigned long *count = data;

	if (json_number(object, "uid") == geteuid())
		(*count)++;
	return STATUS_OK;
}

static void check_limits(struct netlink *netlink, struct json_object *info)
{
	char key[64];
	int i;

	for (i = NOUN_SEGMENT; i < NOUN_COUNT; i++) {
		unsigned long count = 0, limit;

		snprintf(key, sizeof(key), "max_%s", nouns[i].plural);
		limit = json_number(info, key);
		if (netlink_dump(netlink, nouns[i].get, NULL, count_one, &count) != STATUS_OK)
			return;
		if (limit && count >= limit - limit / 10)
			found(key, PROBLEM, "raise the parameter of that name in /sys/module/xpmem/parameters",
			      "this user has %lu of the %lu %s that it may have", count, limit, nouns[i].plural);
		else if (limit)
			found(key, OK, "", "this user has %lu of the %lu %s that it may have",
			      count, limit, nouns[i].plural);
		else
			found(key, OK, "", "this user has %lu %s and may have any number", count, nouns[i].plural);
	}
}

/* The kernel's configuration: 'y', 'm' or 0; -1 when it cannot be read. */
static int kernel_option(const char *name)
{
	struct utsname kernel;
	char path[512], line[512], wanted[128];
	int (*end)(FILE *file) = fclose, value = 0;
	FILE *file;

	if (uname(&kernel))
		return -1;
	snprintf(path, sizeof(path), "/boot/config-%s", kernel.release);
	file = fopen(path, "re");
	if (!file) {
		snprintf(path, sizeof(path), "/lib/modules/%s/config", kernel.release);
		file = fopen(path, "re");
	}
	if (!file && !access("/proc/config.gz", R_OK)) {
		file = popen("gzip -dc /proc/config.gz 2>/dev/null", "re");
		end = pclose;
	}
	if (!file)
		return -1;
	snprintf(wanted, sizeof(wanted), "%s=", name);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, wanted, strlen(wanted)))
			value = (unsigned char)line[strlen(wanted)];
	end(file);
	return value;
}

static void check_kernel(void)
{
	static const struct {
		const char *name;
		bool needed;
		const char *without;
	} kernel_options[] = {
		{ "CONFIG_MMU_NOTIFIER", true, "the module cannot be built" },
		{ "CONFIG_HMM_MIRROR", true, "the module cannot be built" },
		{ "CONFIG_DMA_SHARED_BUFFER", false, "memory cannot be given to devices as dma-bufs" },
		{ "CONFIG_TRANSPARENT_HUGEPAGE", false, "there are no transparent huge pages" },
	};
	size_t i;

	if (kernel_option("CONFIG_MODULES") < 0) {
		found("kernel", NOTE, "", "the configuration of the running kernel cannot be read");
		return;
	}
	for (i = 0; i < sizeof(kernel_options) / sizeof(*kernel_options); i++)
		if (kernel_option(kernel_options[i].name) > 0)
			found("kernel", OK, "", "the kernel has %s", kernel_options[i].name);
		else
			found("kernel", kernel_options[i].needed ? PROBLEM : NOTE, "run a kernel that has it",
			      "the kernel lacks %s: %s", kernel_options[i].name, kernel_options[i].without);
}

/* [always] madvise never: the word in brackets. */
static void check_huge_pages(const char *check, const char *path, const char *of)
{
	char line[128], *value, *end;

	if (!read_line(path, line, sizeof(line)) || !(value = strchr(line, '[')) ||
	    !(end = strchr(value, ']'))) {
		found(check, NOTE, "", "the setting of huge pages of %s cannot be read", of);
		return;
	}
	*end = '\0';
	if (!strcmp(value + 1, "never") || !strcmp(value + 1, "deny"))
		found(check, NOTE, "to attach much memory faster, write madvise or advise to that file",
		      "huge pages of %s are off (%s is %s)", of, path, value + 1);
	else
		found(check, OK, "", "huge pages of %s: %s", of, value + 1);
}

static void check_process_limits(void)
{
	char line[64];
	struct rlimit memlock;

	if (read_line("/proc/sys/vm/max_map_count", line, sizeof(line)))
		found("max_map_count", atol(line) < 65530 ? NOTE : OK,
		      atol(line) < 65530 ? "raise it with: sysctl vm.max_map_count=262144" : "",
		      "a process may have %s mappings; each attachment takes one or more",
		      line);
	if (getrlimit(RLIMIT_MEMLOCK, &memlock))
		return;
	if (memlock.rlim_cur == RLIM_INFINITY)
		found("memlock", OK, "", "dma-bufs may pin any amount of memory");
	else
		found("memlock", NOTE,
		      "to pin more, raise memlock in /etc/security/limits.conf, or LimitMEMLOCK=",
		      "dma-bufs of this user may pin %llu bytes in all",
		      (unsigned long long)memlock.rlim_cur);
}

static enum status print(void)
{
	size_t i;

	if (options.format != FORMAT_TABLE)
		return output_document("findings", json_object_get(findings));
	for (i = 0; i < json_object_array_length(findings); i++) {
		struct json_object *finding = json_object_array_get_idx(findings, i);
		const char *remedy = json_text(finding, "remedy");

		printf("%-8s %s: %s\n", json_text(finding, "state"), json_text(finding, "check"),
		       json_text(finding, "finding"));
		if (remedy)
			printf("         %s\n", remedy);
	}
	return output_finish();
}

enum status doctor(int count, char **arguments)
{
	struct json_object *about = NULL;
	struct netlink netlink = { .socket = NULL };
	enum status status;
	bool loaded = !access("/sys/module/xpmem", F_OK);

	if (count)
		return fail(
			STATUS_USAGE,
			"doctor takes no argument, but there is \"%s\"; see: xpmemctl doctor --help",
			arguments[0]);
	findings = json_object_new_array();
	if (!findings)
		return out_of_memory();
	if (loaded) {
		status = netlink_open(&netlink);
		if (status == STATUS_OK)
			status = netlink_get(&netlink, &operation_info_get, 0, &about);
		if (status != STATUS_OK) {
			json_object_put(findings);
			return status;
		}
	}
	check_module(about);
	check_device(loaded);
	if (about) {
		check_parameters(about);
		check_limits(&netlink, about);
	}
	check_kernel();
	check_huge_pages("thp", "/sys/kernel/mm/transparent_hugepage/enabled", "private memory");
	check_huge_pages("shmem_thp", "/sys/kernel/mm/transparent_hugepage/shmem_enabled",
			 "shared memory");
	check_process_limits();
	status = lost_finding ? out_of_memory() : print();
	json_object_put(findings);
	json_object_put(about);
	netlink_close(&netlink);
	return status == STATUS_OK && has_problem ? STATUS_FAILED : status;
}
