/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An attachment allows at any moment what the exporter's own mapping allows at that moment: from
 * every protection to every other, whatever was mapped in the attachment before.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"

#define LENGTH (4 * PAGE)

static struct peer *attacher;
static long page, at;

static const int protections[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };

static void share(long memory, long length)
{
	CHECK_OK(device_open());
	page = memory;
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, length), 0, length));
}

static void check_allowed(long offset, int protection)
{
	CHECK_EQ(on(attacher, do_load, at + offset),
		 protection & PROT_READ ? load(page + offset) : GOT_SIGSEGV);
	if (!(protection & PROT_WRITE)) {
		CHECK_EQ(on(attacher, do_store, at + offset, 99), GOT_SIGSEGV);
	} else {
		CHECK_OK(on(attacher, do_store, at + offset, 77));
		CHECK_EQ(load(page + offset), 77);
		CHECK_OK(on(attacher, do_store, at + offset, 1));
	}
	CHECK_EQ(on(attacher, do_load, at + offset), protection & PROT_READ ? 1 : GOT_SIGSEGV);
}

static void check_all_orders(long memory, long length)
{
	int first, second, third;
	long offset;

	for (offset = 0; offset < length; offset += PAGE)
		*(volatile long *)(memory + offset) = 1;
	share(memory, length);
	for (first = 0; first < 3; first++)
		for (second = 0; second < 3; second++)
			for (third = 0; third < 3; third++) {
				protect(page, length, protections[first]);
				check_allowed(0, protections[first]);
				protect(page, length, protections[second]);
				check_allowed(0, protections[second]);
				/* a page that nobody touched meanwhile */
				protect(page, length, protections[third]);
				check_allowed(length - PAGE, protections[third]);
			}
}

CASE(private_memory)
{
	check_all_orders(map_anonymous(LENGTH), LENGTH);
}

CASE(shared_memory)
{
	check_all_orders(map_file(memory_file(LENGTH), LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED),
			 LENGTH);
}

CASE(shared_file)
{
	check_all_orders(map_file(temporary_file("content", 4), LENGTH, PROT_READ | PROT_WRITE,
				  MAP_SHARED),
			 LENGTH);
}

CASE(private_file)
{
	check_all_orders(map_file(temporary_file("content", 4), LENGTH, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE),
			 LENGTH);
}

CASE(huge_page)
{
	long memory = map_huge(2 * MIB);

	check_all_orders(memory, 2 * MIB);
}

/* one page, whose neighbours keep what they allow */
/* The kernel does not announce the end of such changes by itself. */
CASE(memory_at_address_0)
{
	static volatile long lowest;	/* The compiler must not know that it is 0. */

	map_over(lowest, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	check_all_orders(lowest, LENGTH);
}

CASE(one_page)
{
	int i;

	check_all_orders(map_anonymous(LENGTH), LENGTH);
	protect(page, LENGTH, PROT_READ | PROT_WRITE);
	for (i = 0; i < 3; i++) {
		protect(page + PAGE, PAGE, protections[i]);
		check_allowed(PAGE, protections[i]);
		check_allowed(0, PROT_READ | PROT_WRITE);
		check_allowed(2 * PAGE, PROT_READ | PROT_WRITE);
	}
}

/*
 * what the exporter may only write it may read as well on most machines, and then the attacher may
 */
static void check_write_only(long offset)
{
	CHECK_EQ(on(attacher, do_load, at + offset), load(page + offset));
	CHECK_OK(on(attacher, do_store, at + offset, 5));
	CHECK_EQ(on(attacher, do_load, at + offset), load(page + offset));
	CHECK_OK(store(page + offset, 6));
	CHECK_EQ(on(attacher, do_load, at + offset), load(page + offset));
	protect(page + offset, PAGE, PROT_READ | PROT_WRITE);
	CHECK_EQ(on(attacher, do_load, at + offset), 6);
}

/* pages that the attacher reads first, that it writes first, and that the exporter had before */
static void check_write_only_memory(long memory)
{
	share(memory, LENGTH);
	CHECK_OK(store(page + 2 * PAGE, 3));
	CHECK_EQ(on(attacher, do_load, at + 2 * PAGE), 3);
	protect(page, LENGTH, PROT_WRITE);
	CHECK_OK(on(attacher, do_store, at + PAGE, 4));
	check_write_only(0);
	check_write_only(PAGE);
	check_write_only(2 * PAGE);
	protect(page, LENGTH, PROT_WRITE);
	CHECK_OK(on(attacher, do_store, at, 7));
	protect(page, LENGTH, PROT_NONE);
	check_allowed(0, PROT_NONE);
	check_allowed(3 * PAGE, PROT_NONE);
	protect(page, LENGTH, PROT_WRITE);
	CHECK_OK(on(attacher, do_store, at + 3 * PAGE, 8));
	protect(page, LENGTH, PROT_READ);
	CHECK_EQ(load(page), 7);
	CHECK_EQ(load(page + 3 * PAGE), 8);
}

CASE(write_only)
{
	check_write_only_memory(map_anonymous(LENGTH));
}

CASE(write_only_shared_memory)
{
	check_write_only_memory(map_shared(LENGTH));
}

CASE(write_only_shared_file)
{
	check_write_only_memory(
		map_file(temporary_file("content", 4), LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED));
}

static long do_protect_with_key(const long *address_length)
{
	const long *a = address_length;
	int key = pkey_alloc(0, PKEY_DISABLE_ACCESS);

	if (key < 0)
		return -errno;
	return answer(pkey_mprotect((void *)a[0], a[1], PROT_READ | PROT_WRITE, key));
}

/*
 * a key denies its own process's threads, as for ptrace: the exporter's key does not bind the
 * attacher, nor the other way round
 */
CASE(protection_keys)
{
	long error;

	share(map_anonymous(LENGTH), LENGTH);
	CHECK_OK(store(page, 1));
	error = here(do_protect_with_key, page, LENGTH);
	if (error == -ENOSPC || error == -EINVAL || error == -ENOSYS)
		SKIP("this processor or kernel has no protection keys");
	CHECK_OK(error);
	CHECK_EQ(load(page), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_load, at), 1);
	CHECK_OK(on(attacher, do_store, at, 2));
	CHECK_OK(on(attacher, do_store, at + PAGE, 3));
	CHECK_OK(on(attacher, do_protect_with_key, at, PAGE));
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_load, at + PAGE), 3);
	CHECK_OK(answer(pkey_mprotect((void *)page, LENGTH, PROT_READ | PROT_WRITE, 0)));
	CHECK_EQ(load(page), 2);
	CHECK_EQ(load(page + PAGE), 3);
}

/*
 * the attacher writes while the exporter takes the right away and gives it back: it is never stuck,
 * and loses nothing
 */
static long do_count_stubbornly(const long *a)
{
	long counted = 0, value;

	while (counted < a[1]) {
		value = load(a[0]);
		if (value >= 0 && store(a[0], value + 1) >= 0)
			counted++;
	}
	return counted;
}

static void check_counted(long memory)
{
	int i;

	share(memory, LENGTH);
	*(volatile long *)page = 0;
	peer_tell(attacher, do_count_stubbornly, ARGUMENTS(at, 20000));
	for (i = 0; i < 300; i++) {
		protect(page, LENGTH, protections[i % 3]);
		protect(page, LENGTH, PROT_READ | PROT_WRITE);
	}
	CHECK_EQ(peer_answer(attacher), 20000);
	CHECK_EQ(load(page), 20000);
}

CASE(counted_while_it_changes)
{
	check_counted(map_anonymous(LENGTH));
}

CASE(counted_while_shared_memory_changes)
{
	check_counted(map_file(memory_file(LENGTH), LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED));
}

#define LARGE (8 * MIB)	/* takes a while to discard */
#define ROUNDS 30

static long do_load_while_one(const long *address)
{
	long value;

	do
		value = load(address[0]);
	while (value == 1);
	return value;
}

static atomic_bool begun;

static void *discard(void *nothing)
{
	begun = true;
	CHECK_OK(answer(madvise((void *)page, LARGE, MADV_DONTNEED)));
	return nothing;
}

/*
 * A read waits while the exporter discards the page, which is write-only then, so the exporter may
 * read it as well. When the read goes on, the page is read-only. It raises no signal.
 */
CASE(read_while_it_changes)
{
	pthread_t thread;
	long i, offset;

	share(map_file(memory_file(LARGE), LARGE, PROT_READ | PROT_WRITE, MAP_SHARED), LARGE);
	CHECK_OK(store(page, 1));
	peer_tell(attacher, do_load_while_one, ARGUMENTS(at));
	for (i = 0; i < ROUNDS / slowness(); i++) {
		for (offset = 0; offset < LARGE; offset += PAGE)
			(void)*(volatile long *)(page + offset);
		protect(page, LARGE, PROT_WRITE);
		begun = false;
		CHECK_EQ(pthread_create(&thread, NULL, discard, NULL), 0);
		while (!begun)
			sched_yield();
		usleep(i % 10 * 100);
		protect(page, LARGE, PROT_READ);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
	protect(page, LARGE, PROT_READ | PROT_WRITE);
	CHECK_OK(store(page, 2));
	CHECK_EQ(peer_answer(attacher), 2);
}
