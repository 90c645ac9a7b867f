/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine that has less memory than programs export: the kernel takes pages away from all of
 * them, in the task that needs one and in the background. Needs swap, and is for machines with
 * little memory, because it uses more than all of it.
 */
#include <unistd.h>

#include "deadline.h"
#include "device.h"

#define MOST_MEMORY (768 * MIB)

/* A part of the memory that the machine can give to programs, in bytes. */
static long memory_of_machine(long percent)
{
	long total = CHECK_OK(read_counter("/proc/meminfo", "MemTotal:")) * 1024, length;

	if (total > MOST_MEMORY)
		SKIP("this machine has %ld MiB of memory, which is not little", total / MIB);
	length = CHECK_OK(read_counter("/proc/meminfo", "MemAvailable:")) * 1024 / 100 * percent /
		 MIB * MIB;
	if (read_counter("/proc/meminfo", "SwapFree:") * 1024 < 2 * length)
		SKIP("there is too little swap");
	return length;
}

static long swapped_out(void)
{
	return CHECK_OK(read_counter("/proc/vmstat", "pswpout"));
}

static long do_map_small(const long *length)
{
	long memory = map_anonymous(length[0]);

	use_small_pages(memory, length[0]);
	return memory;
}

static long do_map_shared(const long *length)
{
	return map_shared(length[0]);
}

/* Writes a word of each page, which tells the page and the seed. Stops where a store fails. */
static long do_write(const long *address_length_seed)
{
	long i, result = 0;

	for (i = 0; i < address_length_seed[1] && !result; i += PAGE)
		result = store(address_length_seed[0] + i, i + address_length_seed[2]);
	return result;
}

/* Writes all of that again and again until a store fails. */
static long do_write_for_ever(const long *address_length_seed)
{
	long result;

	do {
		result = do_write(address_length_seed);
	} while (!result);
	return result;
}

/* Counts the pages whose word is another. */
static long do_count_wrong(const long *address_length_seed)
{
	long i, wrong = 0;

	for (i = 0; i < address_length_seed[1]; i += PAGE)
		wrong += load(address_length_seed[0] + i) != i + address_length_seed[2];
	return wrong;
}

static struct peer *exporter, *attacher;
static long length, source, at;

static void share(operation *map)
{
	length = memory_of_machine(120);
	exporter = peer_start();
	attacher = peer_start();
	source = CHECK_OK(on(exporter, map, length));
	at = CHECK_OK(on(attacher, do_attach_segment,
			 CHECK_OK(on(exporter, do_export, source, length)), 0, length));
}

static void check_written_by_the_attacher(operation *map)
{
	long before = swapped_out();

	share(map);
	CHECK_EQ(on(attacher, do_write, at, length, 1), 0);
	CHECK(swapped_out() - before > length / PAGE / 20);
	CHECK_EQ(on(exporter, do_count_wrong, source, length, 1), 0);
}

/* Each side writes a half while the other writes the rest. */
static void check_written_by_both(operation *map)
{
	long half;

	share(map);
	half = length / 2 / PAGE * PAGE;
	peer_tell(exporter, do_write, ARGUMENTS(source, half, 2));
	CHECK_EQ(on(attacher, do_write, at + half, length - half, 3), 0);
	CHECK_EQ(peer_answer(exporter), 0);
	CHECK_EQ(on(attacher, do_count_wrong, at, half, 2), 0);
	CHECK_EQ(on(exporter, do_count_wrong, source + half, length - half, 3), 0);
}

CASE(private_memory)
{
	check_written_by_the_attacher(do_map_small);
}

CASE(private_memory_of_both)
{
	check_written_by_both(do_map_small);
}

CASE(shared_memory)
{
	check_written_by_the_attacher(do_map_shared);
}

CASE(shared_memory_of_both)
{
	check_written_by_both(do_map_shared);
}

CASE(mutual_attach)
{
	long sources[2], segids[2], views[2];
	struct peer *both[2];
	int i;

	length = memory_of_machine(60);
	for (i = 0; i < 2; i++) {
		both[i] = peer_start();
		sources[i] = CHECK_OK(on(both[i], i ? do_map_shared : do_map_small, length));
		segids[i] = CHECK_OK(on(both[i], do_export, sources[i], length));
	}
	for (i = 0; i < 2; i++)
		views[i] = CHECK_OK(on(both[i], do_attach_segment, segids[!i], 0, length));
	for (i = 0; i < 2; i++)
		peer_tell(both[i], do_write, ARGUMENTS(views[i], length, i + 1));
	for (i = 0; i < 2; i++)
		CHECK_EQ(peer_answer(both[i]), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(on(both[i], do_count_wrong, sources[i], length, !i + 1), 0);
}

/* The exporter is killed while the kernel looks for pages of it. */
CASE(killed_amid_reclaim)
{
	long users = module_users(), before = swapped_out();

	share(do_map_small);
	peer_tell(attacher, do_write_for_ever, ARGUMENTS(at, length, 1));
	while (swapped_out() - before < length / PAGE / 20) {
		if (peer_has_answered(attacher))
			FAIL("the attacher stopped before the exporter was killed");
		usleep(10000);
	}
	peer_end(exporter, SIGKILL);
	CHECK_EQ(peer_answer(attacher), GOT_SIGBUS);
	peer_stop_all();
	CHECK(module_users_fall_to(users, 20));
}
