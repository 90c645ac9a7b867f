/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How access ends: remove, exit, kill, exec and close, in every order, while mapped and touched. */
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "sweep.h"
#include "watching.h"

#define LENGTH (4 * PAGE)

/* the main process attaches, the exporter is a peer with an address of its own */
static struct peer *exporter;
static long segid, source, at;

static void attach_to_exporter(void)
{
	exporter = peer_start();
	source = CHECK_OK(on(exporter, do_map, LENGTH));
	CHECK_OK(on(exporter, do_fill, source, LENGTH, 1));
	segid = CHECK_OK(on(exporter, do_export, source, LENGTH));
	CHECK_OK(device_open());
	at = CHECK_OK(here(do_attach_segment, segid, 0, LENGTH));
	CHECK_EQ(verify(at, LENGTH / 2, 1), 0);
	CHECK_OK(store(at, 5));
}

/* Waits until the segment is gone. A worker ends the segments of an exporter that exited. */
static void check_gone(long id)
{
	int tries = 0;

	while (sweep_request(0, XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, &id, sizeof(id)) !=
	       -ENOENT) {
		CHECK(tries++ < 1000);
		usleep(10000);
	}
}

static void check_revoked(void)
{
	CHECK_EQ(load(at), GOT_SIGBUS);
	CHECK_EQ(store(at, 6), GOT_SIGBUS);
	CHECK_EQ(load(at + LENGTH - 8), GOT_SIGBUS);
	CHECK_EQ(GET(.segid = segid, .flags = XPMEM_GET_RDWR), -ENOENT);
	check_gone(segid);
}

CASE(removed)
{
	long other, apid;

	attach_to_exporter();
	other = CHECK_OK(here(do_attach_segment, CHECK_OK(on(exporter, do_export, source, LENGTH)),
			      0, LENGTH));
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(load(other), 5);
	CHECK_OK(on(exporter, do_remove, segid));
	check_revoked();
	CHECK_EQ(ATTACH(.apid = apid, .length = PAGE), -ENOENT);
	CHECK_EQ(load(other), 5);
	CHECK_OK(on(exporter, do_store, source, 6));
	CHECK_EQ(load(other), 6);
	CHECK_OK(DETACH(.vaddr = at));
	CHECK_EQ(load(at), GOT_SIGSEGV);
	CHECK_OK(RELEASE(.apid = apid));
}

/* Ends something beside an attachment, which keeps all that is mapped. */
static void check_undisturbed(long other, operation *end, long id)
{
	long faults;

	CHECK_EQ(load(other), 5);
	CHECK_OK(load(other + PAGE));
	faults = sweep_stat(XPMEM_A_STATS_FAULTS);
	CHECK_OK(end(&id));
	CHECK_EQ(load(other), 5);
	CHECK_OK(load(other + PAGE));
	CHECK_EQ(sweep_stat(XPMEM_A_STATS_FAULTS), faults);
}

static long do_remove_by_exporter(const long *id)
{
	return on(exporter, do_remove, id[0]);
}

CASE(removed_beside_another)
{
	long other;

	attach_to_exporter();
	other = CHECK_OK(on(exporter, do_export, source, LENGTH));
	check_undisturbed(CHECK_OK(here(do_attach_segment, other, 0, LENGTH)),
			  do_remove_by_exporter, segid);
	check_revoked();
}

CASE(released_beside_another)
{
	long apid, ended;

	attach_to_exporter();
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	ended = CHECK_OK(ATTACH(.apid = apid, .length = LENGTH));
	CHECK_EQ(load(ended), 5);
	check_undisturbed(at, do_release, apid);
	CHECK_EQ(load(ended), GOT_SIGSEGV);
}

static long do_revoke(const long *id)
{
	return sweep_request(NLM_F_ACK, XPMEM_NL_CMD_PERMIT_REVOKE, XPMEM_A_PERMIT_ID, id,
			     sizeof(*id));
}

/* Unlike a release, this leaves the attachments of the permit mapped. */
CASE(revoked_beside_another)
{
	long apid, ended;

	attach_to_exporter();
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	ended = CHECK_OK(ATTACH(.apid = apid, .length = LENGTH));
	CHECK_EQ(load(ended), 5);
	check_undisturbed(at, do_revoke, apid);
	CHECK_EQ(load(ended), GOT_SIGBUS);
}

CASE(removed_shared_memory)
{
	int file = memory_file(LENGTH);
	long page = map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
	struct peer *attacher;

	CHECK_OK(device_open());
	fill(page, LENGTH, 1);
	segid = export_range(page, LENGTH);
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_OK(on(attacher, do_store, at, 5));
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_store, at, 6), GOT_SIGBUS);
	CHECK_EQ(load(page), 5);
}

#define WINDOWS 40

/* Many windows, of a segment that is larger than all of them. */
CASE(removed_address_space)
{
	long memory, i;

	exporter = peer_start();
	memory = CHECK_OK(on(exporter, do_map, WINDOWS * 2 * MIB));
	segid = CHECK_OK(on(exporter, do_export, 0, XPMEM_LENGTH_MAX));
	CHECK_OK(device_open());
	at = CHECK_OK(here(do_attach_segment, segid, memory, WINDOWS * 2 * MIB));
	for (i = 0; i < WINDOWS; i++) {
		CHECK_OK(on(exporter, do_store, memory + i * 2 * MIB, i + 1));
		CHECK_EQ(load(at + i * 2 * MIB), i + 1);
	}
	CHECK_OK(on(exporter, do_remove, segid));
	for (i = 0; i < WINDOWS; i++)
		CHECK_EQ(load(at + i * 2 * MIB), GOT_SIGBUS);
}

CASE(exporter_exits)
{
	attach_to_exporter();
	peer_end(exporter, 0);
	check_revoked();
	CHECK_OK(DETACH(.vaddr = at));
}

CASE(exporter_is_killed)
{
	attach_to_exporter();
	peer_end(exporter, SIGKILL);
	check_revoked();
	unmap(at, LENGTH);
}

CASE(exporter_is_a_zombie)
{
	siginfo_t ended;

	attach_to_exporter();
	CHECK_OK(answer(kill(peer_pid(exporter), SIGKILL)));
	CHECK_OK(answer(waitid(P_PID, peer_pid(exporter), &ended, WEXITED | WNOWAIT)));
	check_revoked();
	peer_end(exporter, SIGKILL);
}

static long watched;

static void *attach_over(void *apid)
{
	ATTACH(.apid = (long)apid, .length = LENGTH, .vaddr = watched,
	       .flags = XPMEM_ATTACH_REPLACE);
	return NULL;
}

/* Attaches in place of memory whose end another program would have to hear of first. */
static long do_attach_unheard(const long *segment)
{
	struct pollfd ready = { .events = POLLIN };
	pthread_t thread;
	long apid, result;

	CHECK_OK(device_open());
	apid = CHECK_OK(GET(.segid = segment[0], .flags = XPMEM_GET_RDWR));
	watched = map_anonymous(LENGTH);
	result = watch(watched, LENGTH, UFFDIO_REGISTER_MODE_MISSING, UFFD_FEATURE_EVENT_UNMAP);
	if (result)
		return result;
	ready.fd = watch_file;
	CHECK_EQ(pthread_create(&thread, NULL, attach_over, (void *)apid), 0);
	/* The event tells that the attach has begun to wait. */
	CHECK_EQ(poll(&ready, 1, -1), 1);
	return 0;
}

/* The memory of an exporter that ends goes, though an attach does not. */
CASE(exporter_is_killed_while_an_attach_waits)
{
	const long length = 32 * MIB;
	struct peer *attacher = peer_start();
	long result, before;

	exporter = peer_start();
	source = CHECK_OK(on(exporter, do_map, length));
	CHECK_OK(on(exporter, do_fill, source, length, 1));
	segid = CHECK_OK(on(exporter, do_export, source, length));
	result = on(attacher, do_attach_unheard, segid);
	if (result == -ENOSYS)
		SKIP("this kernel tells no program of unmapped memory");
	CHECK_OK(result);
	before = read_counter("/proc/meminfo", "AnonPages:");
	peer_end(exporter, SIGKILL);
	/* in KiB; other processes may take some meanwhile */
	while (read_counter("/proc/meminfo", "AnonPages:") > before - length / 1024 / 2)
		usleep(10000);
}

static long do_exec(const long *keep_descriptor)
{
	if (keep_descriptor[0])
		CHECK_OK(answer(fcntl(device, F_SETFD, 0)));
	execl("/proc/self/exe", "idle", "--idle", (char *)NULL);
	return -errno;
}

static void exec_exporter(bool keep_descriptor)
{
	attach_to_exporter();
	peer_tell(exporter, do_exec, ARGUMENTS(keep_descriptor));
	peer_await_end(exporter);
	check_revoked();
	CHECK_OK(answer(kill(peer_pid(exporter), 0)));
}

CASE(exporter_execs)
{
	exec_exporter(false);
}

CASE(exporter_execs_and_keeps_the_descriptor)
{
	exec_exporter(true);
}

/* holds the inherited descriptor, until it is told to open its own */
static long do_fork_and_wait(const long *none)
{
	pid_t child;

	(void)none;
	child = fork();
	if (!child) {
		alarm(TIME_LIMIT);
		for (;;)
			pause();
	}
	return answer(child);
}

CASE(exporter_exits_and_a_child_keeps_the_descriptor)
{
	long child;

	attach_to_exporter();
	child = CHECK_OK(on(exporter, do_fork_and_wait, 0));
	CHECK_EQ(load(at), 5);
	peer_end(exporter, SIGKILL);
	check_revoked();
	CHECK_OK(answer(kill(child, SIGKILL)));
}

CASE(child_of_exporter_exits)
{
	long child;

	attach_to_exporter();
	child = CHECK_OK(on(exporter, do_fork_and_wait, 0));
	CHECK_OK(answer(kill(child, SIGKILL)));
	CHECK_OK(on(exporter, do_store, source, 9));
	CHECK_EQ(load(at), 9);
}

CASE(exporter_closes)
{
	attach_to_exporter();
	CHECK_OK(on(exporter, do_close, 0));
	check_revoked();
	CHECK_EQ(on(exporter, do_load, source), 5);
	CHECK_OK(here(do_close, 0));
	unmap(at, LENGTH);
}

CASE(attacher_closes)
{
	attach_to_exporter();
	CHECK_OK(here(do_close, 0));
	CHECK_EQ(load(at), GOT_SIGBUS);
	CHECK_EQ(store(at, 6), GOT_SIGBUS);
	CHECK_EQ(on(exporter, do_load, source), 5);
	unmap(at, PAGE);
	unmap(at + PAGE, LENGTH - PAGE);
	CHECK_OK(on(exporter, do_remove, segid));
}

CASE(attacher_of_several_closes)
{
	struct peer *other = peer_start();
	long there = CHECK_OK(on(other, do_map, PAGE)), id, where[2];
	int i;

	CHECK_OK(on(other, do_store, there, 7));
	id = CHECK_OK(on(other, do_export, there, PAGE));
	attach_to_exporter();
	for (i = 0; i < 2; i++) {
		where[i] = CHECK_OK(here(do_attach_segment, id, 0, PAGE));
		CHECK_EQ(load(where[i]), 7);
	}
	CHECK_OK(here(do_close, 0));
	CHECK_EQ(load(at), GOT_SIGBUS);
	CHECK_EQ(load(where[0]), GOT_SIGBUS);
	CHECK_EQ(load(where[1]), GOT_SIGBUS);
	CHECK_EQ(on(other, do_load, there), 7);
}

CASE(attacher_closes_then_exporter)
{
	attach_to_exporter();
	CHECK_OK(here(do_close, 0));
	CHECK_OK(on(exporter, do_close, 0));
	CHECK_EQ(load(at), GOT_SIGBUS);
	unmap(at, LENGTH);
	CHECK_EQ(load(at), GOT_SIGSEGV);
}

CASE(exporter_dies_after_attacher_closed)
{
	attach_to_exporter();
	CHECK_OK(here(do_close, 0));
	peer_end(exporter, SIGKILL);
	CHECK_EQ(load(at), GOT_SIGBUS);
	unmap(at, LENGTH);
}

CASE(attacher_is_killed)
{
	struct peer *attacher;
	long page;

	CHECK_OK(device_open());
	page = map_anonymous(LENGTH);
	fill(page, LENGTH, 1);
	segid = export_range(page, LENGTH);
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	peer_end(attacher, SIGKILL);
	CHECK_EQ(verify(page, LENGTH, 2), 0);
	fill(page, LENGTH, 3);
	unmap(page, LENGTH);
	CHECK_OK(REMOVE(.segid = segid));
}

CASE(attacher_execs)
{
	struct peer *attacher;
	long page;

	CHECK_OK(device_open());
	page = map_anonymous(LENGTH);
	segid = export_range(page, LENGTH);
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	peer_tell(attacher, do_exec, ARGUMENTS(true));
	peer_await_end(attacher);
	CHECK_EQ(verify(page, LENGTH, 2), 0);
	CHECK_OK(REMOVE(.segid = segid));
}

CASE(duplicate_of_the_descriptor_keeps_all)
{
	long page, apid, duplicate;

	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	fill(page, PAGE, 1);
	segid = export_range(page, PAGE);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	at = CHECK_OK(ATTACH(.apid = apid, .length = PAGE));
	duplicate = CHECK_OK(answer(dup(device)));
	CHECK_OK(here(do_close, 0));
	CHECK_EQ(verify(at, PAGE, 1), 0);
	device = duplicate;
	CHECK_OK(ATTACH(.apid = apid, .length = PAGE));
	CHECK_OK(REMOVE(.segid = segid));
}

static long do_close_number(const long *number)
{
	return answer(close(number[0]));
}

static long do_set_close_word(const long *vaddr)
{
	return device_call(XPMEM_IOC_CLOSE_WORD,
			   &SIZED(xpmem_ioc_close_word, .vaddr = (uint64_t)vaddr[0]));
}

/* The kernel notes in a word of the process that opened the device when it closes a descriptor. */
CASE(close_word)
{
	struct xpmem_ioc_query query = SIZED(xpmem_ioc_query, .flags = 0);
	volatile uint32_t *words;
	struct peer *child;
	long first, second;

	CHECK_OK(device_open());
	words = (void *)map_shared(PAGE);
	words[0] = words[1] = 1;
	CHECK_OK(here(do_set_close_word, (long)&words[0]));
	first = device;
	second = CHECK_OK(answer(dup(first)));
	child = peer_fork();
	CHECK_EQ(on(child, do_set_close_word, (long)&words[1]), -ESTALE);
	CHECK_OK(on(child, do_close_number, first));
	CHECK_OK(on(child, do_close_number, second));
	peer_end(child, 0);
	CHECK_EQ(words[0], 1);
	CHECK_OK(answer(close(second)));
	CHECK_EQ(words[0], 0);
	words[0] = 1;
	/* the close may have come before the word was known */
	CHECK_OK(here(do_set_close_word, (long)&words[1]));
	CHECK_EQ(words[1], 0);
	words[1] = 1;
	CHECK_OK(here(do_set_close_word, (long)&words[1]));
	CHECK_EQ(words[1], 1);
	second = CHECK_OK(answer(dup(first)));
	CHECK_OK(answer(dup2(0, second)));
	CHECK_EQ(words[0], 1);
	CHECK_EQ(words[1], 0);
	words[1] = 1;
	CHECK_OK(here(do_set_close_word, 0));
	CHECK_OK(here(do_close, 0));
	CHECK_EQ(words[1], 1);

	CHECK_OK(device_open());
	CHECK_EQ(here(do_set_close_word, (long)words + 2), -EINVAL);
	CHECK_OK(QUERY(&query));
	CHECK_EQ(here(do_set_close_word, query.address_limit), -EFAULT);
	CHECK_EQ(here(do_set_close_word, -PAGE), -EFAULT);
	/* a word that cannot be written is of no harm */
	CHECK_OK(here(do_set_close_word, (long)words));
	CHECK_OK(answer(mprotect((void *)words, PAGE, PROT_READ)));
	CHECK_OK(answer(close(CHECK_OK(answer(dup(device))))));
	CHECK_EQ(words[0], 1);
	unmap((long)words, PAGE);
	CHECK_OK(here(do_close, 0));
}

/* what one open file made does not go with another one of the same process */
CASE(open_files_are_apart)
{
	struct peer *attacher;
	long page, kept, lost, second, first;

	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	fill(page, PAGE, 1);
	first = device;
	kept = export_range(page, PAGE);
	second = CHECK_OK(device_open());
	lost = export_range(page, PAGE);
	device = first;
	CHECK_OK(answer(close(second)));
	attacher = peer_start();
	CHECK_EQ(on(attacher, do_get, lost, XPMEM_GET_RDWR), -ENOENT);
	at = CHECK_OK(on(attacher, do_attach_segment, kept, 0, PAGE));
	CHECK_EQ(on(attacher, do_verify, at, PAGE, 1), 0);
}

CASE(system_call_on_a_revoked_attachment)
{
	int file = memory_file(PAGE);
	char byte;

	attach_to_exporter();
	CHECK_EQ(answer(pwrite(file, (void *)at, PAGE, 0)), PAGE);
	CHECK_OK(on(exporter, do_remove, segid));
	CHECK_EQ(answer(pwrite(file, (void *)at, PAGE, 0)), -EFAULT);
	CHECK_EQ(answer(pread(file, (void *)at, PAGE, 0)), -EFAULT);
	CHECK_EQ(answer(pread(file, &byte, 1, 0)), 1);
	CHECK_EQ(byte, 5);
}

CASE(exported_again_after_remove)
{
	attach_to_exporter();
	CHECK_OK(on(exporter, do_remove, segid));
	CHECK_EQ(load(at), GOT_SIGBUS);
	segid = CHECK_OK(on(exporter, do_export, source, LENGTH));
	CHECK_EQ(load(at), GOT_SIGBUS);
	at = CHECK_OK(here(do_attach_segment, segid, 0, LENGTH));
	CHECK_EQ(load(at), 5);
}
