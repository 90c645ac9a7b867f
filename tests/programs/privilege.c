/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XPMEM gives no process memory that ptrace would keep from it: an ordinary user tries to attach
 * memory of processes that have more than it has. The cases named mode_* need a mode_mask of 0777;
 * the caller sets it.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "device.h"

#define USER 2000
#define GROUP 2000
#define OTHER 2001
#define OTHER_GROUP 2001
#define GETTERS 2

#define CAPABILITY(name) (1L << (name))

static long do_set_dumpable(const long *dumpable)
{
	return answer(prctl(PR_SET_DUMPABLE, dumpable[0]));
}

static long do_set_ids(const long *real_effective_saved_uid_gid)
{
	const long *a = real_effective_saved_uid_gid;

	if (setresgid(a[3], a[4], a[5]) || setresuid(a[0], a[1], a[2]))
		return -errno;
	return here(do_set_dumpable, 1);
}

/* becomes a user, and keeps these capabilities and no others */
static long do_become_with(const long *uid_capabilities)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	const long *a = uid_capabilities;
	long result;

	if (prctl(PR_SET_KEEPCAPS, 1))
		return -errno;
	result = here(do_become, a[0], a[0]);
	if (result < 0)
		return result;
	data[0].permitted = data[0].effective = a[1];
	data[1].permitted = data[1].effective = a[1] >> 32;
	if (syscall(SYS_capset, &header, data))
		return -errno;
	return here(do_set_dumpable, 1);
}

static struct peer *user(long uid, long gid)
{
	struct peer *peer = peer_start();

	CHECK_OK(on(peer, do_become, uid, gid));
	return peer;
}

static struct peer *user_with(long uid, long capabilities)
{
	struct peer *peer = peer_start();

	CHECK_OK(on(peer, do_become_with, uid, capabilities));
	return peer;
}

static long do_make_page(const long *mode_flags)
{
	static long page;

	if (!page)
		page = map_anonymous(PAGE);
	return MAKE(.vaddr = page, .length = PAGE, .mode = mode_flags[0], .flags = mode_flags[1]);
}

/* what a peer gets of a segment that its mode gives it to read and to write */
static void check_gets(struct peer *getter, long segid, long error)
{
	long readable = on(getter, do_get, segid, XPMEM_GET_RDONLY);
	long writable = on(getter, do_get, segid, XPMEM_GET_RDWR);

	if (error) {
		CHECK_EQ(readable, error);
		CHECK_EQ(writable, error);
		return;
	}
	CHECK_OK(readable);
	CHECK_OK(on(getter, do_store, CHECK_OK(on(getter, do_attach, CHECK_OK(writable), 0, PAGE)),
		    1));
}

CASE(dumpable)
{
	struct peer *exporter = user(USER, GROUP), *getter = user(USER, GROUP);
	long segid = CHECK_OK(on(exporter, do_make_page, 0600)), before;

	before = CHECK_OK(on(getter, do_get, segid, XPMEM_GET_RDWR));
	CHECK_OK(on(exporter, do_set_dumpable, 0));
	check_gets(getter, segid, -EACCES);
	/* it counts when a permit is got; those that were got before stay */
	CHECK_OK(on(getter, do_store, CHECK_OK(on(getter, do_attach, before, 0, PAGE)), 1));
	check_gets(getter, CHECK_OK(on(exporter, do_make_page, 0600)), -EACCES);
	CHECK_OK(on(exporter, do_set_dumpable, 1));
	check_gets(getter, segid, 0);
}

/* How often the kernel log says that a user was refused a permit. */
static long count_in_log(long uid)
{
	char words[32];

	snprintf(words, sizeof(words), "xpmem: uid %ld, pid ", uid);
	return lines_in_log(words, "may not attach");
}

/* A segment whose exporter even its own user may not trace. */
static long undumpable_segment(long uid)
{
	struct peer *exporter = user(uid, GROUP);

	CHECK_OK(on(exporter, do_set_dumpable, 0));
	return CHECK_OK(on(exporter, do_make_page, 0600));
}

/*
 * A user who is refused again and again, each time in a new process, neither keeps the lines about
 * others out of the log nor fills it.
 */
CASE(log_of_each_user)
{
	/* Users of this run alone: the log names each once in ten seconds. */
	long noisy = 100000 + getpid(), quiet = 200000 + getpid();
	long segid = undumpable_segment(noisy), lines;
	struct peer *getter = user(noisy, GROUP);
	time_t began = time(NULL);
	int i;

	for (i = 0; i < 50; i++)
		CHECK_EQ(on(getter, do_get, segid, XPMEM_GET_RDWR), -EACCES);
	for (i = 0; i < 20; i++) {
		getter = user(noisy, GROUP);
		CHECK_EQ(on(getter, do_get, segid, XPMEM_GET_RDWR), -EACCES);
		peer_end(getter, SIGKILL);
	}
	segid = undumpable_segment(quiet);
	CHECK_EQ(on(user(quiet, GROUP), do_get, segid, XPMEM_GET_RDWR), -EACCES);
	CHECK_EQ(count_in_log(quiet), 1);
	lines = count_in_log(noisy);
	CHECK(lines >= 1);
	CHECK(lines <= 1 + (time(NULL) - began) / 10 + 1);
}

/* the ids of the group and of others are not the exporter's, so it only has to be dumpable */
CASE(mode_and_dumpable)
{
	struct peer *exporter = user(USER, GROUP), *member = user(OTHER, GROUP),
		    *other = user(OTHER, OTHER_GROUP);
	long segid = CHECK_OK(on(exporter, do_make_page, 0666));

	check_gets(member, segid, 0);
	check_gets(other, segid, 0);
	CHECK_OK(on(exporter, do_set_dumpable, 0));
	check_gets(member, segid, -EACCES);
	check_gets(other, segid, -EACCES);
}

/* the mode's owner class is for the exporter's own ids only */
CASE(mode_and_ids)
{
	struct peer *exporter = user(USER, GROUP), *getter = user(USER, OTHER_GROUP);

	check_gets(getter, CHECK_OK(on(exporter, do_make_page, 0666)), -EACCES);
}

/* another uid or gid in any place */
CASE(ids)
{
	struct peer *getter = user(USER, GROUP), *exporter;
	int i, j;

	for (i = 0; i < 6; i++) {
		long ids[6];

		for (j = 0; j < 6; j++)
			ids[j] = j < 3 ? i == j ? OTHER : USER : i == j ? OTHER_GROUP : GROUP;
		exporter = peer_start();
		/* made by the user that the getter is */
		CHECK_OK(on(exporter, do_set_ids, OTHER, USER, OTHER, ids[3], ids[4], ids[5]));
		long segid = CHECK_OK(on(exporter, do_make_page, 0600));

		CHECK_OK(on(exporter, do_set_ids, ids[0], ids[1], ids[2], ids[3], ids[4], ids[5]));
		check_gets(getter, segid, -EACCES);
		peer_end(exporter, SIGKILL);
	}
	exporter = peer_start();
	CHECK_OK(on(exporter, do_set_ids, USER, USER, USER, GROUP, GROUP, GROUP));
	check_gets(getter, CHECK_OK(on(exporter, do_make_page, 0600)), 0);
}

/* a getter whose own ids differ acts as its effective ones */
CASE(ids_of_the_getter)
{
	struct peer *exporter = user(USER, GROUP), *getter = peer_start();
	long segid = CHECK_OK(on(exporter, do_make_page, 0600));

	CHECK_OK(on(getter, do_set_ids, OTHER, USER, OTHER, OTHER_GROUP, GROUP, OTHER_GROUP));
	check_gets(getter, segid, 0);
	getter = peer_start();
	CHECK_OK(on(getter, do_set_ids, USER, OTHER, USER, GROUP, OTHER_GROUP, GROUP));
	check_gets(getter, segid, -EACCES);
}

CASE(capabilities)
{
	const long network = CAPABILITY(CAP_NET_RAW), both = network | CAPABILITY(CAP_SYS_NICE);
	struct peer *exporter = user_with(USER, network);
	long segid = CHECK_OK(on(exporter, do_make_page, 0600));

	check_gets(user(USER, GROUP), segid, -EACCES);
	check_gets(user_with(USER, CAPABILITY(CAP_SYS_NICE)), segid, -EACCES);
	check_gets(user_with(USER, network), segid, 0);
	check_gets(user_with(USER, both), segid, 0);
}

/* capabilities that override a check override that one only */
CASE(capabilities_of_the_getter)
{
	const long ptrace = CAPABILITY(CAP_SYS_PTRACE), ipc = CAPABILITY(CAP_IPC_OWNER);
	struct peer *exporter = user(USER, GROUP);
	long segid = CHECK_OK(on(exporter, do_make_page, 0600));

	CHECK_OK(on(exporter, do_set_dumpable, 0));
	check_gets(user_with(USER, ptrace), segid, 0);
	check_gets(user_with(USER, ipc), segid, -EACCES);
	check_gets(user_with(OTHER, ptrace), segid, -EACCES);
	check_gets(user_with(OTHER, ipc), segid, -EACCES);
	check_gets(user_with(OTHER, ptrace | ipc), segid, 0);
	check_gets(peer_start(), segid, 0);
	CHECK_OK(on(exporter, do_set_dumpable, 1));
	check_gets(user_with(OTHER, ipc), segid, -EACCES);
}

static void *get_in_thread(void *segid)
{
	return (void *)GET(.segid = *(long *)segid, .flags = XPMEM_GET_RDWR);
}

/* a process always reaches itself, from every thread */
CASE(own_memory)
{
	pthread_t thread;
	void *result;
	long segid;

	CHECK_OK(here(do_become, USER, GROUP));
	CHECK_OK(here(do_set_dumpable, 0));
	segid = CHECK_OK(here(do_make_page, 0600));
	CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(pthread_create(&thread, NULL, get_in_thread, &segid), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK_OK((long)result);
}

/* the flag waives the check for its segment, and not the mode */
CASE(no_ptrace_check)
{
	struct peer *exporter = user_with(USER, CAPABILITY(CAP_NET_RAW)),
		    *getter = user(USER, OTHER_GROUP);
	long open, closed;

	CHECK_OK(on(exporter, do_set_dumpable, 0));
	open = CHECK_OK(on(exporter, do_make_page, 0600, XPMEM_MAKE_NO_PTRACE_CHECK));
	closed = CHECK_OK(on(exporter, do_make_page, 0600));
	check_gets(getter, open, 0);
	check_gets(getter, closed, -EACCES);
	check_gets(user(OTHER, GROUP), open, -EACCES);
	open = CHECK_OK(on(exporter, do_make_page, 0400, XPMEM_MAKE_NO_PTRACE_CHECK));
	CHECK_OK(on(getter, do_get, open, XPMEM_GET_RDONLY));
	CHECK_EQ(on(getter, do_get, open, XPMEM_GET_RDWR), -EACCES);
}

/* a descriptor that the exporter hands over is its consent */
CASE(descriptor)
{
	struct peer *getter = user(OTHER, OTHER_GROUP);
	long segid, fd, theirs;

	CHECK_OK(here(do_become, USER, GROUP));
	CHECK_OK(here(do_set_dumpable, 0));
	segid = CHECK_OK(here(do_make_page, 0600));
	check_gets(getter, segid, -EACCES);
	fd = CHECK_OK(SEGMENT_FD(.segid = segid, .flags = XPMEM_GET_RDWR));
	peer_send_descriptor(getter, fd);
	theirs = CHECK_OK(on(getter, do_receive_descriptor, 0));
	CHECK_OK(on(getter, do_get_fd, theirs, XPMEM_GET_RDWR));
}

static struct peer *user_in_namespace(long flags)
{
	struct peer *peer = user(USER, GROUP);

	CHECK_OK(on(peer, do_unshare, flags));
	return peer;
}

/*
 * processes of one user reach each other across the namespaces that the user made, as in containers
 * that it runs
 */
CASE(user_namespaces_of_one_user)
{
	struct peer *outside = user(USER, GROUP), *first = user_in_namespace(CLONE_NEWUSER),
		*second = user_in_namespace(CLONE_NEWUSER);
	struct peer *const all[] = { outside, first, second };
	int i, j;

	for (i = 0; i < 3; i++)
		for (j = 0; j < 3; j++)
			check_gets(all[j], CHECK_OK(on(all[i], do_make_page, 0600)), 0);
}

/* in its own namespace it has every capability, over nothing that the exporter has */
CASE(capabilities_in_a_user_namespace)
{
	struct peer *exporter = user_with(USER, CAPABILITY(CAP_NET_RAW)),
		    *getter = user_in_namespace(CLONE_NEWUSER);
	long segid = CHECK_OK(on(exporter, do_make_page, 0600));

	check_gets(getter, segid, -EACCES);
	exporter = user(USER, GROUP);
	CHECK_OK(on(exporter, do_set_dumpable, 0));
	check_gets(getter, CHECK_OK(on(exporter, do_make_page, 0600)), -EACCES);
}

/* a process that confined itself further does not get back what it gave up */
CASE(nested_user_namespace)
{
	struct peer *nested;

	CHECK_OK(here(do_become, USER, GROUP));
	CHECK_OK(here(do_unshare, CLONE_NEWUSER));
	CHECK_OK(write_file("/proc/self/setgroups", "deny"));
	CHECK_OK(write_file("/proc/self/uid_map", "2000 2000 1"));
	CHECK_OK(write_file("/proc/self/gid_map", "2000 2000 1"));
	nested = peer_start();
	check_gets(nested, CHECK_OK(here(do_make_page, 0600)), 0);
	CHECK_OK(on(nested, do_unshare, CLONE_NEWUSER));
	check_gets(nested, CHECK_OK(here(do_make_page, 0600)), -EACCES);
}

static void map_ids(struct peer *peer, const char *kind, const char *map)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s_map", peer_pid(peer), kind);
	CHECK_OK(write_file(path, map));
}

/* the exporter has the getter's ids, and capabilities over what a third user made */
CASE(capabilities_in_a_namespace_of_another_user)
{
	struct peer *exporter = user(OTHER, OTHER_GROUP), *getter = user(USER, GROUP);
	char ids[64];

	CHECK_OK(on(exporter, do_unshare, CLONE_NEWUSER));
	snprintf(ids, sizeof(ids), "0 %d 1\n1 %d 1", USER, OTHER);
	map_ids(exporter, "uid", ids);
	snprintf(ids, sizeof(ids), "0 %d 1\n1 %d 1", GROUP, OTHER_GROUP);
	map_ids(exporter, "gid", ids);
	CHECK_OK(on(exporter, do_become, 0, 0));
	check_gets(getter, CHECK_OK(on(exporter, do_make_page, 0600)), -EACCES);
}

static long do_join(const long *pid_kind)
{
	static const char *const names[] = { "ipc", "user" };
	char path[64];
	int namespace;
	long result;

	snprintf(path, sizeof(path), "/proc/%ld/ns/%s", pid_kind[0], names[pid_kind[1]]);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0)
		return -errno;
	result = answer(setns(namespace, 0));
	close(namespace);
	return result;
}

enum { IPC, USER_NAMESPACE };

/* root that enters a user namespace keeps its memory to itself */
CASE(joined_user_namespace)
{
	struct peer *container = user_in_namespace(CLONE_NEWUSER), *root = peer_start();
	long mode;

	CHECK_OK(on(root, do_join, peer_pid(container), USER_NAMESPACE));
	CHECK_OK(on(root, do_set_dumpable, 1));
	for (mode = 0; mode <= 0600; mode += 0600)
		check_gets(container, CHECK_OK(on(root, do_make_page, mode)), -EACCES);
}

/* root that joins the ipc namespace of a container stays root of the machine, not of the container
 */
CASE(joined_ipc_namespace)
{
	struct peer *container = user_in_namespace(CLONE_NEWUSER | CLONE_NEWIPC),
		    *root = peer_start(), *administrator = peer_start();
	long segid, mode;

	CHECK_OK(on(root, do_join, peer_pid(container), IPC));
	CHECK_OK(on(administrator, do_join, peer_pid(container), IPC));
	for (mode = 0; mode <= 0600; mode += 0600) {
		segid = CHECK_OK(on(root, do_make_page, mode));
		check_gets(container, segid, -EACCES);
		CHECK_OK(on(administrator, do_get, segid, XPMEM_GET_RDWR));
	}
}

static int make_and_end(void *segid)
{
	*(long *)segid = here(do_make_page, 0600);
	_exit(EXIT_SUCCESS);
}

/* a process that shares its parent's memory and descriptors makes the segment, and ends */
CASE(maker_is_gone)
{
	static char stack[1 << 16] __attribute__((aligned(16)));
	struct peer *getter = user(USER, GROUP);
	volatile long segid = 0;
	int status;
	pid_t maker;

	CHECK_OK(here(do_become, USER, GROUP));
	CHECK_OK(here(do_make_page, 0600));
	maker = CHECK_OK(answer(clone(make_and_end, stack + sizeof(stack),
				      CLONE_VM | CLONE_FILES | SIGCHLD, (void *)&segid)));
	CHECK_EQ(answer(waitpid(maker, &status, 0)), maker);
	CHECK_OK(segid);
	check_gets(getter, segid, -EACCES);
	CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
}

static void *stay(void *nothing)
{
	pause();
	return nothing;
}

/* the first thread of a process may end before the others do */
CASE(first_thread_is_gone)
{
	struct peer *getter = user(USER, GROUP);
	int answers[2];
	pid_t child;
	long segid;

	CHECK_OK(answer(pipe(answers)));
	child = CHECK_OK(answer(fork()));
	if (!child) {
		pthread_t thread;

		CHECK_OK(here(do_become, USER, GROUP));
		segid = CHECK_OK(here(do_make_page, 0600));
		CHECK_EQ(pthread_create(&thread, NULL, stay, NULL), 0);
		CHECK_EQ(write(answers[1], &segid, sizeof(segid)), sizeof(segid));
		syscall(SYS_exit, 0);
	}
	CHECK_EQ(read(answers[0], &segid, sizeof(segid)), sizeof(segid));
	usleep(200000);
	check_gets(getter, segid, 0);
	kill(child, SIGKILL);
}

/* what exporter and getters of a race see of each other, in shared memory */
struct race {
	volatile long segid;
	volatile unsigned long state; /* counts up; the lower bits say what the exporter allows
					 meanwhile */
	volatile long got[2];		/* by getters while it was closed and open */
	volatile long wrong;
	volatile bool ended;
};

#define CHANGING 0
#define CLOSED 1
#define OPEN 2
#define STATES 4

static struct race *race;

static void enter(unsigned int state)
{
	__atomic_store_n(&race->state, (race->state / STATES + 1) * STATES + state,
			 __ATOMIC_SEQ_CST);
}

static void *get_in_race(void *nothing)
{
	while (!race->ended) {
		unsigned long before = __atomic_load_n(&race->state, __ATOMIC_SEQ_CST);
		long apid = GET(.segid = race->segid, .flags = XPMEM_GET_RDWR);
		unsigned long after = __atomic_load_n(&race->state, __ATOMIC_SEQ_CST);

		if (apid > 0)
			RELEASE(.apid = apid);
		if (before != after || before % STATES == CHANGING)
			continue;
		__atomic_add_fetch(&race->got[before % STATES == OPEN], 1, __ATOMIC_SEQ_CST);
		if (before % STATES == OPEN ? apid < 0 : apid != -EACCES)
			race->wrong = apid;
	}
	return nothing;
}

static long do_get_in_threads(const long *none)
{
	pthread_t threads[GETTERS];
	int i;

	(void)none;
	for (i = 0; i < GETTERS; i++)
		if (pthread_create(&threads[i], NULL, get_in_race, NULL))
			return -EAGAIN;
	for (i = 0; i < GETTERS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/* Renews the time limit if the getters got something since the last call. */
static void renew_if_got(void)
{
	static long before;
	long got = race->got[0] + race->got[1];

	if (got > before)
		harness_renew();
	before = got;
}

static void race_start(void)
{
	race = (struct race *)map_file(-1, PAGE, PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS);
}

static void race_end(struct peer *getter)
{
	race->ended = true;
	CHECK_OK(peer_answer(getter));
	CHECK_EQ(race->wrong, 0);
}

#define SHORT_TURNS 3000

/* no permit is given from a moment when the exporter was not dumpable, and none refused when it was
 */
CASE(dumpable_races)
{
	struct peer *getter;
	int turn;

	race_start();
	getter = user(USER, GROUP);
	CHECK_OK(here(do_become, USER, GROUP));
	race->segid = CHECK_OK(here(do_make_page, 0600));
	peer_tell(getter, do_get_in_threads, ARGUMENTS(0));
	for (turn = 0; turn < SHORT_TURNS || race->got[0] < 100 || race->got[1] < 100; turn++) {
		enter(CHANGING);
		CHECK_OK(here(do_set_dumpable, turn % 2));
		enter(turn % 2 ? OPEN : CLOSED);
		/* A slow getter may need longer than that for one call. */
		usleep(turn < SHORT_TURNS ? turn % 7 * 100 : (turn - SHORT_TURNS) * 1000);
		renew_if_got();
	}
	printf("%d turns\n", turn);
	race_end(getter);
}

static long do_drop_in_race(const long *pause)
{
	long segid;

	if (setresgid(GROUP, GROUP, GROUP) || setresuid(0, USER, 0))
		return -errno;
	segid = here(do_make_page, 0600);
	if (segid < 0)
		return segid;
	if (setresuid(0, 0, 0) || prctl(PR_SET_DUMPABLE, 1))
		return -errno;
	race->segid = segid;
	enter(CLOSED);
	usleep(pause[0]);
	/* The ids become the getter's, and the kernel makes the process undumpable in that moment.
	 */
	if (setresuid(USER, USER, USER))
		return -errno;
	usleep(pause[0]);
	return 0;
}

/*
 * no getter sees the new ids of an exporter that drops them before it sees that it is not dumpable
 * any more
 */
CASE(dropped_ids_race)
{
	struct peer *getter, *exporter;
	int turn;

	race_start();
	getter = user(USER, GROUP);
	enter(CHANGING);
	peer_tell(getter, do_get_in_threads, ARGUMENTS(0));
	for (turn = 0; turn < 50 || race->got[0] <= 100; turn++) {
		exporter = peer_start();
		/* A slow getter may need longer than a short pause for one call. */
		CHECK_OK(on(exporter, do_drop_in_race, turn < 50 ? 2000 : (turn - 48) * 1000L));
		enter(CHANGING);
		peer_end(exporter, SIGKILL);
		renew_if_got();
	}
	printf("%d turns\n", turn);
	race_end(getter);
}
