/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes that attach each other and themselves, all at once, in ways in which locks could wait
 * for each other.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"

#define SECONDS 4
#define RING 3
#define PAGES 64
#define LENGTH (PAGES * PAGE)
#define WINDOW (2 * MIB)

/*
 * Of each process, in one window: what it exports, and right behind it what it attaches of the
 * next. So its window is busy with faults of the one before while it is told that its attachment is
 * taken away. Behind that lies what attaches the same of the next, all around the ring: nothing is
 * in it, and a zap that went on from attachment to attachment would never end.
 */
static long own, other, cycle;
static atomic_bool stop;
static atomic_long counts[3];	/* of changes, faults there, touches here */

static bool legal(long page_number, long value)
{
	return value == 0 || value == GOT_SIGBUS || value == GOT_SIGSEGV ||
	       value / 1000 == page_number + 1;
}

static long do_map_window(const long *none)
{
	(void)none;
	own = map_aligned(WINDOW, WINDOW);
	use_small_pages(own, WINDOW);
	other = own + LENGTH;
	cycle = other + LENGTH;
	unmap(other, 2 * LENGTH);
	return own;
}

/* attaches with one's own open file, at the place for it */
static long do_attach_other(const long *segid)
{
	long apid = CHECK_OK(GET(.segid = segid[0], .flags = XPMEM_GET_RDWR));

	CHECK_EQ(ATTACH(.apid = apid, .offset = cycle - own, .length = LENGTH,
			.flags = XPMEM_ATTACH_FIXED, .vaddr = cycle),
		 cycle);
	return ATTACH(.apid = apid, .length = LENGTH, .flags = XPMEM_ATTACH_FIXED, .vaddr = other);
}

static void *take_away(void *seed_pointer)
{
	unsigned int seed = (long)seed_pointer;

	while (!stop) {
		switch (rand_r(&seed) % 4) {
		case 0:
			CHECK_OK(answer(madvise((void *)own, LENGTH, MADV_DONTNEED)));
			break;
		case 1:
			protect(own, LENGTH, PROT_READ);
			protect(own, LENGTH, PROT_READ | PROT_WRITE);
			break;
		case 2:
			(void)!madvise((void *)own, LENGTH, MADV_PAGEOUT);
			break;
		case 3:
			map_over(own, LENGTH, PROT_READ | PROT_WRITE,
				 MAP_ANONYMOUS | (rand_r(&seed) % 2 ? MAP_PRIVATE : MAP_SHARED),
				 -1);
			break;
		}
		protect(cycle, LENGTH, PROT_READ);
		protect(cycle, LENGTH, PROT_READ | PROT_WRITE);
		CHECK_EQ(load(cycle), GOT_SIGBUS);
		counts[0]++;
	}
	return NULL;
}

static void touch(long start, unsigned int *seed, atomic_long *count)
{
	long number = rand_r(seed) % PAGES, value;

	if (rand_r(seed) % 2)
		value = store(start + number * PAGE, (number + 1) * 1000 + rand_r(seed) % 1000);
	else
		value = load(start + number * PAGE);
	if (!legal(number, value))
		FAIL("page %ld holds %s", number, describe(value));
	++*count;
}

static void *touch_other(void *seed_pointer)
{
	unsigned int seed = (long)seed_pointer;

	while (!stop)
		touch(other, &seed, &counts[1]);
	return NULL;
}

static void *touch_own(void *seed_pointer)
{
	unsigned int seed = (long)seed_pointer;

	while (!stop)
		touch(own, &seed, &counts[2]);
	return NULL;
}

/* the least of the three counts */
static long do_everything(const long *seconds_seed)
{
	void *(*const what[])(void *) = { take_away, touch_other, touch_own };
	pthread_t threads[3];
	long i, least;

	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, what[i],
					(void *)(seconds_seed[1] * 10 + i)),
			 0);
	usleep(seconds_seed[0] * 1000000);
	stop = true;
	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	for (least = counts[0], i = 1; i < 3; i++)
		least = counts[i] < least ? counts[i] : least;
	return least;
}

static void run_ring(int count)
{
	struct peer *members[RING];
	long segids[RING], least;
	int i;

	for (i = 0; i < count; i++) {
		members[i] = peer_start();
		segids[i] = CHECK_OK(on(members[i], do_export,
					CHECK_OK(on(members[i], do_map_window, 0)), WINDOW));
	}
	for (i = 0; i < count; i++)
		CHECK_OK(on(members[i], do_attach_other, segids[(i + 1) % count]));
	for (i = 0; i < count; i++)
		peer_tell(members[i], do_everything, ARGUMENTS(SECONDS, i + 1));
	for (i = 0; i < count; i++) {
		least = CHECK_OK(peer_answer(members[i]));
		printf("member %d: at least %ld of each\n", i, least);
		CHECK(least >= 3);
	}
}

static void *discard(void *nothing)
{
	while (!stop)
		CHECK_OK(answer(madvise((void *)own, LENGTH, MADV_DONTNEED)));
	return nothing;
}

static void *map_and_unmap(void *nothing)
{
	while (!stop)
		unmap(map_anonymous(PAGE), PAGE);
	return nothing;
}

static long do_map_own(const long *shared)
{
	own = shared[0] ? map_shared(LENGTH) : map_anonymous(LENGTH);
	return own;
}

/* Discards the attached memory all the time, while other threads wait for the mmap_lock. */
static long do_change(const long *seconds)
{
	void *(*const what[])(void *) = { discard, map_and_unmap, map_and_unmap };
	pthread_t threads[3];
	int i;

	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, what[i], NULL), 0);
	usleep(seconds[0] * 1000000);
	stop = true;
	for (i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	return 0;
}

/* Reads another's attachment, as a debugger does. Returns how often. */
static long do_debug(const long *pid_address_seconds)
{
	double end = now() + pid_address_seconds[2];
	char path[64];
	long value, i;
	int memory;

	snprintf(path, sizeof(path), "/proc/%ld/mem", pid_address_seconds[0]);
	memory = CHECK_OK(answer(open(path, O_RDONLY | O_CLOEXEC)));
	for (i = 0; now() < end; i++)
		CHECK_EQ(answer(pread(memory, &value, sizeof(value),
				      pid_address_seconds[1] + i % PAGES * PAGE)),
			 sizeof(value));
	close(memory);
	return i;
}

/* Each holds the mmap_lock of one, and waits for that of the other. */
static void check_debuggers_of_two(bool shared)
{
	struct peer *members[2], *debuggers[2];
	long segids[2], at[2];
	int i;

	for (i = 0; i < 2; i++) {
		members[i] = peer_start();
		debuggers[i] = peer_start();
		segids[i] = CHECK_OK(on(members[i], do_export,
					CHECK_OK(on(members[i], do_map_own, shared)), LENGTH));
	}
	for (i = 0; i < 2; i++)
		at[i] = CHECK_OK(on(members[i], do_attach_segment, segids[!i], 0, LENGTH));
	for (i = 0; i < 2; i++) {
		peer_tell(members[i], do_change, ARGUMENTS(SECONDS));
		peer_tell(debuggers[i], do_debug,
			  ARGUMENTS(peer_pid(members[i]), at[i], SECONDS));
	}
	for (i = 0; i < 2; i++) {
		printf("%ld reads\n", CHECK_OK(peer_answer(debuggers[i])));
		CHECK_OK(peer_answer(members[i]));
	}
}

CASE(debuggers_of_two)
{
	check_debuggers_of_two(true);
}

CASE(debuggers_of_two_with_private_memory)
{
	check_debuggers_of_two(false);
}

CASE(of_one)
{
	run_ring(1);
}

CASE(of_two)
{
	run_ring(2);
}

CASE(of_three)
{
	run_ring(3);
}

/* Number of windows in a storm. Each fault makes one, while threads write-lock the mmap_lock. */
#define SPREAD 400

static void *storm(void *unused)
{
	while (!stop) {
		unmap(map_anonymous(4 * PAGE), 4 * PAGE);
		counts[0]++;
	}
	return unused;
}

static long do_storm_and_spread(const long *seconds_address)
{
	double end = now() + seconds_address[0];
	long at = seconds_address[1], index, value;
	pthread_t threads[2];
	int i;

	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, storm, NULL), 0);
	/* in an order in which few windows have neighbours */
	for (index = 0; index < SPREAD && now() < end; index++) {
		value = store(at + index * 7 % SPREAD * WINDOW + PAGE, index + 1);
		CHECK_EQ(value, 0);
		counts[1]++;
	}
	stop = true;
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	return counts[1];
}

static long do_map_much(const long *none)
{
	void *much = mmap(NULL, SPREAD * WINDOW, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)none;
	if (much == MAP_FAILED)
		return -errno;
	use_small_pages((long)much, SPREAD * WINDOW);
	return (long)much;
}

CASE(windows_are_made_in_a_storm)
{
	struct peer *members[2];
	long sources[2], segids[2], at[2], touched;
	int i;

	for (i = 0; i < 2; i++) {
		members[i] = peer_start();
		sources[i] = CHECK_OK(on(members[i], do_map_much, 0));
		segids[i] = CHECK_OK(on(members[i], do_export, sources[i], SPREAD * WINDOW));
	}
	for (i = 0; i < 2; i++)
		at[i] = CHECK_OK(on(members[i], do_attach_segment, segids[!i], 0, SPREAD * WINDOW));
	for (i = 0; i < 2; i++)
		peer_tell(members[i], do_storm_and_spread, ARGUMENTS(12, at[i]));
	for (i = 0; i < 2; i++) {
		touched = CHECK_OK(peer_answer(members[i]));
		printf("%ld windows\n", touched);
		CHECK(touched >= 20);
	}
	for (i = 0; i < 2; i++)
		CHECK_EQ(on(members[i], do_load, sources[i] + PAGE), 1);
}

/*
 * The first notifier of an mm locks all that the mm maps, in the order of the addresses. A change
 * of a file locks the attachments of those who map it, inside the file's own lock. Whoever maps the
 * file above an attachment of it, and exports for the first time, must not wait for a change that
 * waits for the attachment.
 */
static int shared_file;

static long do_punch(const long *seconds)
{
	double end = now() + seconds[0];
	long punched;

	for (punched = 0; now() < end; punched++)
		CHECK_OK(answer(fallocate(shared_file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					  0, LENGTH)));
	return punched;
}

static long do_touch(const long *a)
{
	double end = now() + a[1];
	long touched;

	for (touched = 0; now() < end; touched++)
		CHECK_OK(store(a[0] + touched % PAGES * PAGE, touched));
	return touched;
}

static long do_attach_and_export(const long *segid)
{
	long above = map_file(shared_file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED), at;

	at = CHECK_OK(do_attach_segment(ARGUMENTS(segid[0], 0, LENGTH)));
	CHECK(at < above);
	CHECK_OK(store(at, 1));
	return export_range(above, LENGTH);
}

CASE(first_export_of_an_attacher)
{
	long seconds = SECONDS * slowness();
	double end = now() + seconds + 2;
	struct peer *puncher, *toucher, *attacher;
	long source, segid, at, exports;

	CHECK_OK(device_open());
	shared_file = memory_file(LENGTH);
	source = map_file(shared_file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
	segid = export_range(source, LENGTH);
	puncher = peer_start();
	toucher = peer_start();
	at = CHECK_OK(on(toucher, do_attach_segment, segid, 0, LENGTH));
	peer_tell(puncher, do_punch, ARGUMENTS(seconds));
	peer_tell(toucher, do_touch, ARGUMENTS(at, seconds));
	for (exports = 0; now() < end || exports <= 10; exports++) {
		attacher = peer_start();
		CHECK_OK(on(attacher, do_attach_and_export, segid));
		peer_end(attacher, 0);
	}
	CHECK(peer_answer(puncher) > 10);
	CHECK(peer_answer(toucher) > 10);
	printf("%ld exports\n", exports);
	CHECK(exports > 10);
}

/* Whole address spaces in both directions, with the attachments that are in them. */

#define MOST_PARTS 40

static struct part {
	long start, length;
} parts[MOST_PARTS];
static int part_count;

/* what is mapped in another process now, without its widest parts */
static void read_parts(pid_t pid)
{
	char path[64], line[256];
	unsigned long start, end;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	CHECK(maps);
	part_count = 0;
	while (part_count < MOST_PARTS && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && end < 1UL << 47 &&
		    end - start < 64UL * MIB)
			parts[part_count++] = (struct part){ start, end - start };
	fclose(maps);
}

/*
 * attaches everything that the other has, and loads from each part of it; how many loads succeeded
 */
static long do_attach_everything(const long *segid_pid)
{
	long apid, at, i, value, loaded = 0;

	read_parts(segid_pid[1]);
	apid = CHECK_OK(GET(.segid = segid_pid[0], .flags = XPMEM_GET_RDWR));
	for (i = 0; i < part_count; i++) {
		at = CHECK_OK(
			ATTACH(.apid = apid, .offset = parts[i].start, .length = parts[i].length));
		value = load(at + parts[i].length / PAGE / 2 * PAGE);
		loaded += value != GOT_SIGBUS && value != GOT_SIGSEGV;
	}
	return loaded;
}

static long do_release_all(const long *none)
{
	(void)none;
	return do_open(none);
}

static long do_make_everything(const long *none)
{
	(void)none;
	return MAKE(.length = XPMEM_LENGTH_MAX, .mode = 0600);
}

static void attach_each_other(int count)
{
	struct peer *members[RING];
	long segids[RING], value;
	int i, turn;

	for (i = 0; i < count; i++)
		members[i] = peer_start();
	for (turn = 0; turn < 2; turn++) {
		for (i = 0; i < count; i++)
			segids[i] = CHECK_OK(on(members[i], do_make_everything, 0));
		for (i = 0; i < count; i++)
			peer_tell(members[i], do_attach_everything,
				  ARGUMENTS(segids[(i + 1) % count],
					    peer_pid(members[(i + 1) % count])));
		for (i = 0; i < count; i++) {
			value = CHECK_OK(peer_answer(members[i]));
			CHECK(value > 5);
		}
		/* and once more, with the attachments of before among what is attached */
		for (i = 0; i < count; i++)
			CHECK_OK(on(members[i], do_attach_everything, segids[(i + 1) % count],
				    peer_pid(members[(i + 1) % count])));
		for (i = 0; i < count; i++)
			CHECK_OK(on(members[i], do_release_all, 0));
	}
}

CASE(whole_address_space_of_itself)
{
	attach_each_other(1);
}

CASE(whole_address_spaces_of_two)
{
	attach_each_other(2);
}

CASE(whole_address_spaces_of_three)
{
	attach_each_other(3);
}
