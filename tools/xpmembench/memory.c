// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether memory can hold a run: the machine's, and what the cgroups of this process allow. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "xpmembench.h"

struct limit {
	unsigned long long available;
	char of[320];		/* words */
};

/* Reads the number after @key, at the start of a line; or alone, if @key is "". */
static bool read_value(const char *path, const char *key, unsigned long long *value)
{
	FILE *file = fopen(path, "re");
	size_t length = strlen(key);
	bool found = false;
	char line[256];

	while (file && !found && fgets(line, sizeof(line), file))
		found = !strncmp(line, key, length) && sscanf(line + length, "%llu", value) == 1;
	if (file)
		fclose(file);
	return found;
}

/* The names of the files of a version of cgroups. */
struct version {
	const char *root;
	const char *limit;
	const char *used;
	const char *cached[2];	/* what the kernel can drop */
};

static const struct version version1 = {
	"/sys/fs/cgroup/memory",
	"memory.limit_in_bytes",
	"memory.usage_in_bytes",
	{ "total_inactive_file ", "total_active_file " },
};
static const struct version version2 = {
	"/sys/fs/cgroup",
	"memory.max",
	"memory.current",
	{ "inactive_file ", "active_file " },
};

static bool read_in(const char *group, const char *name, const char *key, unsigned long long *value)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", group, name);
	return read_value(path, key, value);
}

static void look_at_group(const struct version *version, const char *group, struct limit *limit)
{
	unsigned long long most, used, cached, reclaimable = 0;
	int i;

	if (!read_in(group, version->limit, "", &most) || !read_in(group, version->used, "", &used))
		return;
	for (i = 0; i < 2; i++)
		if (read_in(group, "memory.stat", version->cached[i], &cached))
			reclaimable += cached;
	used -= reclaimable < used ? reclaimable : used;
	if (most > used && most - used >= limit->available)
		return;
	limit->available = most > used ? most - used : 0;
	snprintf(limit->of, sizeof(limit->of), "in cgroup %.256s (%s)", group, version->limit);
}

/* A group and all above it; those that this mount does not show are left out. */
static void look_at_groups(const struct version *version, const char *name, struct limit *limit)
{
	char group[PATH_MAX];
	char *end;

	snprintf(group, sizeof(group), "%s%s", version->root, name);
	for (;;) {
		look_at_group(version, group, limit);
		end = strrchr(group, '/');
		if (strlen(group) <= strlen(version->root) || !end)
			return;
		*end = 0;
	}
}

static void look_at_cgroups(struct limit *limit)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];
	char *controllers, *name;

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		controllers = strchr(line, ':');
		name = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!name)
			continue;
		*name++ = 0;
		if (!controllers[1])
			look_at_groups(&version2, name, limit);
		else if (strstr(controllers, "memory"))
			look_at_groups(&version1, name, limit);
	}
	if (file)
		fclose(file);
}

bool memory_suffices(const struct plan *plan)
{
	unsigned long long kilobytes, need = plan_need(plan);
	struct limit limit = { .available = ULLONG_MAX };
	const char *other = "";

	if (read_value("/proc/meminfo", "MemAvailable:", &kilobytes)) {
		limit.available = kilobytes * 1024;
		snprintf(limit.of, sizeof(limit.of), "in this machine (MemAvailable)");
	}
	look_at_cgroups(&limit);
	if (need <= limit.available)
		return true;
	if (plan->pairs > 1)
		other = " or --pairs";
	else if (plan->bidirectional)
		other = ", or leave out --bidirectional";
	complain("this run needs %llu MiB of memory, but %llu MiB are available %s; %s%s",
		 (need >> 20) + 1, limit.available >> 20, limit.of, "lower --sizes", other);
	return false;
}
