/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything at once for a few seconds: threads that touch while the exporter changes what is
 * there. Every value seen must be one that the exporter had at that address, and nothing may hang.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"

#define SECONDS 4
#define PAGES 64
#define LENGTH (PAGES * PAGE)

static atomic_bool stop;
static atomic_long touched;
static long at, source;

/*
 * a page holds zero, or its own number times a thousand and something: anything else came from
 * elsewhere
 */
static bool legal(long page_number, long value)
{
	return value == 0 || value == GOT_SIGBUS || value == GOT_SIGSEGV ||
	       value / 1000 == page_number + 1;
}

static void *touch(void *seed_pointer)
{
	unsigned int seed = (long)seed_pointer;
	long number, value;

	while (!stop) {
		number = rand_r(&seed) % PAGES;
		if (rand_r(&seed) % 3)
			value = load(at + number * PAGE);
		else
			value = store(at + number * PAGE,
				      (number + 1) * 1000 + rand_r(&seed) % 1000);
		if (!legal(number, value))
			FAIL("page %ld holds %s", number, describe(value));
		touched++;
	}
	return NULL;
}

static void change_one_thing(unsigned int *seed)
{
	long number = rand_r(seed) % PAGES, count = 1 + rand_r(seed) % 8, value;
	long address = source + number * PAGE;

	if (number + count > PAGES)
		count = PAGES - number;
	switch (rand_r(seed) % 7) {
	case 0:
		unmap(address, count * PAGE);
		map_over(address, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1);
		break;
	case 1:
		map_over(address, count * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1);
		break;
	case 2:
		CHECK_OK(answer(madvise((void *)address, count * PAGE, MADV_DONTNEED)));
		break;
	case 3:
		protect(address, count * PAGE, PROT_NONE);
		protect(address, count * PAGE, PROT_READ);
		protect(address, count * PAGE, PROT_READ | PROT_WRITE);
		break;
	case 4:
		(void)!madvise((void *)address, count * PAGE, MADV_PAGEOUT);
		break;
	default:
		CHECK_OK(store(address, (number + 1) * 1000 + rand_r(seed) % 1000));
		value = load(address);
		if (!legal(number, value))
			FAIL("the exporter sees %s in page %ld", describe(value), number);
	}
}

static long do_change(const long *seconds_seed)
{
	unsigned int seed = seconds_seed[1];
	double end = now() + seconds_seed[0];
	long changes = 0;
	pid_t child;

	while (now() < end) {
		change_one_thing(&seed);
		if (++changes % 50)
			continue;
		child = CHECK_OK(answer(fork()));
		if (!child) {
			change_one_thing(&seed);
			_exit(EXIT_SUCCESS);
		}
		CHECK_EQ(waitpid(child, NULL, 0), child);
	}
	return changes;
}

static long do_touch(const long *seconds_seed_address)
{
	pthread_t threads[2];
	long i;

	at = seconds_seed_address[2];
	stop = false;
	touched = 0;
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, touch,
					(void *)(seconds_seed_address[1] + i)),
			 0);
	usleep(seconds_seed_address[0] * 1000000);
	stop = true;
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	return touched;
}

static long do_set_source(const long *address)
{
	source = address[0];
	return 0;
}

static struct peer *start_exporter(long *segid)
{
	struct peer *exporter = peer_start();
	long memory = CHECK_OK(on(exporter, do_map, LENGTH));

	CHECK_OK(on(exporter, do_set_source, memory));
	*segid = CHECK_OK(on(exporter, do_export, memory, LENGTH));
	return exporter;
}

CASE(touch_while_the_exporter_changes)
{
	struct peer *exporter, *attacher;
	long segid, changes, touches;

	exporter = start_exporter(&segid);
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
	peer_tell(exporter, do_change, ARGUMENTS(SECONDS, 1));
	touches = CHECK_OK(on(attacher, do_touch, SECONDS, 2, at));
	changes = CHECK_OK(peer_answer(exporter));
	printf("%ld changes, %ld touches\n", changes, touches);
	CHECK(changes > 50);
	CHECK(touches > 50);
}

struct both {
	long seconds, seed, address;
};

static void *change_in_thread(void *both)
{
	const struct both *a = both;

	do_change(ARGUMENTS(a->seconds, a->seed));
	return NULL;
}

/* touches the other's memory with two threads and changes its own with a third */
static long do_both(const long *a)
{
	struct both both = { a[0], a[1], a[2] };
	pthread_t thread;
	long touches;

	CHECK_EQ(pthread_create(&thread, NULL, change_in_thread, &both), 0);
	touches = do_touch(a);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	return touches;
}

CASE(mutual_attach)
{
	struct peer *first, *second;
	long first_segid, second_segid, first_at, second_at;

	first = start_exporter(&first_segid);
	second = start_exporter(&second_segid);
	first_at = CHECK_OK(on(first, do_attach_segment, second_segid, 0, LENGTH));
	second_at = CHECK_OK(on(second, do_attach_segment, first_segid, 0, LENGTH));
	peer_tell(first, do_both, ARGUMENTS(SECONDS, 1, first_at));
	peer_tell(second, do_both, ARGUMENTS(SECONDS, 100, second_at));
	CHECK(CHECK_OK(peer_answer(first)) > 20);
	CHECK(CHECK_OK(peer_answer(second)) > 20);
}

static long do_attach_for_ever(const long *segid)
{
	long segment = segid[0], where, i;

	for (;;) {
		where = do_attach_segment(ARGUMENTS(segment, 0, LENGTH));
		if (where < 0)
			return where;
		for (i = 0; i < PAGES; i += 7)
			(void)store(where + i * PAGE, (i + 1) * 1000);
		unmap(where + PAGE, PAGE);
		if (rand() % 2)
			CHECK_OK(DETACH(.vaddr = where));
	}
}

/* either side dies at a random moment, many times over */
CASE(kill_at_random_moments)
{
	struct peer *exporter, *attacher;
	double end = now() + SECONDS;
	long segid, rounds = 0;

	srand(1);
	while (now() < end || rounds < 3) {
		harness_renew();
		exporter = start_exporter(&segid);
		attacher = peer_start();
		peer_tell(exporter, do_change, ARGUMENTS(60, rounds));
		peer_tell(attacher, do_attach_for_ever, ARGUMENTS(segid));
		usleep(rand() % 60000);
		peer_end(rounds % 2 ? exporter : attacher, SIGKILL);
		usleep(rand() % 20000);
		peer_end(rounds % 2 ? attacher : exporter, SIGKILL);
		rounds++;
	}
	printf("%ld rounds\n", rounds);
}

static long do_make_and_remove(const long *seconds)
{
	long memory = map_anonymous(PAGE), segid, rounds = 0;
	double end = now() + seconds[0];

	while (now() < end) {
		segid = export_range(memory, PAGE);
		CHECK_OK(do_attach_segment(ARGUMENTS(segid, 0, PAGE)));
		CHECK_OK(REMOVE(.segid = segid));
		rounds++;
	}
	return rounds;
}

static long do_get_and_release(const long *a)
{
	double end = now() + a[0];
	long apid, where, rounds = 0;

	while (now() < end) {
		apid = CHECK_OK(GET(.segid = a[1], .flags = XPMEM_GET_RDWR));
		where = CHECK_OK(ATTACH(.apid = apid, .length = PAGE));
		CHECK_OK(store(where, 1000));
		CHECK_OK(RELEASE(.apid = apid));
		CHECK_EQ(load(where), GOT_SIGSEGV);
		rounds++;
	}
	return rounds;
}

CASE(objects_come_and_go)
{
	struct peer *exporter, *others[4];
	long segid, i;

	exporter = start_exporter(&segid);
	for (i = 0; i < 4; i++)
		others[i] = peer_start();
	peer_tell(others[0], do_make_and_remove, ARGUMENTS(SECONDS));
	peer_tell(others[1], do_make_and_remove, ARGUMENTS(SECONDS));
	peer_tell(others[2], do_get_and_release, ARGUMENTS(SECONDS, segid));
	peer_tell(others[3], do_get_and_release, ARGUMENTS(SECONDS, segid));
	for (i = 0; i < 4; i++)
		CHECK(CHECK_OK(peer_answer(others[i])) > 10);
	CHECK_OK(on(exporter, do_remove, segid));
}

static void *release_in_thread(void *apids)
{
	long *all = apids, i;

	for (i = 0; i < 200; i++)
		(void)RELEASE(.apid = all[i]);
	return NULL;
}

/* two threads release the same permits: each goes once */
CASE(release_twice_at_once)
{
	static long apids[200];
	pthread_t threads[2];
	long segid, i;

	CHECK_OK(device_open());
	segid = export_range(map_anonymous(PAGE), PAGE);
	for (i = 0; i < 200; i++) {
		apids[i] = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
		CHECK_OK(store(CHECK_OK(ATTACH(.apid = apids[i], .length = PAGE)), 1));
	}
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, release_in_thread, apids), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	for (i = 0; i < 200; i++)
		CHECK_EQ(RELEASE(.apid = apids[i]), -ENOENT);
}
