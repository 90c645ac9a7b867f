/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every process can be killed, whatever it waits for. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"
#include "sweep.h"
#include "watching.h"

#define LENGTH (4 * PAGE)
#define CHAIN 24
#define TIB (1L << 40)

/* memory whose faults wait until somebody answers them; this process does not */
static long do_map_unanswered(const long *length_address)
{
	long length = length_address[0], at = length_address[1];
	long result;

	if (at)
		map_over(at, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	else
		at = map_anonymous(length);
	result = watch(at, length, UFFDIO_REGISTER_MODE_MISSING, 0);
	return result ? result : at;
}

/* waits for a fault, and says at which address */
static long do_await_fault(const long *milliseconds)
{
	struct uffd_msg message;
	long tries;

	for (tries = milliseconds[0] / 2; tries > 0; tries--) {
		if (read(watch_file, &message, sizeof(message)) == sizeof(message))
			return message.arg.pagefault.address & -PAGE;
		usleep(2000);
	}
	return -ETIMEDOUT;
}

static long do_answer(const long *address)
{
	struct uffdio_zeropage zero = { .range = { address[0], PAGE } };

	return answer(ioctl(watch_file, UFFDIO_ZEROPAGE, &zero));
}

static long do_wake(const long *address)
{
	struct uffdio_range range = { address[0], PAGE };

	return answer(ioctl(watch_file, UFFDIO_WAKE, &range));
}

static struct peer *start_unanswering(long *source, long *segid)
{
	struct peer *exporter = peer_start();

	*source = on(exporter, do_map_unanswered, LENGTH);
	if (*source == -ENOSYS || *source == -EPERM)
		SKIP("this kernel has no userfaultfd for us");
	CHECK_OK(*source);
	*segid = CHECK_OK(on(exporter, do_export, *source, LENGTH));
	return exporter;
}

/* an attacher that waits in a fault for an exporter that does not answer */
static struct peer *start_waiting(struct peer *exporter, long source, long segid, operation *touch)
{
	struct peer *attacher = peer_start();
	long at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));

	peer_tell(attacher, touch, ARGUMENTS(at, 1));
	CHECK_EQ(on(exporter, do_await_fault, 10000), source);
	CHECK(falls_asleep(peer_pid(attacher), 10));
	return attacher;
}

CASE(attacher_waits_for_an_answer)
{
	long source, segid;
	struct peer *exporter = start_unanswering(&source, &segid);

	peer_end(start_waiting(exporter, source, segid, do_load), SIGKILL);
	peer_end(start_waiting(exporter, source, segid, do_store), SIGKILL);
	CHECK_OK(on(exporter, do_answer, source));
	CHECK_EQ(on(exporter, do_load, source), 0);
}

CASE(answered_after_others_were_killed)
{
	long source, segid;
	struct peer *exporter = start_unanswering(&source, &segid);
	struct peer *killed = start_waiting(exporter, source, segid, do_load);
	struct peer *waiting = start_waiting(exporter, source, segid, do_load);

	peer_end(killed, SIGKILL);
	CHECK(falls_asleep(peer_pid(waiting), 10));
	CHECK_OK(on(exporter, do_answer, source));
	CHECK_EQ(peer_answer(waiting), 0);
}

/* a pipe's write copies from the attachment in the kernel */
static long do_write_to_pipe(const long *address)
{
	int ends[2];

	CHECK_OK(answer(pipe(ends)));
	return answer(write(ends[1], (void *)address[0], PAGE));
}

CASE(system_call_waits_for_an_answer)
{
	long source, segid;
	struct peer *exporter = start_unanswering(&source, &segid);

	peer_end(start_waiting(exporter, source, segid, do_write_to_pipe), SIGKILL);
	CHECK_OK(on(exporter, do_answer, source));
}

CASE(exporter_is_killed_while_it_is_waited_for)
{
	long source, segid;
	struct peer *exporter = start_unanswering(&source, &segid);
	struct peer *attacher = start_waiting(exporter, source, segid, do_load);

	peer_end(exporter, SIGKILL);
	CHECK_EQ(peer_answer(attacher), GOT_SIGBUS);
}

/* both wait for the other's page for ever */
CASE(both_wait_for_each_other)
{
	long source, segid;
	struct peer *first, *second;
	long first_source, first_segid, second_source, second_segid, at;

	first = start_unanswering(&first_source, &first_segid);
	second = start_unanswering(&second_source, &second_segid);
	source = CHECK_OK(on(first, do_map, LENGTH));
	segid = CHECK_OK(on(first, do_export, source, LENGTH));
	at = CHECK_OK(on(second, do_attach_segment, first_segid, 0, LENGTH));
	peer_tell(second, do_load, ARGUMENTS(at));
	CHECK_EQ(on(first, do_await_fault, 10000), first_source);
	at = CHECK_OK(on(first, do_attach_segment, second_segid, 0, LENGTH));
	peer_tell(first, do_load, ARGUMENTS(at));
	CHECK(falls_asleep(peer_pid(first), 10));
	CHECK(falls_asleep(peer_pid(second), 10));
	/* a third is not held up by them */
	CHECK_OK(device_open());
	CHECK_EQ(load(CHECK_OK(here(do_attach_segment, segid, 0, LENGTH))), 0);
	peer_end(first, SIGKILL);
	CHECK_EQ(peer_answer(second), GOT_SIGBUS);
	peer_end(second, SIGKILL);
}

CASE(exporter_is_stopped)
{
	struct peer *exporter = peer_start(), *attacher = peer_start();
	long source = CHECK_OK(on(exporter, do_map, LENGTH));
	long segid = CHECK_OK(on(exporter, do_export, source, LENGTH)), at;

	CHECK_OK(answer(kill(peer_pid(exporter), SIGSTOP)));
	CHECK(falls_asleep(peer_pid(exporter), 10));
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
	CHECK_OK(on(attacher, do_store, at, 1));
	CHECK_EQ(on(attacher, do_load, at), 1);
	CHECK_OK(on(attacher, do_detach, at));
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
	CHECK_EQ(on(attacher, do_load, at), 1);
	peer_end(exporter, SIGKILL);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
}

CASE(attacher_is_stopped)
{
	struct peer *exporter = peer_start(), *attacher = peer_start();
	long source = CHECK_OK(on(exporter, do_map, LENGTH));
	long segid = CHECK_OK(on(exporter, do_export, source, LENGTH)), at;

	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
	CHECK_OK(on(attacher, do_store, at, 1));
	CHECK_OK(answer(kill(peer_pid(attacher), SIGSTOP)));
	CHECK(falls_asleep(peer_pid(attacher), 10));
	CHECK_OK(on(exporter, do_unmap, source + PAGE, PAGE));
	CHECK_OK(on(exporter, do_remove, segid));
	peer_end(exporter, 0);
	peer_end(attacher, SIGKILL);
}

#define WINDOWS 8192
#define WINDOW (2 * MIB)

/* a page in each of many windows, of which populate maps one after the other */
static long map_windows(void)
{
	void *memory = mmap(NULL, WINDOWS * WINDOW, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	long i;

	CHECK(memory != MAP_FAILED);
	use_small_pages((long)memory, WINDOWS * WINDOW);
	for (i = 0; i < WINDOWS; i++)
		CHECK_OK(store((long)memory + i * WINDOW, 1));
	return (long)memory;
}

static long do_populate(const long *segid)
{
	return do_attach_segment(
		ARGUMENTS(segid[0], 0, WINDOWS * WINDOW, XPMEM_ATTACH_POPULATE));
}

/* On a busy machine the attempt may end before the signal comes, so there are some. */
CASE(populate_is_killed)
{
	long before, segid, mapped;
	struct peer *attacher;
	int i;

	CHECK_OK(device_open());
	segid = export_range(map_windows(), WINDOWS * WINDOW);
	for (i = 0; i < 5; i++) {
		attacher = peer_start();
		before = sweep_stat(XPMEM_A_STATS_PAGES_MAPPED);
		peer_tell(attacher, do_populate, ARGUMENTS(segid));
		while (sweep_stat(XPMEM_A_STATS_PAGES_MAPPED) == before)
			usleep(100);
		peer_end(attacher, SIGKILL);
		mapped = sweep_stat(XPMEM_A_STATS_PAGES_MAPPED) - before;
		printf("%ld of %d pages\n", mapped, WINDOWS);
		if (mapped < WINDOWS)
			return;
	}
	FAIL("populate goes on after SIGKILL");
}

/* more than could be walked window by window */
static long do_populate_much(const long *segid)
{
	return do_attach_segment(ARGUMENTS(segid[0], 30 * TIB, 60 * TIB, XPMEM_ATTACH_POPULATE));
}

CASE(populate_of_emptiness)
{
	struct peer *attacher;
	double begin = now();
	long at;

	CHECK_OK(device_open());
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_populate_much,
			 CHECK_OK(MAKE(.length = XPMEM_LENGTH_MAX, .mode = 0600))));
	CHECK(now() - begin < 15 * slowness());
	/* the program's own code lies in it */
	CHECK_EQ(on(attacher, do_load, at - 30 * TIB + (long)do_populate_much),
		 load((long)do_populate_much));
}

struct calls {
	long segid, memory, seed;
};

static void *call_in_thread(void *calls)
{
	const struct calls *a = calls;
	unsigned int seed = a->seed;
	long apid, at, segid;

	for (;;) {
		segid = MAKE(.vaddr = a->memory, .length = LENGTH, .mode = 0600);
		apid = GET(.segid = rand_r(&seed) % 2 ? segid : a->segid, .flags = XPMEM_GET_RDWR);
		at = ATTACH(.apid = apid, .length = LENGTH,
			    .flags = rand_r(&seed) % 2 ? XPMEM_ATTACH_POPULATE : 0);
		if (at > 0) {
			(void)store(at + PAGE, 1);
			(void)answer(munmap((void *)(at + PAGE), PAGE));
			if (rand_r(&seed) % 2)
				(void)DETACH(.vaddr = at);
		}
		(void)RELEASE(.apid = apid);
		(void)REMOVE(.segid = segid);
	}
	return NULL;
}

/* every call, in three threads, until it is killed */
static long do_call_for_ever(const long *segid_memory_seed)
{
	struct calls all[3];
	pthread_t thread;
	int i;

	for (i = 0; i < 3; i++) {
		all[i] = (struct calls){ segid_memory_seed[0], segid_memory_seed[1],
					 segid_memory_seed[2] + i };
		if (i < 2)
			CHECK_EQ(pthread_create(&thread, NULL, call_in_thread, &all[i]), 0);
	}
	call_in_thread(&all[2]);
	return 0;
}

CASE(amid_every_call)
{
	long users = module_users(), memory = map_anonymous(LENGTH), source, segid;
	struct peer *exporter = peer_start(), *caller;
	double end = now() + 5;
	bool stored = false;
	int rounds;

	source = CHECK_OK(on(exporter, do_map, LENGTH));
	segid = CHECK_OK(on(exporter, do_export, source, LENGTH));
	srand(1);
	for (rounds = 0; now() < end || rounds < 20 || !stored; rounds++) {
		caller = peer_start();
		peer_tell(caller, do_call_for_ever, ARGUMENTS(segid, memory, rounds));
		usleep(rand() % (1000 << rounds % 9) * slowness());
		peer_end(caller, SIGKILL);
		stored = on(exporter, do_load, source + PAGE) == 1;
	}
	printf("%d rounds\n", rounds);
	CHECK_EQ(on(exporter, do_load, source + PAGE), 1);
	peer_end(exporter, 0);
	CHECK(module_users_fall_to(users, 5));
}

/*
 * What is being faulted in for an attacher becomes an attachment itself meanwhile, whose source
 * does the same, and so on: the kernel's stack must not grow with that.
 */
CASE(sources_that_turn_into_attachments)
{
	static struct peer *links[CHAIN];
	static long sources[CHAIN], segids[CHAIN];
	struct peer *attacher = peer_start();
	long at, i;

	for (i = 0; i < CHAIN; i++)
		links[i] = start_unanswering(&sources[i], &segids[i]);
	at = CHECK_OK(on(attacher, do_attach_segment, segids[0], 0, LENGTH));
	peer_tell(attacher, do_load, ARGUMENTS(at));
	for (i = 0; i < CHAIN - 1; i++) {
		if (on(links[i], do_await_fault, i ? 300 : 10000) < 0)
			break;
		CHECK_OK(on(links[i], do_unmap, sources[i], LENGTH));
		CHECK_EQ(on(links[i], do_attach,
			    CHECK_OK(on(links[i], do_get, segids[i + 1], XPMEM_GET_RDWR)), 0,
			    LENGTH, XPMEM_ATTACH_FIXED, sources[i]),
			 sources[i]);
		CHECK_OK(on(links[i], do_wake, sources[i]));
	}
	/* an attachment is no source */
	CHECK_EQ(i, 1);
	CHECK_EQ(peer_answer(attacher), GOT_SIGBUS);
}
