/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds problems that keep programs from using XPMEM, or from using it well. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/xpmem.h>
#include <netlink/genl/ctrl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "xpmemctl.h"

enum state { OK, NOTE, PROBLEM };

static const char *const state_names[] = { [OK] = "ok", [NOTE] = "note", [PROBLEM] = "problem" };

static struct json_object *findings;
static size_t counts[PROBLEM + 1];
static bool lost_finding;

/*
 * Adds a finding. Omits an empty remedy, and an empty command. The remedy tells an administrator
 * what to do, and the command does it.
 */
static void found_with(const char *check, enum state state, const char *remedy,
		       const char *command, const char *format, va_list arguments)
{
	struct json_object *finding = json_object_new_object();
	char text[512];

	vsnprintf(text, sizeof(text), format, arguments);
	text_make_line(text);
	counts[state]++;
	if (json_put(finding, "check", json_object_new_string(check)) &&
	    json_put(finding, "state", json_object_new_string(state_names[state])) &&
	    json_put(finding, "finding", json_object_new_string(text)) &&
	    (!*remedy || json_put(finding, "remedy", json_object_new_string(remedy))) &&
	    (!*command || json_put(finding, "command", json_object_new_string(command))) &&
	    !json_object_array_add(findings, finding))
		return;
	json_object_put(finding);
	lost_finding = true;
}

static void found(const char *check, enum state state, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void found(const char *check, enum state state, const char *remedy, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	found_with(check, state, remedy, "", format, arguments);
	va_end(arguments);
}

/* A finding that a shell command of an administrator mends. */
static void fixable(const char *check, enum state state, const char *remedy, const char *command,
		    const char *format, ...) __attribute__((format(printf, 5, 6)));

static void fixable(const char *check, enum state state, const char *remedy, const char *command,
		    const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	found_with(check, state, remedy, command, format, arguments);
	va_end(arguments);
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

#define MODULES "/lib/modules/"

/*
 * Finds the file that modprobe would load for the running kernel. False if there is none.
 */
static bool find_module_file(const char *release, char *path, size_t size)
{
	char line[1024], *name;
	bool there = false;
	FILE *file;

	snprintf(line, sizeof(line), MODULES "%s/modules.dep", release);
	file = fopen(line, "re");
	if (!file)
		return false;
	while (!there && fgets(line, sizeof(line), file)) {
		line[strcspn(line, ":\n")] = '\0';
		name = strrchr(line, '/');
		name = name ? name + 1 : line;
		there = !strncmp(name, "xpmem.ko", strlen("xpmem.ko"));
	}
	fclose(file);
	if (there)
		snprintf(path, size, "%s%s%s%s", *line == '/' ? "" : MODULES,
			 *line == '/' ? "" : release, *line == '/' ? "" : "/", line);
	return there;
}

/* The kernel appends this to a module that is signed. */
static bool is_signed(const char *path)
{
	static const char mark[] = "~Module signature appended~\n";
	char end[sizeof(mark) - 1];
	FILE *file = fopen(path, "re");
	bool there;

	/* Of a compressed module this tool cannot tell. */
	if (!file || !strstr(path, ".ko") || strcmp(strstr(path, ".ko"), ".ko")) {
		if (file)
			fclose(file);
		return true;
	}
	there = !fseek(file, -(long)sizeof(end), SEEK_END) &&
		fread(end, sizeof(end), 1, file) == 1 && !memcmp(end, mark, sizeof(end));
	fclose(file);
	return there;
}

/* Whether the kernel takes signed modules only: it does under Secure Boot, or if it was told to. */
static bool needs_signature(void)
{
	char line[128];

	return (read_line("/sys/module/module/parameters/sig_enforce", line, sizeof(line)) &&
		*line == 'Y') ||
	       (read_line("/sys/kernel/security/lockdown", line, sizeof(line)) &&
		!strstr(line, "[none]"));
}

/* Where packages install it. */
#define PACKAGES "/usr/share/doc/xpmem/packages.md"

#define WITHOUT_HEADERS \
	"no module xpmem is installed for kernel %s, nor are the headers to build it"

/* Has DKMS build the module once the headers are there. */
static void build_with_headers(const char *release)
{
	if (!access("/etc/debian_version", F_OK))
		fixable("module", PROBLEM,
			"install the package linux-headers-$(uname -r), then: dkms autoinstall",
			"apt-get install linux-headers-$(uname -r) && dkms autoinstall && modprobe xpmem",
			WITHOUT_HEADERS, release);
	else if (!access("/etc/redhat-release", F_OK))
		fixable("module", PROBLEM,
			"install the package kernel-devel-$(uname -r), then: dkms autoinstall",
			"dnf install kernel-devel-$(uname -r) && dkms autoinstall && modprobe xpmem",
			WITHOUT_HEADERS, release);
	else
		found("module", PROBLEM,
		      "install the headers of this kernel, then: dkms autoinstall",
		      WITHOUT_HEADERS, release);
}

/* Tells why there is no module for the running kernel, as far as DKMS knows. */
static void check_missing_file(const char *release)
{
	bool known = !access("/var/lib/dkms/xpmem", F_OK);
	char headers[512];

	snprintf(headers, sizeof(headers), MODULES "%s/build", release);
	if (access(headers, F_OK) && known)
		build_with_headers(release);
	else if (access(headers, F_OK))
		found("module", PROBLEM,
		      "install the headers of this kernel (Debian: linux-headers-$(uname -r), Red Hat: "
		      "kernel-devel-$(uname -r)) and the package xpmem-dkms",
		      WITHOUT_HEADERS, release);
	else if (known)
		fixable("module", PROBLEM,
			"build it with: dkms autoinstall; the log is /var/lib/dkms/xpmem/*/build/make.log",
			"dkms autoinstall && modprobe xpmem",
			"DKMS has xpmem, but no module is installed for kernel %s", release);
	else
		found("module", PROBLEM,
		      "install the package xpmem-dkms, or the module's package for this kernel",
		      "no module xpmem is installed for kernel %s", release);
}

/* The module is not loaded. */
static void check_module_file(void)
{
	struct utsname kernel;
	char path[2048];

	if (uname(&kernel))
		return;
	if (!find_module_file(kernel.release, path, sizeof(path)))
		check_missing_file(kernel.release);
	else if (needs_signature() && !is_signed(path))
		found("module", PROBLEM,
		      "sign it and enroll the key with mokutil, as " PACKAGES " says",
		      "the module is not loaded, this kernel takes signed modules only, and %s is not signed",
		      path);
	else
		fixable("module", PROBLEM,
			needs_signature() ?
				"load it with: modprobe xpmem; if its key is rejected, enroll it with mokutil, "
				"as " PACKAGES " says" :
				"load it with: modprobe xpmem",
			"modprobe xpmem", "the module is installed (%s) and not loaded", path);
}

/* A module of this name is loaded that does not serve the netlink family. */
static void check_other_make(void)
{
	char version[64];

	if (!read_line("/sys/module/xpmem/version", version, sizeof(version)))
		snprintf(version, sizeof(version), "unknown");
	fixable("module", PROBLEM,
		"end the programs that use /dev/xpmem (fuser -v /dev/xpmem), then: modprobe -r xpmem && "
		"modprobe xpmem; if the other one comes back, see: modinfo -n xpmem",
		"modprobe -r xpmem && modprobe xpmem",
		"a different module xpmem is loaded (version %s), which xpmemctl cannot look into",
		version);
}

static void check_module(struct json_object *info, bool loaded)
{
	if (!info) {
		if (loaded)
			check_other_make();
		else
			check_module_file();
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

/* Whether the caller is in a group. */
static bool in_group(gid_t group)
{
	int i, count = getgroups(0, NULL);
	gid_t groups[count > 0 ? count : 1];

	count = getgroups(count, groups);
	for (i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return getegid() == group;
}

/*
 * Whether the administrator has limited the device to the members of a group. The group of root is
 * the default, and says nothing.
 */
static bool has_group_rule(const struct stat *state)
{
	return (state->st_mode & 0066) == 0060 && state->st_gid != 0;
}

/* Only the members of a group may use the device, as the administrator wants. */
static void check_group(const struct stat *state)
{
	const struct group *group = getgrgid(state->st_gid);
	char name[64];

	snprintf(name, sizeof(name), "%u", state->st_gid);
	found("device", geteuid() && !in_group(state->st_gid) ? PROBLEM : OK,
	      geteuid() && !in_group(state->st_gid) ? "have an administrator add you to the group" :
						      "",
	      "members of group %s may use /dev/xpmem", group ? group->gr_name : name);
}

/* With an access control list, the bits of the group are the most that the list may give. */
static bool has_access_list(const struct stat *state)
{
	return (state->st_mode & 0066) == 0060 &&
	       getxattr("/dev/xpmem", "system.posix_acl_access", NULL, 0) > 0;
}

static void check_access_list(bool usable)
{
	found("device", usable ? OK : PROBLEM,
	      usable ? "" : "have an administrator add you to the list: setfacl -m u:USER:rw",
	      "users in the access control list of /dev/xpmem may use it");
}

static void check_device(bool loaded)
{
	struct xpmem_ioc_query query = { .size = sizeof(query) };
	struct stat state;
	int device, error;

	if (stat("/dev/xpmem", &state)) {
		if (loaded)
			found("device", PROBLEM,
			      "check udev and devtmpfs; in a container, pass the device: --device /dev/xpmem",
			      "/dev/xpmem does not exist");
		return;
	}
	device = open("/dev/xpmem", O_RDWR | O_CLOEXEC);
	error = errno;
	if (device < 0 && (error == ENODEV || error == ENXIO)) {
		if (loaded)
			found("device", PROBLEM, "remove the stale node and restart udev",
			      "/dev/xpmem is not the node of the loaded module");
	} else if (device < 0 && error == EPERM) {
		found("device", PROBLEM, "give the container the device: --device /dev/xpmem",
		      "the device controller of this container does not allow /dev/xpmem");
	} else if (has_access_list(&state) &&
		   (device < 0 || !ioctl(device, XPMEM_IOC_QUERY, &query))) {
		check_access_list(device >= 0);
	} else if (has_group_rule(&state) &&
		   (device < 0 || !ioctl(device, XPMEM_IOC_QUERY, &query))) {
		check_group(&state);
	} else if (device < 0) {
		fixable("device", PROBLEM,
			"install the udev rule 60-xpmem.rules, or: chmod 666 /dev/xpmem",
			"chmod 666 /dev/xpmem",
			"/dev/xpmem cannot be opened for reading and writing: %s", strerror(error));
	} else if (ioctl(device, XPMEM_IOC_QUERY, &query)) {
		found("device", PROBLEM, "load the module that came with this tool",
		      "/dev/xpmem belongs to a different module: %s", strerror(errno));
	} else if ((state.st_mode & 0666) != 0666) {
		fixable("device", PROBLEM,
			"install the udev rule 60-xpmem.rules, or, since the module checks access itself: "
			"chmod 666 /dev/xpmem; to give it to one group, see " PACKAGES,
			"chmod 666 /dev/xpmem",
			"/dev/xpmem has mode %04o: not all users may use it",
			state.st_mode & 07777);
	} else {
		found("device", OK, "", "all users may use /dev/xpmem, and it answers");
	}
	if (device >= 0)
		close(device);
}

/*
 * The ipc namespace that the kernel booted with has this number (PROC_IPC_INIT_INO in
 * include/linux/proc_ns.h).
 */
#define FIRST_IPC_NAMESPACE "ipc:[4026531839]"

static void check_namespaces(struct json_object *info)
{
	char own[64] = "";

	if (readlink("/proc/self/ns/ipc", own, sizeof(own) - 1) > 0 &&
	    strcmp(own, FIRST_IPC_NAMESPACE) && !json_number(info, "global_ids"))
		found("ipc_namespace", NOTE,
		      "to share with the host or other containers, run in their ipc namespace (--ipc=host, or "
		      "--ipc=container:NAME)",
		      "this is not the machine's first ipc namespace: ids of processes in other ones mean "
		      "nothing here");
	if (!network_namespace_is_first())
		found("net_namespace", NOTE,
		      "run xpmemctl monitor in the machine's first network namespace",
		      "this is not the machine's first network namespace: events do not arrive here");
}

static void check_library(void)
{
	struct library library;

	if (!library_find(&library))
		found("library", NOTE,
		      "install the package libxpmem0 (Red Hat: libxpmem), which MPI libraries load",
		      "the dynamic linker finds no libxpmem.so.0");
	else if (library.version[0])
		found("library", OK, "", "programs get %s, version %s", library.path,
		      library.version);
	else
		found("library", NOTE,
		      "programs run unchanged; for the calls of xpmem_ext.h, install the package "
		      "libxpmem0 (Red Hat: libxpmem)",
		      "programs get %s, which is a different library", library.path);
}

/*
 * Refusals that are older are history. An hour is time enough for a user to complain and for an
 * administrator to look.
 */
#define LATELY 3600	/* seconds */

static void format_age(char *text, size_t size, uint64_t seconds)
{
	unsigned long long minutes = seconds / 60;

	if (minutes)
		snprintf(text, size, "%llu minute%s ago", minutes, text_plural(minutes));
	else
		snprintf(text, size, "less than a minute ago");
}

/*
 * Adds a finding if the last refusal is recent. Without one there is no time, nor from old modules:
 * that reads as 1970.
 */
static void check_refusal(struct json_object *stats, const char *check, const char *counter,
			  const char *time_of_last, const char *what, const char *why,
			  const char *remedy)
{
	uint64_t times = json_number(stats, counter), last = json_number(stats, time_of_last);
	uint64_t now = time(NULL), age = now > last ? now - last : 0;
	char ago[64];

	if (age > LATELY)
		return;
	format_age(ago, sizeof(ago), age);
	found(check, NOTE, remedy,
	      "since it was loaded the module refused %llu %s%s because of %s, the last %s",
	      (unsigned long long)times, what, text_plural(times), why, ago);
}

/* The administrator sees what the module refused lately. */
static void check_refusals(struct netlink *netlink, struct json_object *info)
{
	struct json_object *stats = NULL, *totals;

	if (!json_object_object_get_ex(info, "segments", &totals) ||
	    netlink_get(netlink, &operation_stats_get, 0, &stats) != STATUS_OK)
		return;
	check_refusal(stats, "refusals", "ptrace_denials", "last_ptrace_denial", "permit",
		      "the ptrace check",
		      "the kernel log names user, process and remedy: journalctl -k, or dmesg");
	check_refusal(stats, "limits", "limit_hits", "last_limit_hit", "object", "a user's limit",
		      "the kernel log names user, process and limit: journalctl -k, or dmesg; see which "
		      "user has most: xpmemctl usage; or raise the max_ parameters");
	json_object_put(stats);
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
		      "if users are not to share memory: echo 0700 > /sys/module/xpmem/parameters/mode_mask, "
		      "and to make it last: echo options xpmem mode_mask=0700 >> /etc/modprobe.d/xpmem.conf",
		      "mode_mask is %s: users may attach memory of other users who allow it", mask);
	if (json_number(info, "global_ids"))
		found("global_ids", NOTE,
		      "to keep containers apart: echo N > /sys/module/xpmem/parameters/global_ids, and to make "
		      "it last: echo options xpmem global_ids=N >> /etc/modprobe.d/xpmem.conf",
		      "ids are valid across ipc namespaces");
	else
		found("global_ids", OK, "", "ids are valid in their own ipc namespace only");
}

static void check_events(struct netlink *netlink)
{
	if (genl_ctrl_resolve_grp(netlink->socket, XPMEM_FAMILY_NAME, XPMEM_GROUP_EVENTS) >= 0)
		found("events", OK, "", "the module sends events to administrators");
	else
		found("events", NOTE, "",
		      "the module sends no events, because this kernel cannot restrict listening to them");
}

static bool is_full(uint64_t count, uint64_t limit)
{
	return count >= limit - limit / 10;
}

/* The user with the most objects of a kind, without the caller; NULL if there is none. */
static struct json_object *find_top_user(struct json_object *users, int noun)
{
	struct json_object *user, *top = NULL;
	size_t i;

	for (i = 0; i < json_object_array_length(users); i++) {
		user = json_object_array_get_idx(users, i);
		if (json_number(user, "uid") != geteuid() &&
		    (!top || json_number(user, nouns[noun].plural) >
				     json_number(top, nouns[noun].plural)))
			top = user;
	}
	return top;
}

static uint64_t count_own(struct json_object *users, int noun)
{
	size_t i;

	for (i = 0; i < json_object_array_length(users); i++) {
		struct json_object *user = json_object_array_get_idx(users, i);

		if (json_number(user, "uid") == geteuid())
			return json_number(user, nouns[noun].plural);
	}
	return 0;
}

/* The caller, and for an administrator the other user that is nearest to the limit. */
static void check_limit(struct json_object *users, int noun, uint64_t limit)
{
	struct json_object *top = find_top_user(users, noun);
	uint64_t own = count_own(users, noun), most = json_number(top, nouns[noun].plural);
	char key[32], name[64], remedy[512];

	snprintf(key, sizeof(key), "max_%s", nouns[noun].plural);
	snprintf(remedy, sizeof(remedy),
		 "raise it: echo NUMBER > /sys/module/xpmem/parameters/%s, and to make it last: "
		 "echo options xpmem %s=NUMBER >> /etc/modprobe.d/xpmem.conf", key, key);
	found(key, is_full(own, limit) ? PROBLEM : OK, is_full(own, limit) ? remedy : "",
	      "this user has %llu of the %llu %s%s that it may have", (unsigned long long)own,
	      (unsigned long long)limit, nouns[noun].singular, text_plural(limit));
	if (!top || !is_full(most, limit))
		return;
	user_name(name, sizeof(name), json_number(top, "uid"));
	snprintf(remedy, sizeof(remedy),
		 "see its processes: xpmemctl list %s user=%s; or raise the limit: echo NUMBER > "
		 "/sys/module/xpmem/parameters/%s, and to make it last: echo options xpmem %s=NUMBER >> "
		 "/etc/modprobe.d/xpmem.conf", nouns[noun].plural, name, key, key);
	found(key, NOTE, remedy, "user %s has %llu of the %llu %s%s that it may have", name,
	      (unsigned long long)most, (unsigned long long)limit, nouns[noun].singular,
	      text_plural(limit));
}

static void check_limits(struct netlink *netlink)
{
	struct json_object *info = NULL, *whole = NULL, *users = NULL;
	int i;

	if (usage_collect(netlink, &info, &whole, &users) == STATUS_OK)
		for (i = NOUN_SEGMENT; i < NOUN_COUNT; i++)
			check_limit(users, i, limit_of(info, i));
	json_object_put(info);
	json_object_put(whole);
	json_object_put(users);
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
		{ "CONFIG_DMA_SHARED_BUFFER", false,
		  "memory cannot be given to devices as dma-bufs" },
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
			found("kernel", kernel_options[i].needed ? PROBLEM : NOTE,
			      "run a kernel that has it", "the kernel lacks %s: %s",
			      kernel_options[i].name, kernel_options[i].without);
}

/* [always] madvise never: the word in brackets. False when it cannot be read. */
static bool read_choice(const char *path, char *value, size_t size)
{
	char line[128], *begin;

	if (!read_line(path, line, sizeof(line)))
		return false;
	begin = strchr(line, '[');
	if (!begin || !strchr(begin, ']'))
		return false;
	snprintf(value, size, "%.*s", (int)strcspn(begin + 1, "]"), begin + 1);
	return true;
}

#define HUGE_PAGES "/sys/kernel/mm/transparent_hugepage/"

/* The module maps huge pages of private memory whole, and those of shared memory in parts. */
static void check_huge_pages(void)
{
	char value[32];

	if (!read_choice(HUGE_PAGES "enabled", value, sizeof(value)))
		found("thp", NOTE, "",
		      "the setting of huge pages of private memory cannot be read");
	else if (strcmp(value, "never"))
		found("thp", OK, "", "huge pages of private memory: %s", value);
	else
		found("thp", NOTE,
		      "to attach much memory faster: echo madvise > " HUGE_PAGES "enabled, and have the "
		      "exporter call madvise(MADV_HUGEPAGE)",
		      "huge pages of private memory are off");
	if (!read_choice(HUGE_PAGES "shmem_enabled", value, sizeof(value)))
		found("shmem_thp", NOTE, "",
		      "the setting of huge pages of shared memory cannot be read");
	else
		found("shmem_thp", OK, "",
		      "huge pages of shared memory: %s; XPMEM maps them in small pages", value);
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
	printf("%zu problem%s, %zu note%s, %zu check%s without a finding\n", counts[PROBLEM],
	       text_plural(counts[PROBLEM]), counts[NOTE], text_plural(counts[NOTE]), counts[OK],
	       text_plural(counts[OK]));
	return output_finish();
}

/* Asks the module, if it is one that answers. */
static void ask_module(struct netlink *netlink, struct json_object **about)
{
	bool usable;

	if (!netlink_is_served(&usable)) {
		if (!usable)
			found("module", PROBLEM,
			      "run it where netlink is allowed; a systemd unit needs AF_NETLINK in "
			      "RestrictAddressFamilies=, a container a seccomp profile with it",
			      "this process may not use netlink, so the module cannot be asked");
		return;
	}
	if (netlink_open(netlink) != STATUS_OK ||
	    netlink_get(netlink, &operation_info_get, 0, about) != STATUS_OK)
		found("module", PROBLEM, "run xpmemctl doctor again",
		      "the module serves netlink, but does not answer");
}

/* Looks at everything. False without memory. */
static bool look(void)
{
	struct json_object *about = NULL;
	struct netlink netlink = { .socket = NULL };
	enum format format = options.format;
	bool loaded = !access("/sys/module/xpmem", F_OK);

	json_object_put(findings);
	memset(counts, 0, sizeof(counts));
	findings = json_object_new_array();
	if (!findings)
		return false;
	/* A check that fails prints its error on stderr, and no JSON document of its own. */
	options.format = FORMAT_TABLE;
	ask_module(&netlink, &about);
	if (about || !counts[PROBLEM])
		check_module(about, loaded);
	check_device(loaded);
	if (about) {
		check_events(&netlink);
		check_parameters(about);
		check_limits(&netlink);
		check_refusals(&netlink, about);
		check_namespaces(about);
	} else {
		check_kernel();
	}
	check_library();
	check_huge_pages();
	check_process_limits();
	options.format = format;
	json_object_put(about);
	netlink_close(&netlink);
	return !lost_finding;
}

/* Runs the commands of problems, or prints them. Returns how many there are. */
static size_t run_commands(enum status *status)
{
	size_t i, known = 0;

	for (i = 0; i < json_object_array_length(findings); i++) {
		struct json_object *finding = json_object_array_get_idx(findings, i);
		const char *command = json_text(finding, "command");

		if (!command || strcmp(json_text(finding, "state"), state_names[PROBLEM]))
			continue;
		known++;
		puts(command);
		*status = output_finish();
		if (*status != STATUS_OK)
			return known;
		if (!options.dry_run && system(command))
			warn("this command failed: %s", command);
	}
	return known;
}

/* Mends what commands mend, and looks again. */
static enum status fix(void)
{
	enum status status = STATUS_OK;
	size_t known;

	if (!counts[PROBLEM]) {
		warn("there is no problem to mend");
		return STATUS_OK;
	}
	known = run_commands(&status);
	if (status != STATUS_OK)
		return status;
	if (!known) {
		warn("no command mends these problems; see: xpmemctl doctor --table");
	} else if (!options.dry_run) {
		if (!look())
			return out_of_memory();
		warn("%zu problem%s left; see: xpmemctl doctor --table", counts[PROBLEM],
		     counts[PROBLEM] == 1 ? " is" : "s are");
	}
	return STATUS_OK;
}

enum status doctor(int count, char **arguments)
{
	enum status status;

	if (count)
		return fail(
			STATUS_USAGE,
			"doctor takes no argument, but there is \"%s\"; see: xpmemctl doctor --help",
			arguments[0]);
	if (options.dry_run && !options.fix)
		return fail(STATUS_USAGE, "--dry-run needs --fix");
	if (!look())
		return out_of_memory();
	/* Scripts that ask for JSON find the commands in it. */
	if (options.dry_run && options.json_wanted)
		options.fix = false;
	status = options.fix ? fix() : print();
	json_object_put(findings);
	findings = NULL;
	return status == STATUS_OK && counts[PROBLEM] ? STATUS_FAILED : status;
}
