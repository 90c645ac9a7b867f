/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of processes, users, cgroups and jobs. A name that cannot be found is no error. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "xpmemctl.h"

/* Listings repeat few processes and users, and a look-up may ask a server. */
#define CACHE_SIZE 256

struct name {
	bool known;
	uint32_t number;
	char text[64];
};

static bool foreign_processes, foreign_users;

static struct name commands_cache[CACHE_SIZE], users_cache[CACHE_SIZE];

static void find_command(struct name *name)
{
	char path[64];
	size_t length;
	FILE *file;

	if (foreign_processes)
		return;
	snprintf(path, sizeof(path), "/proc/%u/comm", name->number);
	file = fopen(path, "re");
	/* The kernel adds a newline to the name, which may contain newlines itself. */
	length = file ? fread(name->text, 1, sizeof(name->text) - 1, file) : 0;
	if (length && name->text[length - 1] == '\n')
		name->text[length - 1] = '\0';
	if (file)
		fclose(file);
}

static void find_user_name(struct name *name)
{
	const struct passwd *user = foreign_users ? NULL : getpwuid(name->number);

	if (user)
		snprintf(name->text, sizeof(name->text), "%s", user->pw_name);
	else
		snprintf(name->text, sizeof(name->text), "%u", name->number);
}

static const char *find(struct name *cache, uint32_t number, void (*look)(struct name *name))
{
	struct name *name = &cache[number % CACHE_SIZE];

	if (!name->known || name->number != number) {
		*name = (struct name){ .known = true, .number = number };
		look(name);
		text_make_line(name->text);
	}
	return name->text;
}

/* The first namespaces have fixed numbers, as include/linux/proc_ns.h of the kernel says. */
static bool is_in(const char *path, const char *namespace)
{
	char text[64] = "";

	return readlink(path, text, sizeof(text) - 1) <= 0 || !strcmp(text, namespace);
}

void names_of_first_namespaces(void)
{
	foreign_processes = !is_in("/proc/self/ns/pid", "pid:[4026531836]");
	foreign_users = !is_in("/proc/self/ns/user", "user:[4026531837]");
}

void forget_processes(void)
{
	memset(commands_cache, 0, sizeof(commands_cache));
}

void command_name(char *text, size_t size, uint32_t pid)
{
	snprintf(text, size, "%s", find(commands_cache, pid, find_command));
}

void user_name(char *text, size_t size, uint32_t uid)
{
	snprintf(text, size, "%s", find(users_cache, uid, find_user_name));
}

/* The path in the hierarchy that counts memory: that of version 1, or else the only one. */
static void read_cgroup(uint32_t pid, char *text, size_t size)
{
	char path[64], line[4200], *controllers, *group;
	FILE *file;

	*text = '\0';
	snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		controllers = strchr(line, ':');
		group = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!group)
			continue;
		*group++ = '\0';
		if (!strcmp(controllers, ":memory") || !controllers[1])
			snprintf(text, size, "%s", group);
		if (!strcmp(controllers, ":memory"))
			break;
	}
	if (file)
		fclose(file);
	text_make_line(text);
}

void cgroup_name(char *text, size_t size, uint32_t pid)
{
	static uint32_t last; /* objects of a process follow each other */
	static char group[512];

	if (!last || last != pid)
		read_cgroup(pid, group, sizeof(group));
	last = pid;
	snprintf(text, size, "%s", group);
}

void job_name(char *text, size_t size, const char *cgroup)
{
	const char *job = strstr(cgroup, "/job_");
	int length = job ? strspn(job + 5, "0123456789") : 0;

	*text = '\0';
	if (length && (!job[5 + length] || job[5 + length] == '/') && strstr(cgroup, "slurm"))
		snprintf(text, size, "%.*s", length, job + 5);
}

bool find_user(const char *name, uint64_t *uid)
{
	const struct passwd *user = getpwnam(name);

	if (user)
		*uid = user->pw_uid;
	return user;
}

bool find_group(const char *name, uint64_t *gid)
{
	const struct group *group = getgrnam(name);

	if (group)
		*gid = group->gr_gid;
	return group;
}
