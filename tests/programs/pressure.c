/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Too little memory: reclaim and the OOM killer amid faults. Needs cgroup 2 at /sys/fs/cgroup, and
 * swap where it says so.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"

#define LENGTH (8 * MIB)
#define TOO_LITTLE "4194304"	/* of memory, in bytes: half of that */
#define GROUP "/sys/fs/cgroup/xpmem-test"

static void remove_group(void)
{
	double end = now() + DEATH_LIMIT;

	peer_stop_all();
	while (rmdir(GROUP) && errno != ENOENT) {
		CHECK(now() < end);
		usleep(10000);
	}
}

static void make_group(const char *memory, const char *swap)
{
	(void)write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	/* of a case that ran out of time */
	remove_group();
	CHECK_OK(answer(mkdir(GROUP, 0755)));
	if (write_file(GROUP "/memory.max", memory) < 0) {
		rmdir(GROUP);
		SKIP("this kernel has no memory cgroups");
	}
	CHECK_OK(write_file(GROUP "/memory.swap.max", swap));
}

static long do_enter_group(const long *none)
{
	(void)none;
	return write_file(GROUP "/cgroup.procs", "0");
}

static long do_small_pages(const long *address_length)
{
	use_small_pages(address_length[0], address_length[1]);
	return 0;
}

static struct peer *start_exporter(bool in_group, long *source, long *segid)
{
	struct peer *exporter = peer_start();

	if (in_group)
		CHECK_OK(on(exporter, do_enter_group, 0));
	*source = CHECK_OK(on(exporter, do_map, LENGTH));
	CHECK_OK(on(exporter, do_small_pages, *source, LENGTH));
	*segid = CHECK_OK(on(exporter, do_export, *source, LENGTH));
	return exporter;
}

static struct peer *start_attacher(bool in_group, long segid, long *at)
{
	struct peer *attacher = peer_start();

	if (in_group)
		CHECK_OK(on(attacher, do_enter_group, 0));
	*at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
	return attacher;
}

static void check_swap(void)
{
	if (read_counter("/proc/meminfo", "SwapTotal:") < LENGTH / 1024)
		SKIP("there is no swap");
}

/* Checks what a peer wrote, which is progress. */
static void check_written(struct peer *reader, long address, long length, long seed)
{
	CHECK_EQ(on(reader, do_verify, address, length, seed), 0);
	harness_renew();
}

/* Everything the attacher writes makes something else leave; all of it must be there in the end. */
CASE(attacher_writes_more_than_the_exporter_may_have)
{
	long source, segid, at;
	struct peer *exporter, *attacher;

	check_swap();
	make_group(TOO_LITTLE, "max");
	exporter = start_exporter(true, &source, &segid);
	attacher = start_attacher(false, segid, &at);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 1));
	harness_renew();
	check_written(exporter, source, LENGTH, 1);
	check_written(attacher, at, LENGTH, 1);
	/* each writes while the other's writing takes its pages away */
	peer_tell(exporter, do_fill, ARGUMENTS(source, LENGTH / 2, 2));
	CHECK_OK(on(attacher, do_fill, at + LENGTH / 2, LENGTH / 2, 3));
	CHECK_OK(peer_answer(exporter));
	harness_renew();
	check_written(attacher, at, LENGTH / 2, 2);
	check_written(exporter, source + LENGTH / 2, LENGTH / 2, 3);
	remove_group();
}

/* both short of memory, and each the other's exporter, in the group that they share */
CASE(mutual_attach_without_enough_memory)
{
	long sources[2], segids[2], at[2];
	struct peer *both[2];
	int i;

	check_swap();
	make_group(TOO_LITTLE, "max");
	for (i = 0; i < 2; i++)
		both[i] = start_exporter(true, &sources[i], &segids[i]);
	for (i = 0; i < 2; i++)
		at[i] = CHECK_OK(on(both[i], do_attach_segment, segids[!i], 0, LENGTH));
	for (i = 0; i < 2; i++)
		peer_tell(both[i], do_fill, ARGUMENTS(at[i], LENGTH, i + 1));
	for (i = 0; i < 2; i++) {
		CHECK_OK(peer_answer(both[i]));
		harness_renew();
	}
	for (i = 0; i < 2; i++)
		check_written(both[i], sources[i], LENGTH, !i + 1);
	remove_group();
}

static bool was_killed(struct peer *peer)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", peer_pid(peer));
	file = fopen(path, "re");
	if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	if (file)
		fclose(file);
	return state == 'Z';
}

static void await_kill_of_one(struct peer *first, struct peer *second)
{
	double end = now() + DEATH_LIMIT;

	while (!was_killed(first) && !was_killed(second)) {
		if (now() >= end) {
			print_kernel_stacks(peer_pid(first));
			print_kernel_stacks(peer_pid(second));
			FAIL("no OOM kill");
		}
		usleep(10000);
	}
	CHECK(read_counter(GROUP "/memory.events", "oom_kill") > 0);
	harness_renew();
}

static void await_kill(struct peer *peer)
{
	await_kill_of_one(peer, peer);
}

/* stores in each page; stops at the first that does not work, and says how */
static long do_touch_all(const long *address_length)
{
	long i, result;

	for (i = 0; i < address_length[1]; i += PAGE) {
		result = store(address_length[0] + i, 1);
		if (result)
			return result;
	}
	return 0;
}

/*
 * pages that an attacher brings in are the exporter's, and it is the exporter who is killed for
 * them
 */
CASE(exporter_is_killed_amid_the_attachers_faults)
{
	long users = module_users(), source, segid, at;
	struct peer *exporter, *attacher;

	make_group(TOO_LITTLE, "0");
	exporter = start_exporter(true, &source, &segid);
	attacher = start_attacher(false, segid, &at);
	CHECK_EQ(on(attacher, do_touch_all, at, LENGTH), GOT_SIGBUS);
	await_kill(exporter);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	remove_group();
	CHECK(module_users_fall_to(users, 5));
}

CASE(attacher_is_killed_amid_its_faults)
{
	long users = module_users(), source, segid, at, memory;
	struct peer *exporter, *attacher;

	make_group(TOO_LITTLE, "0");
	exporter = start_exporter(false, &source, &segid);
	attacher = start_attacher(true, segid, &at);
	/* the exporter's pages count for the exporter */
	CHECK_EQ(on(attacher, do_touch_all, at, LENGTH), 0);
	memory = CHECK_OK(on(attacher, do_map, LENGTH));
	peer_tell(attacher, do_touch_all, ARGUMENTS(memory, LENGTH));
	await_kill(attacher);
	CHECK_EQ(on(exporter, do_load, source + LENGTH - PAGE), 1);
	remove_group();
	CHECK(module_users_fall_to(users, 5));
}

#define WINDOW (2 * MIB)
#define WINDOWS 2048

static long do_map_much(const long *none)
{
	(void)none;
	return answer((long)mmap(NULL, WINDOWS * WINDOW, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

static long do_load_of_each_window(const long *address)
{
	long i;

	for (i = 0; i < WINDOWS; i++)
		(void)load(address[0] + i * WINDOW);
	return 0;
}

/*
 * page tables of an attachment count for the attacher: enough of them, and it is killed in the
 * fault itself
 */
CASE(attacher_is_killed_for_its_page_tables)
{
	long users = module_users(), source, segid, at;
	struct peer *exporter, *attacher;

	make_group("2097152", "0");
	exporter = peer_start();
	source = CHECK_OK(on(exporter, do_map_much, 0));
	segid = CHECK_OK(on(exporter, do_export, source, WINDOWS * WINDOW));
	attacher = peer_start();
	CHECK_OK(on(attacher, do_enter_group, 0));
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, WINDOWS * WINDOW));
	peer_tell(attacher, do_load_of_each_window, ARGUMENTS(at));
	await_kill(attacher);
	CHECK_EQ(on(exporter, do_load, source), 0);
	remove_group();
	CHECK(module_users_fall_to(users, 5));
}

/* two that share a group and bring in each other's pages: one is killed, and that is enough */
CASE(one_of_two_is_killed)
{
	long users = module_users(), turn, sources[2], segids[2], at[2];
	struct peer *both[2];
	int i;

	for (turn = 0; turn < 3; turn++) {
		harness_renew();
		make_group(TOO_LITTLE, "0");
		for (i = 0; i < 2; i++)
			both[i] = start_exporter(true, &sources[i], &segids[i]);
		for (i = 0; i < 2; i++)
			at[i] = CHECK_OK(on(both[i], do_attach_segment, segids[!i], 0, LENGTH));
		for (i = 0; i < 2; i++)
			peer_tell(both[i], do_touch_all, ARGUMENTS(at[i], LENGTH));
		await_kill_of_one(both[0], both[1]);
		remove_group();
	}
	CHECK(module_users_fall_to(users, 5));
}
