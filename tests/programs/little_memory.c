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

/* Memory in bytes, a multiple of this part of the machine's. */
static long memory_of_machine(long percent)
{
	long total = CHECK_OK(read_counter("/proc/meminfo", "MemTotal:")) * 1024;

	if (total > MOST_MEMORY)
		SKIP("this machine has %ld MiB of memory, which is not little", total / MIB);
	if (read_counter("/proc/meminfo", "SwapTotal:") * 1024 < 2 * total)
		SKIP("there is too little swap");
	return total / 100 * percent / (2 * MIB) * (2 * MIB);
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

/* One process writes all; then each half is written by one side while the other writes the rest. */
static void check_nothing_is_lost(operation *map)
{
	long length = memory_of_machine(120), before = swapped_out(), source, at;
	struct peer *exporter = peer_start(), *attacher = peer_start();

	source = CHECK_OK(on(exporter, map, length));
	at = CHECK_OK(on(attacher, do_attach_segment,
			 CHECK_OK(on(exporter, do_export, source, length)), 0, length));
	CHECK_OK(on(attacher, do_fill, at, length, 1));
	CHECK(swapped_out() - before > length / PAGE / 10);
	CHECK_EQ(on(exporter, do_verify, source, length, 1), 0);
	peer_tell(exporter, do_fill, ARGUMENTS(source, length / 2, 2));
	CHECK_OK(on(attacher, do_fill, at + length / 2, length / 2, 3));
	CHECK_OK(peer_answer(exporter));
	CHECK_EQ(on(attacher, do_verify, at, length / 2, 2), 0);
	CHECK_EQ(on(exporter, do_verify, source + length / 2, length / 2, 3), 0);
}

CASE(private_memory)
{
	check_nothing_is_lost(do_map_small);
}

CASE(shared_memory)
{
	check_nothing_is_lost(do_map_shared);
}

CASE(mutual_attach)
{
	long length = memory_of_machine(60), sources[2], segids[2], at[2];
	struct peer *both[2];
	int i;

	for (i = 0; i < 2; i++) {
		both[i] = peer_start();
		sources[i] = CHECK_OK(on(both[i], i ? do_map_shared : do_map_small, length));
		segids[i] = CHECK_OK(on(both[i], do_export, sources[i], length));
	}
	for (i = 0; i < 2; i++)
		at[i] = CHECK_OK(on(both[i], do_attach_segment, segids[!i], 0, length));
	for (i = 0; i < 2; i++)
		peer_tell(both[i], do_fill, ARGUMENTS(at[i], length, i + 1));
	for (i = 0; i < 2; i++)
		CHECK_OK(peer_answer(both[i]));
	for (i = 0; i < 2; i++)
		CHECK_EQ(on(both[i], do_verify, sources[i], length, !i + 1), 0);
}

/* Stores in each page until one store fails, and returns its result. */
static long do_store_all(const long *address_length)
{
	long i, result = 0;

	for (i = 0; i < address_length[1] && !result; i += PAGE)
		result = store(address_length[0] + i, 1);
	return result;
}

/* The exporter is killed while the kernel looks for pages of it. */
CASE(killed_amid_reclaim)
{
	long length = memory_of_machine(120), users = module_users(), source, at;
	struct peer *exporter = peer_start(), *attacher = peer_start();

	source = CHECK_OK(on(exporter, do_map_small, length));
	at = CHECK_OK(on(attacher, do_attach_segment,
			 CHECK_OK(on(exporter, do_export, source, length)), 0, length));
	peer_tell(attacher, do_store_all, ARGUMENTS(at, length));
	while (read_counter("/proc/meminfo", "SwapFree:") >
	       read_counter("/proc/meminfo", "SwapTotal:") - length / 1024 / 10)
		usleep(10000);
	peer_end(exporter, SIGKILL);
	CHECK_EQ(peer_answer(attacher), GOT_SIGBUS);
	peer_stop_all();
	CHECK(module_users_fall_to(users, 20));
}
