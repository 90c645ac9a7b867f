/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A debugger (/proc/PID/mem, ptrace) reads and writes attachments of private memory, with the
 * rights of the attachment and of the exporter's own mapping, and no others.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"

#define LENGTH (4 * PAGE)
#define FIRST 0x10000000L	/* first word of memory that was filled with 1 */

static struct peer *attacher;
static long page, at, segment;
static int memory;	/* of the attacher */

static int open_memory(pid_t process)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", process);
	return CHECK_OK(answer(open(path, O_RDWR | O_CLOEXEC)));
}

static void attach(long address, long length, long flags)
{
	CHECK_OK(device_open());
	page = address;
	attacher = peer_start();
	segment = export_range(page, length);
	at = CHECK_OK(on(attacher, do_attach_segment, segment, 0, length, flags));
	memory = open_memory(peer_pid(attacher));
}

static void attach_filled(long flags)
{
	long address = map_anonymous(LENGTH);

	fill(address, LENGTH, 1);
	attach(address, LENGTH, flags);
}

static long peek(long address)
{
	long value;

	return answer(pread(memory, &value, sizeof(value), address)) == sizeof(value) ? value :
											-errno;
}

static long poke(long address, long value)
{
	long result = answer(pwrite(memory, &value, sizeof(value), address));

	return result == sizeof(value) ? 0 : result;
}

/* by the other system call that debuggers use */
static long poke_by_ptrace(long address, long value)
{
	long result;
	int status;

	CHECK_OK(answer(ptrace(PTRACE_ATTACH, peer_pid(attacher), NULL, NULL)));
	CHECK_OK(answer(waitpid(peer_pid(attacher), &status, 0)));
	result = answer(ptrace(PTRACE_POKEDATA, peer_pid(attacher), address, value));
	CHECK_OK(answer(ptrace(PTRACE_DETACH, peer_pid(attacher), NULL, NULL)));
	return result;
}

static void check_refused(long address)
{
	CHECK_EQ(peek(address), -EIO);
	CHECK_EQ(poke(address, 42), -EIO);
}

static void check_read_only(void)
{
	CHECK_EQ(peek(at), FIRST);
	CHECK_EQ(poke(at, 42), -EIO);
	CHECK_EQ(poke_by_ptrace(at, 42), -EIO);
	CHECK_EQ(load(page), FIRST);
}

CASE(nobody_touched_it)
{
	attach(map_anonymous(LENGTH), LENGTH, 0);
	CHECK_EQ(peek(at), 0);
	CHECK_EQ(poke(at + PAGE, 42), 0);
	CHECK_EQ(load(page + PAGE), 42);
	CHECK_EQ(on(attacher, do_load, at + PAGE), 42);
}

/* more than a page at once, not aligned, and up to a hole */
CASE(across_pages)
{
	static char bytes[2 * 65536 * 4], expected[2 * 65536 * 4];

	attach_filled(0);
	memcpy(expected, (void *)page, LENGTH);
	CHECK_EQ(answer(pread(memory, bytes, LENGTH - 3, at + 3)), LENGTH - 3);
	CHECK(!memcmp(bytes, expected + 3, LENGTH - 3));
	CHECK_EQ(answer(pwrite(memory, bytes, 2 * PAGE, at + 1)), 2 * PAGE);
	CHECK(!memcmp((void *)(page + 1), bytes, 2 * PAGE));
	unmap(page + 2 * PAGE, PAGE);
	CHECK_EQ(answer(pread(memory, bytes, LENGTH, at)), 2 * PAGE);
	check_refused(at + 2 * PAGE);
	CHECK_EQ(peek(at + 3 * PAGE), FIRST + 3 * PAGE / 8);
}

CASE(huge_page)
{
	long address = map_huge(HUGE_PAGE);

	fill(address, HUGE_PAGE, 1);
	attach(address, HUGE_PAGE, 0);
	CHECK_EQ(peek(at + HUGE_PAGE / 2), FIRST + HUGE_PAGE / 16);
	CHECK_EQ(poke(at + HUGE_PAGE / 2, 42), 0);
	CHECK_EQ(load(page + HUGE_PAGE / 2), 42);
	CHECK_EQ(on(attacher, do_load, at + HUGE_PAGE / 2), 42);
}

CASE(read_only_attachment)
{
	attach_filled(XPMEM_ATTACH_RDONLY);
	check_read_only();
	CHECK_EQ(on(attacher, do_load, at), FIRST);
	check_read_only();
}

CASE(read_only_permit)
{
	long apid;

	attach_filled(0);
	apid = CHECK_OK(on(attacher, do_get, segment, XPMEM_GET_RDONLY));
	at = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH, 0));
	check_read_only();
}

CASE(attacher_may_only_read)
{
	attach_filled(0);
	CHECK_OK(on(attacher, do_protect, at, LENGTH, PROT_READ));
	check_read_only();
	CHECK_OK(on(attacher, do_protect, at, LENGTH, PROT_READ | PROT_WRITE));
	CHECK_EQ(poke(at, 42), 0);
	CHECK_EQ(load(page), 42);
}

CASE(exporter_may_only_read)
{
	attach_filled(0);
	protect(page, LENGTH, PROT_READ);
	check_read_only();
	protect(page, LENGTH, PROT_NONE);
	check_refused(at);
	protect(page, LENGTH, PROT_WRITE);
	CHECK_EQ(peek(at), FIRST);
	CHECK_EQ(poke(at, 42), 0);
	CHECK_EQ(load(page), 42);
}

CASE(private_mapping_of_a_file)
{
	int file = memory_file(LENGTH);
	long shared = map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);

	fill(shared, LENGTH, 1);
	attach(map_file(file, LENGTH, PROT_READ, MAP_PRIVATE), LENGTH, 0);
	check_read_only();
	protect(page, LENGTH, PROT_READ | PROT_WRITE);
	CHECK_EQ(poke(at, 42), 0);
	CHECK_EQ(load(page), 42);
	CHECK_EQ(verify(shared, LENGTH, 1), 0);
}

CASE(zero_page)
{
	attach(map_anonymous(LENGTH), LENGTH, 0);
	CHECK_EQ(load(page), 0);
	CHECK_EQ(on(attacher, do_load, at), 0);
	CHECK_EQ(poke(at, 42), 0);
	CHECK_EQ(load(page), 42);
	CHECK_EQ(load(map_anonymous(PAGE)), 0);
}

CASE(secret_memory)
{
	int file;

	attach_filled(0);
	file = syscall(SYS_memfd_secret, O_CLOEXEC);
	if (file < 0)
		SKIP("no secret memory: %s", strerror(errno));
	CHECK_OK(answer(ftruncate(file, PAGE)));
	map_over(page, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	CHECK_OK(store(page, 7));
	check_refused(at);
	CHECK_EQ(load(page), 7);
}

CASE(segment_removed)
{
	attach_filled(0);
	CHECK_EQ(peek(at), FIRST);
	CHECK_OK(REMOVE(.segid = segment));
	check_refused(at);
	check_refused(at + PAGE);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
}

CASE(exporter_ended)
{
	struct peer *exporter = peer_start();
	long address = CHECK_OK(on(exporter, do_map, LENGTH));

	CHECK_OK(device_open());
	attacher = peer_start();
	segment = CHECK_OK(on(exporter, do_export, address, LENGTH));
	at = CHECK_OK(on(attacher, do_attach_segment, segment, 0, LENGTH, 0));
	memory = open_memory(peer_pid(attacher));
	CHECK_EQ(poke(at, 42), 0);
	CHECK_EQ(on(exporter, do_load, address), 42);
	peer_end(exporter, SIGKILL);
	check_refused(at);
}

/* Forks a child that gets the attachment, if the kernel allows that. */
static long do_fork_with(const long *address_length)
{
	pid_t child;

	(void)!madvise((void *)address_length[0], address_length[1], MADV_DOFORK);
	child = CHECK_OK(answer(fork_bound()));
	if (!child)
		for (;;)
			pause();
	return child;
}

CASE(inherited)
{
	long child;

	attach_filled(0);
	CHECK_EQ(peek(at), FIRST);
	child = CHECK_OK(on(attacher, do_fork_with, at, LENGTH));
	memory = open_memory(child);
	check_refused(at);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
}

/* what is written is the exporter's, not its child's */
CASE(exporter_forked)
{
	struct peer *child;

	attach_filled(0);
	CHECK_EQ(on(attacher, do_load, at), FIRST);
	child = peer_fork();
	CHECK_EQ(poke(at, 42), 0);
	CHECK_EQ(load(page), 42);
	CHECK_EQ(on(child, do_load, page), FIRST);
	CHECK_OK(on(child, do_store, page + PAGE, 7));
	CHECK_EQ(peek(at + PAGE), FIRST + PAGE / 8);
}

/* a page whose contents the exporter no longer needs counts as written */
CASE(after_madvise_free)
{
	attach_filled(0);
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_FREE)));
	CHECK_EQ(poke(at, 42), 0);
	CHECK_EQ(poke(at + 2 * PAGE, 43), 0);
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_PAGEOUT)));
	CHECK_EQ(load(page), 42);
	CHECK_EQ(load(page + 2 * PAGE), 43);
}

static long do_attach_itself(const long *length)
{
	long address = map_anonymous(length[0]);

	fill(address, length[0], 1);
	CHECK_OK(device_open());
	return do_attach_segment(ARGUMENTS(export_range(address, length[0]), 0, length[0]));
}

CASE(attached_to_itself)
{
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_itself, LENGTH));
	memory = open_memory(peer_pid(attacher));
	CHECK_EQ(peek(at + PAGE), FIRST + PAGE / 8);
	CHECK_EQ(poke(at + PAGE, 42), 0);
	CHECK_EQ(on(attacher, do_load, at + PAGE), 42);
}

/* Nothing of it stays with the debugger, and no page is pinned. */
CASE(of_memory_without_gup)
{
	CHECK_OK(device_open());
	page = map_shared(LENGTH);
	fill(page, LENGTH, 1);
	attacher = peer_start();
	segment = CHECK_OK(MAKE(.vaddr = page, .length = LENGTH, .mode = 0600,
				.flags = XPMEM_MAKE_NO_GUP));
	at = CHECK_OK(on(attacher, do_attach_segment, segment, 0, LENGTH, 0));
	memory = open_memory(peer_pid(attacher));
	CHECK_EQ(peek(at), FIRST);
	CHECK_EQ(poke(at, 42), 0);
	CHECK_EQ(load(page), 42);
	CHECK_OK(REMOVE(.segid = segment));
	check_refused(at);
}
