/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which user may get a permit for whose segment. The cases named mode_* need a mode_mask of 0777,
 * those named mask_* the default of 0700; the caller sets it.
 */
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"

#define OWNER 2000
#define GROUP 2000
#define OTHER 2001
#define OTHER_GROUP 2001

static long page;

static void export_as_owner(void)
{
	CHECK_OK(here(do_become, OWNER, GROUP));
	page = map_anonymous(PAGE);
	fill(page, PAGE, 1);
}

static long segment(int mode)
{
	return CHECK_OK(MAKE(.vaddr = page, .length = PAGE, .mode = mode));
}

static struct peer *user(long uid, long gid, long supplementary)
{
	struct peer *peer = peer_start();

	CHECK_OK(on(peer, do_become, uid, gid, supplementary));
	return peer;
}

/* what a peer gets: "rw", "r", "w" or "-" */
static void check_gets(struct peer *peer, int mode, const char *expected)
{
	long segid = segment(mode);
	long readable = on(peer, do_get, segid, XPMEM_GET_RDONLY);
	long writable = on(peer, do_get, segid, XPMEM_GET_RDWR);
	long at;

	if (expected[0] == 'r')
		CHECK_OK(readable);
	else
		CHECK_EQ(readable, -EACCES);
	if (expected[0] == 'r' && expected[1] == 'w')
		CHECK_OK(writable);
	else
		CHECK_EQ(writable, -EACCES);
	if (readable > 0) {
		at = CHECK_OK(on(peer, do_attach, readable, 0, PAGE));
		CHECK_EQ(on(peer, do_load, at), load(page));
		CHECK_EQ(on(peer, do_store, at, 1), GOT_SIGSEGV);
	}
	if (writable > 0) {
		at = CHECK_OK(on(peer, do_attach, writable, 0, PAGE));
		CHECK_OK(on(peer, do_store, at, segid % 1000));
		CHECK_EQ(load(page), segid % 1000);
	}
}

CASE(device_is_for_everybody)
{
	struct stat status;

	CHECK_OK(answer(stat("/dev/xpmem", &status)));
	CHECK(S_ISCHR(status.st_mode));
	CHECK_EQ(status.st_mode & 0777, 0666);
}

/* The process is root before and after, and the other user for a while. */
CASE(change_of_ids)
{
	struct peer *other = user(OTHER, OTHER_GROUP, 0);
	struct xpmem_ioc_make make = { .length = PAGE,
				       .mode = 0600,
				       .flags = XPMEM_MAKE_NO_PTRACE_CHECK };
	long before, during, after;

	CHECK_OK(device_open());
	make.vaddr = map_anonymous(PAGE);
	make.size = sizeof(make);
	before = CHECK_OK(device_make(make));
	CHECK_EQ(answer(seteuid(OTHER)), 0);
	during = CHECK_OK(device_make(make));
	CHECK_EQ(answer(seteuid(0)), 0);
	after = CHECK_OK(device_make(make));
	CHECK_EQ(on(other, do_get, before, XPMEM_GET_RDWR), -EACCES);
	CHECK_OK(on(other, do_get, during, XPMEM_GET_RDWR));
	CHECK_EQ(on(other, do_get, after, XPMEM_GET_RDWR), -EACCES);
}

CASE(same_user)
{
	struct peer *peer = user(OWNER, GROUP, 0);

	export_as_owner();
	check_gets(peer, 0600, "rw");
	check_gets(peer, 0666, "rw");
	check_gets(peer, 0400, "r-");
	check_gets(peer, 0000, "--");
	check_gets(peer, 0066, "--");
}

CASE_DESCRIBED(mask_refuses_others, "the default mask refuses everybody else, whatever the mode is")
{
	struct peer *other = user(OTHER, OTHER_GROUP, 0), *member = user(OTHER, GROUP, 0);

	export_as_owner();
	check_gets(other, 0600, "--");
	check_gets(other, 0666, "--");
	check_gets(other, 0777, "--");
	check_gets(member, 0660, "--");
	check_gets(member, 0666, "--");
}

CASE_DESCRIBED(mask_allows_the_administrator, "the default mask allows the administrator")
{
	struct peer *administrator = peer_start();

	export_as_owner();
	check_gets(administrator, 0600, "rw");
	check_gets(administrator, 0000, "rw");
}

CASE(mode_for_others)
{
	struct peer *other = user(OTHER, OTHER_GROUP, 0);

	export_as_owner();
	check_gets(other, 0600, "--");
	check_gets(other, 0660, "--");
	check_gets(other, 0666, "rw");
	check_gets(other, 0644, "r-");
	check_gets(other, 0604, "r-");
	check_gets(other, 0602, "--");
	check_gets(other, 0611, "--");
}

CASE(mode_for_the_group)
{
	struct peer *member = user(OTHER, GROUP, 0);

	export_as_owner();
	check_gets(member, 0600, "--");
	check_gets(member, 0660, "rw");
	check_gets(member, 0640, "r-");
	check_gets(member, 0606, "--");
}

CASE(mode_for_a_supplementary_group)
{
	struct peer *member = user(OTHER, OTHER_GROUP, GROUP);

	export_as_owner();
	check_gets(member, 0600, "--");
	check_gets(member, 0660, "rw");
	check_gets(member, 0640, "r-");
	check_gets(member, 0606, "--");
}

CASE(mode_for_the_owner)
{
	struct peer *peer = user(OWNER, GROUP, 0);

	export_as_owner();
	check_gets(peer, 0600, "rw");
	check_gets(peer, 0400, "r-");
	check_gets(peer, 0077, "--");
}

/* The ids of the creator count, not those that the process has now. */
CASE(mode_is_checked_against_the_creator)
{
	struct peer *owner = user(OWNER, GROUP, 0), *other = user(OTHER, OTHER_GROUP, 0);
	long segid;

	page = map_anonymous(PAGE);
	CHECK_OK(device_open());
	segid = segment(0600);
	CHECK_EQ(on(owner, do_get, segid, XPMEM_GET_RDWR), -EACCES);
	CHECK_EQ(on(other, do_get, segid, XPMEM_GET_RDONLY), -EACCES);
}

CASE_DESCRIBED(another_users_ids, "another user's ids")
{
	struct peer *other = user(OTHER, OTHER_GROUP, 0);
	long segid, apid;

	export_as_owner();
	segid = segment(0600);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(on(other, do_remove, segid), -EACCES);
	CHECK_EQ(on(other, do_release, apid), -EACCES);
	CHECK_EQ(on(other, do_attach, apid, 0, PAGE), -EACCES);
	CHECK_EQ(on(other, do_segment_fd, segid, XPMEM_GET_RDWR), -EACCES);
	CHECK_OK(RELEASE(.apid = apid));
	CHECK_OK(REMOVE(.segid = segid));
}

CASE(another_ipc_namespace)
{
	struct peer *peer = peer_start();
	long segid, theirs, apid;

	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	segid = segment(0666);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_OK(on(peer, do_get, segid, XPMEM_GET_RDWR));
	CHECK_OK(on(peer, do_unshare, CLONE_NEWIPC));
	CHECK_EQ(on(peer, do_get, segid, XPMEM_GET_RDWR), -ENOENT);
	CHECK_EQ(on(peer, do_get, segid, XPMEM_GET_RDONLY), -ENOENT);
	/* nor that it exists */
	CHECK_EQ(on(peer, do_remove, segid), -ENOENT);
	CHECK_EQ(on(peer, do_segment_fd, segid, XPMEM_GET_RDWR), -ENOENT);
	CHECK_EQ(on(peer, do_attach, apid, 0, PAGE), -ENOENT);
	CHECK_EQ(on(peer, do_release, apid), -ENOENT);
	theirs = CHECK_OK(on(peer, do_make, page, PAGE, 0666));
	CHECK_OK(on(peer, do_get, theirs, XPMEM_GET_RDWR));
	CHECK_EQ(GET(.segid = theirs, .flags = XPMEM_GET_RDWR), -ENOENT);
	CHECK_OK(RELEASE(.apid = apid));
}

/* needs global_ids: ids are then valid everywhere, and the mode still decides */
CASE(global_ids)
{
	struct peer *peer = user(OWNER, GROUP, 0), *other = user(OTHER, OTHER_GROUP, 0),
		    *apart = peer_start();
	long segid;

	CHECK_OK(on(apart, do_unshare, CLONE_NEWIPC));
	CHECK_OK(on(apart, do_become, OWNER, GROUP, 0));
	CHECK_OK(on(other, do_unshare, CLONE_NEWUSER | CLONE_NEWIPC));
	export_as_owner();
	segid = segment(0600);
	CHECK_OK(on(peer, do_get, segid, XPMEM_GET_RDWR));
	CHECK_OK(on(apart, do_get, segid, XPMEM_GET_RDWR));
	CHECK_EQ(on(other, do_get, segid, XPMEM_GET_RDONLY), -EACCES);
	CHECK_EQ(on(apart, do_remove, segid), -EACCES);
}

/* has every capability, but over nothing of ours */
CASE(root_of_a_user_namespace)
{
	struct peer *other = user(OTHER, OTHER_GROUP, 0), *apart = user(OTHER, OTHER_GROUP, 0);
	long segid, apid;

	CHECK_OK(on(other, do_unshare, CLONE_NEWUSER));
	CHECK_OK(on(apart, do_unshare, CLONE_NEWUSER | CLONE_NEWIPC));
	export_as_owner();
	check_gets(other, 0600, "--");
	check_gets(other, 0660, "--");
	check_gets(other, 0000, "--");
	segid = segment(0666);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(on(other, do_remove, segid), -EACCES);
	CHECK_EQ(on(other, do_attach, apid, 0, PAGE), -EACCES);
	CHECK_EQ(on(apart, do_get, segid, XPMEM_GET_RDONLY), -ENOENT);
	CHECK_EQ(on(apart, do_attach, apid, 0, PAGE), -ENOENT);
}

/* Returns how many ids near one give something. The lower half counts up, the upper is random. */
static long do_guess(const long *segid)
{
	long guess, given = 0;

	for (guess = -300; guess <= 300; guess++)
		if (guess) {
			given += do_get(ARGUMENTS(segid[0] + guess, XPMEM_GET_RDONLY)) != -ENOENT;
			given += do_get(ARGUMENTS(segid[0] + guess * (1L << 31),
						  XPMEM_GET_RDONLY)) != -ENOENT;
		}
	return given;
}

/* knowing one id says nothing of others: of the ids around it, none is there */
CASE(guessed_ids)
{
	struct peer *guesser = user(OWNER, GROUP, 0);
	long segids[16], i;

	export_as_owner();
	for (i = 0; i < 16; i++)
		segids[i] = segment(0666);
	for (i = 0; i < 16; i += 5)
		CHECK_EQ(on(guesser, do_guess, segids[i]), 0);
	CHECK_OK(on(guesser, do_get, segids[3], XPMEM_GET_RDONLY));
}

/* every bit that does not count up is one or zero by chance */
CASE(ids_are_random)
{
	long ones = 0, zeros = 0, segid, i;
	const long random = ~0UL >> 1 & ~0UL << 27;

	export_as_owner();
	for (i = 0; i < 200; i++) {
		segid = segment(0600);
		CHECK(segid > 0);
		ones |= segid;
		zeros |= ~segid;
		CHECK_OK(REMOVE(.segid = segid));
	}
	CHECK_EQ(ones & random, random);
	CHECK_EQ(zeros & random, random);
}
