/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes objects, prints a line when they are there, and holds them until its stdin ends:
 *
 *	objects NAME MODE [UID [ATTACHER]]	some of each kind; the line is JSON with all
 *	objects --many COUNT		so many segments
 *	objects --device		an open descriptor of the device
 *	objects --mapping		a mapping, of which all descriptors are closed
 *	objects --segment-fd		the descriptor of a segment that is gone
 *
 * The first makes two segments (the second read-only and without a name) in one process, and in a
 * second one a read-write permit for the first segment with two attachments (the second pinnable,
 * if the kernel has that) and a read-only permit for the other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"

#define LENGTH (4 * PAGE)

static long segids[2], apids[2], attids[2], addresses[2], memory;
static struct peer *attacher;
static bool pinnable;

static long do_attach_and_keep_id(const long *apid_offset_length_flags)
{
	const long *a = apid_offset_length_flags;
	struct xpmem_ioc_attach argument = SIZED(xpmem_ioc_attach, .apid = a[0], .offset = a[1],
						 .length = a[2], .flags = a[3]);

	CHECK_OK(device_call(XPMEM_IOC_ATTACH, &argument));
	attids[0] = argument.attid;
	return argument.vaddr;
}

static long do_last_id(const long *none)
{
	(void)none;
	return attids[0];
}

static void make_objects(const char *name, unsigned int mode, long uid, long attacher_uid)
{
	struct xpmem_ioc_query query = { .size = sizeof(query) };
	struct xpmem_ioc_make named = SIZED(xpmem_ioc_make, .length = LENGTH, .mode = mode);

	if (uid)
		CHECK_OK(here(do_become, uid, uid));
	else
		CHECK_OK(device_open());
	CHECK_OK(QUERY(&query));
	pinnable = query.features & XPMEM_FEATURE_PINNABLE;
	memory = map_anonymous(2 * LENGTH);
	named.vaddr = memory;
	snprintf((char *)named.name, sizeof(named.name), "%s", name);
	segids[0] = CHECK_OK(device_make(named));
	segids[1] = CHECK_OK(
		MAKE(.vaddr = memory + LENGTH, .length = LENGTH, .mode = mode,
		     .flags = XPMEM_MAKE_RDONLY | XPMEM_MAKE_NO_PTRACE_CHECK | XPMEM_MAKE_NO_GUP));
	attacher = peer_start();
	if (attacher_uid != uid)
		CHECK_OK(on(attacher, do_become, attacher_uid, attacher_uid));
	apids[0] = CHECK_OK(on(attacher, do_get, segids[0], XPMEM_GET_RDWR));
	apids[1] = CHECK_OK(on(attacher, do_get, segids[1], XPMEM_GET_RDONLY));
	addresses[0] = CHECK_OK(on(attacher, do_attach_and_keep_id, apids[0], 0, LENGTH, 0));
	attids[0] = on(attacher, do_last_id, 0);
	addresses[1] = CHECK_OK(
		on(attacher, do_attach_and_keep_id, apids[0], PAGE, 2 * PAGE,
		   XPMEM_ATTACH_RDONLY | (pinnable ? XPMEM_ATTACH_PINNABLE : 0)));
	attids[1] = on(attacher, do_last_id, 0);
	CHECK_OK(on(attacher, do_store, addresses[0], 1));
}

static const char *access_name(int i)
{
	return i ? "rdonly" : "rdwr";
}

static void print_segment(int i, const char *name, unsigned int mode, long uid)
{
	printf("{\"id\":\"%#lx\",\"pid\":%d,\"uid\":%ld,\"gid\":%ld,", segids[i], getpid(), uid,
	       uid);
	if (!i)
		printf("\"name\":\"%s\",", name);
	printf("\"mode\":\"%04o\",\"access\":\"%s\",\"address\":\"%#lx\",\"length\":%ld,\"permits\":1,"
	       "\"no_ptrace_check\":%d,\"no_gup\":%d}",
	       mode, access_name(i), memory + i * LENGTH, LENGTH, i, i);
}

static void print_permit(int i, long uid)
{
	printf("{\"id\":\"%#lx\",\"segment_id\":\"%#lx\",\"pid\":%d,\"uid\":%ld,\"access\":\"%s\",\"attachments\":%d,"
	       "\"dmabufs\":0,\"pinned\":0}",
	       apids[i], segids[i], peer_pid(attacher), uid, access_name(i), i ? 0 : 2);
}

static void print_attachment(int i, long uid)
{
	printf("{\"id\":\"%#lx\",\"permit_id\":\"%#lx\",\"segment_id\":\"%#lx\",\"pid\":%d,\"uid\":%ld,\"access\":\"%s\","
	       "\"address\":\"%#lx\",\"offset\":%ld,\"length\":%ld,\"pinnable\":%d}",
	       attids[i], apids[0], segids[0], peer_pid(attacher), uid, access_name(i),
	       addresses[i], i * PAGE, i ? 2 * PAGE : LENGTH, i && pinnable);
}

static void print_objects(const char *name, unsigned int mode, long uid, long attacher_uid)
{
	int i;

	printf("{\"segments\":[");
	for (i = 0; i < 2; i++) {
		print_segment(i, name, mode, uid);
		printf(i ? "],\"permits\":[" : ",");
	}
	for (i = 0; i < 2; i++) {
		print_permit(i, attacher_uid);
		printf(i ? "],\"attachments\":[" : ",");
	}
	for (i = 0; i < 2; i++) {
		print_attachment(i, attacher_uid);
		printf(i ? "]}\n" : ",");
	}
}

static void hold(const char *what, long count)
{
	long page = map_anonymous(PAGE);

	CHECK_OK(device_open());
	if (!strcmp(what, "--many")) {
		while (count--)
			export_range(page, PAGE);
	} else if (!strcmp(what, "--mapping")) {
		CHECK_OK(load(
			CHECK_OK(do_attach_segment(ARGUMENTS(export_range(page, PAGE), 0, PAGE)))));
		CHECK_OK(here(do_close, 0));
	} else if (!strcmp(what, "--segment-fd")) {
		CHECK_OK(SEGMENT_FD(.segid = export_range(page, PAGE), .flags = XPMEM_GET_RDWR));
		CHECK_OK(here(do_close, 0));
	} else {
		CHECK(!strcmp(what, "--device"));
	}
	puts("ready");
}

int main(int argc, char **argv)
{
	unsigned int mode;
	long uid, attacher_uid;

	if (argc < 2 || argc > 5 || (argv[1][0] != '-' && argc < 3)) {
		fprintf(stderr,
			"usage: %s NAME MODE [UID [ATTACHER]] | --many COUNT | --device | --mapping | --segment-fd\n",
			argv[0]);
		return 2;
	}
	harness_start(argv[1], 0);
	if (argv[1][0] == '-') {
		hold(argv[1], argc > 2 ? atol(argv[2]) : 0);
	} else {
		mode = strtoul(argv[2], NULL, 8);
		uid = argc > 3 ? atol(argv[3]) : 0;
		attacher_uid = argc > 4 ? atol(argv[4]) : uid;
		make_objects(argv[1], mode, uid, attacher_uid);
		print_objects(argv[1], mode, uid, attacher_uid);
	}
	while (getchar() != EOF)
		;
	harness_end();
}
