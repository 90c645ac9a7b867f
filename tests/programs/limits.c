/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one user may hold: the parameters max_segments, max_permits and max_attachments, and the
 * memory cgroup. The caller sets the parameters back.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "device.h"

#define LIMIT 20
#define USER 4001
#define OTHER_USER 4002
#define CGROUP "/sys/fs/cgroup/xpmem-limits"

static long page;

static void limit(const char *objects, long most)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), "/sys/module/xpmem/parameters/max_%s", objects);
	snprintf(text, sizeof(text), "%ld", most);
	CHECK_OK(write_file(path, text));
}

static struct peer *user_start(long uid)
{
	struct peer *peer = peer_start();

	if (!page)
		page = map_anonymous(PAGE);
	CHECK_OK(on(peer, do_become, uid, uid, 0));
	return peer;
}

static long do_make_page(const long *none)
{
	static long mine;

	(void)none;
	if (!mine)
		mine = map_anonymous(PAGE);
	return MAKE(.vaddr = mine, .length = PAGE, .mode = 0600);
}

/* repeats an operation of a peer until it is refused; how often it was not */
static long exhaust(struct peer *peer, operation *what, long argument)
{
	long count, result;

	for (count = 0; (result = on(peer, what, argument, XPMEM_GET_RDWR)) > 0; count++)
		CHECK(count <= 2 * LIMIT);
	CHECK_EQ(result, -EDQUOT);
	return count;
}

CASE(segments)
{
	struct peer *peer, *other;
	long segid;

	limit("segments", LIMIT);
	peer = user_start(USER);
	segid = CHECK_OK(on(peer, do_make_page, 0));
	CHECK_EQ(exhaust(peer, do_make_page, 0), LIMIT - 1);
	CHECK_OK(on(peer, do_remove, segid));
	CHECK_EQ(exhaust(peer, do_make_page, 0), 1);
	/* each user has a limit of its own, over all its processes */
	CHECK_EQ(exhaust(user_start(USER), do_make_page, 0), 0);
	other = user_start(OTHER_USER);
	CHECK_EQ(exhaust(other, do_make_page, 0), LIMIT);
	/* what ends gives back, however it ends */
	peer_end(peer, SIGKILL);
	CHECK_EQ(exhaust(user_start(USER), do_make_page, 0), LIMIT);
	CHECK_OK(on(other, do_open, 0));
	CHECK_EQ(exhaust(other, do_make_page, 0), LIMIT);
}

CASE(permits)
{
	struct peer *peer;
	long segid, apid;

	limit("permits", LIMIT);
	peer = user_start(USER);
	segid = CHECK_OK(on(peer, do_make_page, 0));
	apid = CHECK_OK(on(peer, do_get, segid, XPMEM_GET_RDWR));
	CHECK_EQ(exhaust(peer, do_get, segid), LIMIT - 1);
	CHECK_OK(on(peer, do_release, apid));
	CHECK_EQ(exhaust(user_start(USER), do_get, segid), 1);
	peer_end(peer, SIGKILL);
	peer = user_start(USER);
	segid = CHECK_OK(on(peer, do_make_page, 0));
	/* the peer that took the last one lives on */
	CHECK_EQ(exhaust(peer, do_get, segid), LIMIT - 1);
}

static long do_attach_page(const long *a)
{
	return ATTACH(.apid = a[0], .length = PAGE);
}

CASE(attachments)
{
	struct peer *peer;
	long apid, at;

	limit("attachments", LIMIT);
	peer = user_start(USER);
	apid = CHECK_OK(on(peer, do_get, CHECK_OK(on(peer, do_make_page, 0)), XPMEM_GET_RDWR));
	at = CHECK_OK(on(peer, do_attach_page, apid));
	CHECK_EQ(exhaust(peer, do_attach_page, apid), LIMIT - 1);
	CHECK_OK(on(peer, do_unmap, at, PAGE));
	CHECK_EQ(exhaust(peer, do_attach_page, apid), 1);
	CHECK_OK(on(peer, do_release, apid));
	apid = CHECK_OK(on(peer, do_get, CHECK_OK(on(peer, do_make_page, 0)), XPMEM_GET_RDWR));
	CHECK_EQ(exhaust(peer, do_attach_page, apid), LIMIT);
}

static long do_make_legacy(const long *none)
{
	struct xpmem_cmd_make make = {
		.vaddr = map_anonymous(PAGE), .size = PAGE, .permit_type = 1, .permit_value = 0600
	};
	long result = device_call(XPMEM_CMD_MAKE, &make);

	(void)none;
	return result ? result : make.segid;
}

CASE(legacy)
{
	limit("segments", LIMIT);
	CHECK_EQ(exhaust(user_start(USER), do_make_legacy, 0), LIMIT);
}

/* a process that may raise resource limits has none here */
CASE(privileged)
{
	struct peer *peer;
	int i;

	limit("segments", LIMIT);
	peer = peer_start();
	for (i = 0; i < 2 * LIMIT; i++)
		CHECK_OK(on(peer, do_make_page, 0));
}

CASE(none)
{
	struct peer *peer;
	int i;

	limit("segments", 0);
	peer = user_start(USER);
	for (i = 0; i < 2 * LIMIT; i++)
		CHECK_OK(on(peer, do_make_page, 0));
}

/* its root has every capability there, and is the same user outside */
CASE(user_namespace)
{
	struct peer *peer;

	limit("segments", LIMIT);
	CHECK_EQ(exhaust(user_start(USER), do_make_page, 0), LIMIT);
	peer = user_start(USER);
	CHECK_OK(on(peer, do_unshare, CLONE_NEWUSER));
	CHECK_EQ(exhaust(peer, do_make_page, 0), 0);
}

static void *make_many(void *argument)
{
	long *made = argument;

	while (MAKE(.vaddr = page, .length = PAGE, .mode = 0600) > 0)
		++*made;
	return NULL;
}

#define THREADS 8

static long do_race(const long *none)
{
	long made[THREADS] = { 0 }, sum = 0;
	pthread_t threads[THREADS];
	int i;

	(void)none;
	for (i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, make_many, &made[i]), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		sum += made[i];
	}
	return sum;
}

static void write_map(const struct peer *peer, const char *file, long outside)
{
	char path[64], line[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", peer_pid(peer), file);
	snprintf(line, sizeof(line), "0 %ld 1\n", outside);
	CHECK_OK(write_file(path, line));
}

static long do_unshare_users(const long *none)
{
	(void)none;
	return answer(unshare(CLONE_NEWUSER));
}

static long do_become_root(const long *none)
{
	(void)none;
	/* a change of user clears the last one, without which /proc/self cannot be written */
	return setresgid(0, 0, 0) || setresuid(0, 0, 0) || prctl(PR_SET_DUMPABLE, 1) ? -errno : 0;
}

/* a namespace inside the one that the caller is root of */
static long do_nest(const long *none)
{
	(void)none;
	if (unshare(CLONE_NEWUSER))
		return -errno;
	CHECK_OK(write_file("/proc/self/setgroups", "deny"));
	CHECK_OK(write_file("/proc/self/uid_map", "0 0 1"));
	return write_file("/proc/self/gid_map", "0 0 1");
}

/* a subordinate uid, in a user namespace of @uid, and in others inside it if @depth is above one */
static struct peer *subordinate_start(long uid, long subordinate, int depth)
{
	struct peer *peer = user_start(uid);

	CHECK_OK(on(peer, do_unshare_users, 0));
	write_map(peer, "uid_map", subordinate);
	write_map(peer, "gid_map", subordinate);
	CHECK_OK(on(peer, do_become_root, 0));
	while (--depth)
		CHECK_OK(on(peer, do_nest, 0));
	CHECK_OK(on(peer, do_open, 0));
	return peer;
}

#define SUBORDINATES 4

/* all of them share the limit of the user whose they are */
CASE(subordinate_users)
{
	struct peer *peers[SUBORDINATES], *user;
	long held = 0;
	int i;

	limit("segments", LIMIT);
	for (i = 0; i < SUBORDINATES; i++) {
		int turn;

		peers[i] = subordinate_start(USER, 100000 + i, 1 + i % 3);
		for (turn = 0; turn < LIMIT / SUBORDINATES - 1; turn++, held++)
			CHECK_OK(on(peers[i], do_make_page, 0));
	}
	CHECK_EQ(exhaust(peers[0], do_make_page, 0), LIMIT - held);
	for (i = 1; i < SUBORDINATES; i++)
		CHECK_EQ(exhaust(peers[i], do_make_page, 0), 0);
	user = user_start(USER);
	CHECK_EQ(exhaust(user, do_make_page, 0), 0);
	/* what ends gives back to all that paid */
	peer_end(peers[1], SIGKILL);
	CHECK_EQ(exhaust(user, do_make_page, 0), LIMIT / SUBORDINATES - 1);
	CHECK_EQ(exhaust(peers[2], do_make_page, 0), 0);
	CHECK_EQ(exhaust(user_start(OTHER_USER), do_make_page, 0), LIMIT);
}

/* by several at once, too */
CASE(subordinate_users_race)
{
	struct peer *peers[SUBORDINATES];
	long made = 0;
	int i;

	limit("segments", 500);
	for (i = 0; i < SUBORDINATES; i++)
		peers[i] = subordinate_start(USER, 100000 + i, 1 + i % 2);
	for (i = 0; i < SUBORDINATES; i++)
		peer_tell(peers[i], do_race, ARGUMENTS(0));
	for (i = 0; i < SUBORDINATES; i++)
		made += peer_answer(peers[i]);
	CHECK(made <= 500);
	/* a refused thread may have held the last place for a moment */
	while (on(peers[0], do_make_page, 0) > 0)
		made++;
	CHECK_EQ(made, 500);
	CHECK_EQ(on(user_start(USER), do_make_page, 0), -EDQUOT);
}

/* How often the kernel log says that a user reached its limit. */
static long count_in_log(long uid)
{
	char words[64];

	snprintf(words, sizeof(words), "uid %ld holds %d, its limit", uid, LIMIT);
	return lines_in_log(words, "");
}

/* A user who tries again and again does not keep the lines of others out of the log. */
CASE(log_of_each_user)
{
	/* A user of this run alone: the log names each user once in ten seconds. */
	long quiet = 100000 + getpid(), before = count_in_log(quiet);
	struct peer *noisy;
	int i;

	limit("segments", LIMIT);
	noisy = user_start(USER);
	CHECK_EQ(exhaust(noisy, do_make_page, 0), LIMIT);
	for (i = 0; i < 50; i++)
		CHECK_EQ(on(noisy, do_make_page, 0), -EDQUOT);
	CHECK_EQ(exhaust(user_start(quiet), do_make_page, 0), LIMIT);
	CHECK_EQ(count_in_log(quiet) - before, 1);
}

/* Users of user namespaces do not get lines of their own. */
CASE(log_of_subordinate_users)
{
	/* A user of this run alone: the log names each user once in ten seconds. */
	long uid = 300000 + getpid();
	time_t began = time(NULL);
	struct peer *user;
	int i;

	limit("segments", LIMIT);
	user = user_start(uid);
	CHECK_EQ(exhaust(user, do_make_page, 0), LIMIT);
	for (i = 0; i < SUBORDINATES; i++)
		CHECK_EQ(on(subordinate_start(uid, 400000 + i, 1 + i % 3), do_make_page, 0),
			 -EDQUOT);
	CHECK(count_in_log(uid) <= 1 + (time(NULL) - began) / 10 + 1);
}

CASE(racing_threads)
{
	struct peer *peer;
	int turn;

	limit("segments", 500);
	for (turn = 0; turn < 5; turn++) {
		peer = user_start(USER);
		/* a refused thread may have held the last place for a moment */
		CHECK(on(peer, do_race, 0) <= 500);
		while (on(peer, do_make_page, 0) > 0)
			;
		CHECK_EQ(on(peer, do_make_page, 0), -EDQUOT);
		peer_end(peer, SIGKILL);
	}
}

static long cgroup_number(const char *file)
{
	char path[128];
	FILE *stream;
	long value = -1;

	snprintf(path, sizeof(path), CGROUP "/%s", file);
	stream = fopen(path, "re");
	CHECK(stream && fscanf(stream, "%ld", &value) == 1);
	fclose(stream);
	return value;
}

static void cgroup_make(const char *most)
{
	if (write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory") < 0)
		SKIP("there is no memory cgroup");
	rmdir(CGROUP);
	CHECK_OK(answer(mkdir(CGROUP, 0755)));
	if (most)
		CHECK_OK(write_file(CGROUP "/memory.max", most));
}

static long do_join(const long *none)
{
	(void)none;
	return write_file(CGROUP "/cgroup.procs", "0");
}

/* so many objects; whom memory is refused ends as whom it kills */
static long do_hoard(const long *most)
{
	long memory = map_anonymous(PAGE), apid = 0, count, segid;

	for (count = 0; count < most[0]; count++) {
		segid = MAKE(.vaddr = memory, .length = PAGE, .mode = 0600);
		if (segid > 0)
			apid = GET(.segid = segid, .flags = XPMEM_GET_RDWR);
		if (segid < 0 || apid < 0)
			raise(SIGKILL);
	}
	return count;
}

static bool given_back(long before)
{
	int turn;

	for (turn = 0; turn < 100 && cgroup_number("memory.current") > before; turn++)
		usleep(100000);
	return turn < 100;
}

CASE(charged_to_the_cgroup)
{
	struct peer *peer;
	long before;

	cgroup_make(NULL);
	peer = peer_start();
	CHECK_OK(on(peer, do_join, 0));
	before = cgroup_number("memory.current");
	CHECK_EQ(on(peer, do_hoard, 5000), 5000);
	/* of 256 bytes a segment and 192 a permit, neither may be missing */
	CHECK(cgroup_number("memory.current") - before > 5000 * 400);
	peer_end(peer, SIGKILL);
	CHECK(given_back(before + 5000 * 100));
	rmdir(CGROUP);
}

CASE(stopped_in_its_cgroup)
{
	struct peer *peer, *bystander = peer_start();
	long segid;

	cgroup_make("8M");
	segid = CHECK_OK(on(bystander, do_make_page, 0));
	peer = peer_start();
	CHECK_OK(on(peer, do_join, 0));
	peer_tell(peer, do_hoard, ARGUMENTS(10000000));
	peer_await_end(peer);
	CHECK(cgroup_number("memory.current") <= 8 * MIB);
	peer_end(peer, SIGKILL);
	CHECK(given_back(4 * MIB));
	rmdir(CGROUP);
	CHECK_OK(on(bystander, do_attach_segment, segid, 0, PAGE));
}
