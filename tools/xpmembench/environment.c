// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads what figures depend on: processors, kernel, settings, versions and places. */
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <linux/mempolicy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "xpmembench.h"

static void copy_text(char *text, size_t length, const char *from)
{
	snprintf(text, length, "%.*s", (int)strcspn(from, "\n"), from);
}

/* The first line of a file; the text stays as it is if there is none. */
static bool read_line(const char *path, char *text, size_t length)
{
	FILE *file = fopen(path, "re");
	bool is_read = file && fgets(text, length, file);

	if (file)
		fclose(file);
	if (is_read)
		text[strcspn(text, "\n")] = 0;
	return is_read;
}

/* The value of a line of /proc/cpuinfo, or NULL. */
static const char *cpu_value(const char *line, const char *key)
{
	size_t length = strlen(key);

	if (strncmp(line, key, length))
		return NULL;
	line += length + strspn(line + length, " \t");
	return *line == ':' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

static void read_cpu(struct environment *environment)
{
	/* of x86, POWER, and some of Arm */
	static const char *const keys[] = { "model name", "cpu", "Model" };
	FILE *file = fopen("/proc/cpuinfo", "re");
	const char *value;
	char line[4096];
	size_t i;

	while (file && fgets(line, sizeof(line), file)) {
		for (i = 0; i < sizeof(keys) / sizeof(*keys) && !environment->cpu[0]; i++) {
			value = cpu_value(line, keys[i]);
			if (value)
				copy_text(environment->cpu, sizeof(environment->cpu), value);
		}
		value = cpu_value(line, "flags");
		if (value && strstr(value, "hypervisor"))
			environment->virtual_machine = true;
	}
	if (file)
		fclose(file);
	if (!environment->cpu[0])
		read_line("/sys/firmware/devicetree/base/model", environment->cpu,
			  sizeof(environment->cpu));
	environment->emulated = strstr(environment->cpu, "QEMU") || strstr(environment->cpu, "TCG");
}

static long count_nodes(void)
{
	DIR *folder = opendir("/sys/devices/system/node");
	struct dirent *entry;
	unsigned int node;
	long count = 0;

	while (folder && (entry = readdir(folder)))
		count += sscanf(entry->d_name, "node%u", &node) == 1;
	if (folder)
		closedir(folder);
	return count ? count : 1;
}

/* The choice of a kernel's setting, which is in brackets. */
static void read_choice(const char *path, char *text, size_t length)
{
	char line[128], *begin, *end;

	if (!read_line(path, line, sizeof(line)))
		return;
	begin = strchr(line, '[');
	end = begin ? strchr(begin, ']') : NULL;
	if (end)
		snprintf(text, length, "%.*s", (int)(end - begin - 1), begin + 1);
}

/* The file of the library in use, whose name has the version. */
static void read_library(char *text, size_t length)
{
	char path[PATH_MAX];
	void *call = dlsym(RTLD_DEFAULT, "xpmem_make");
	const char *name;
	Dl_info info;

	if (!call || !dladdr(call, &info) || !realpath(info.dli_fname, path))
		return;
	name = strrchr(path, '/');
	copy_text(text, length, name ? name + 1 : path);
}

void environment_read(struct environment *environment)
{
	struct utsname name;
	time_t seconds = time(NULL);
	struct tm parts;

	strftime(environment->date, sizeof(environment->date), "%Y-%m-%dT%H:%M:%SZ",
		 gmtime_r(&seconds, &parts));
	uname(&name);
	copy_text(environment->kernel, sizeof(environment->kernel), name.release);
	copy_text(environment->machine, sizeof(environment->machine), name.machine);
	environment->processors = sysconf(_SC_NPROCESSORS_ONLN);
	environment->page_size = sysconf(_SC_PAGESIZE);
	environment->nodes = count_nodes();
	read_cpu(environment);
	read_choice("/sys/kernel/mm/transparent_hugepage/enabled", environment->huge_pages,
		    sizeof(environment->huge_pages));
	read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", environment->governor,
		  sizeof(environment->governor));
	if (getloadavg(&environment->load, 1) != 1)
		environment->load = -1;
	copy_text(environment->program, sizeof(environment->program), XPMEM_VERSION);
	read_library(environment->library, sizeof(environment->library));
	read_line("/sys/module/xpmem/version", environment->module, sizeof(environment->module));
	environment->xpmem_version = xpmem_version();
}

/* The caller's part: that of a sender with @memory, of a receiver without. */
void environment_place(struct placement *placement, const void *memory)
{
	unsigned int processor, node;
	int memory_node = -1;

	if (syscall(SYS_getcpu, &processor, &node, NULL))
		processor = node = -1;
	if (!memory) {
		placement->receiver_processor = processor;
		placement->receiver_node = node;
		return;
	}
	placement->sender_processor = processor;
	placement->sender_node = node;
	if (syscall(SYS_get_mempolicy, &memory_node, NULL, 0, memory, MPOL_F_NODE | MPOL_F_ADDR))
		memory_node = -1;
	placement->memory_node = memory_node;
}
