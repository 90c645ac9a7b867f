/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What processes and users are called here. A name that cannot be found is no error. */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "xpmemctl.h"

/* Listings repeat few processes and users, and a look-up may ask a server. */
#define CACHE_SIZE 256

struct name {
	bool known;
	uint32_t number;
	char text[64];
};

static struct name commands_cache[CACHE_SIZE], users_cache[CACHE_SIZE];

static void find_command(struct name *name)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/comm", name->number);
	file = fopen(path, "re");
	if (file && fgets(name->text, sizeof(name->text), file))
		name->text[strcspn(name->text, "\n")] = '\0';
	if (file)
		fclose(file);
}

static void find_user_name(struct name *name)
{
	const struct passwd *user = getpwuid(name->number);

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

void command_name(char *text, size_t size, uint32_t pid)
{
	snprintf(text, size, "%s", find(commands_cache, pid, find_command));
}

void user_name(char *text, size_t size, uint32_t uid)
{
	snprintf(text, size, "%s", find(users_cache, uid, find_user_name));
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
