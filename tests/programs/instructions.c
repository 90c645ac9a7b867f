/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * instructions GROUP
 *
 * What things cost, in instructions: in a VM whose time-stamp counter counts them (./vm bench).
 * Prints lines of a name, a value and what it is, with tabs between them. Each value is the least
 * of some attempts, as timer ticks may fall into them.
 */
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "device.h"

#define REGION (64 * MIB)
#define ATTEMPTS 5

static struct peer *attacher;

static long now(void)
{
	_mm_lfence();
	return __rdtsc();
}

/* Instructions, or what @what says. */
static void print(const char *group, const char *name, long value, const char *what)
{
	printf("%s%s%s\t%ld\t%s\n", group, *group ? "_" : "", name, value, what);
	fflush(stdout);
}

/* In tenths, or hundredths, so that small ones keep their digits. */
static void print_fraction(const char *group, const char *name, double value, int digits,
			   const char *what)
{
	printf("%s%s%s\t%.*f\t%s\n", group, *group ? "_" : "", name, digits, value, what);
	fflush(stdout);
}

static long least(long a, long b)
{
	return a < 0 || b < a ? b : a;
}

/* Instructions of reading a word of each page. */
static long do_read_pages(const long *address_length)
{
	const volatile long *word = (const long *)address_length[0];
	const volatile long *end = (const long *)(address_length[0] + address_length[1]);
	long begun = now();

	for (; word < end; word += PAGE / sizeof(*word))
		(void)*word;
	return now() - begun;
}

static long do_unmap_counted(const long *address_length)
{
	long begun = now();

	munmap((void *)address_length[0], address_length[1]);
	return now() - begun;
}

/* memory of this process, every page of which is there */
static long populated(const char *kind, long length)
{
	long memory;

	if (!strcmp(kind, "memfd")) {
		int file = memory_file(length);

		memory = map_aligned(length, 2 * MIB);
		map_over(memory, length, PROT_READ | PROT_WRITE, MAP_SHARED, file);
		close(file);
	} else {
		memory = map_aligned(length, 2 * MIB);
		if (strcmp(kind, "huge"))
			use_small_pages(memory, length);
		else
			use_huge_pages(memory, length);
	}
	fill(memory, length, 1);
	return memory;
}

static void measure_reading(const char *kind, long segid)
{
	long apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR)), cost = -1, faults = -1,
	     at, before;
	int i;

	for (i = 0; i < ATTEMPTS; i++) {
		at = CHECK_OK(on(attacher, do_attach, apid, 0, REGION, 0));
		before = on(attacher, do_count_faults, 0);
		cost = least(cost, on(attacher, do_read_pages, at, REGION));
		faults = least(faults, on(attacher, do_count_faults, 0) - before);
		CHECK_OK(on(attacher, do_detach, at));
	}
	print_fraction(kind, "first_touch", (double)cost / (REGION / PAGE), 1,
		       "a page, first read of 64 MiB that the exporter has touched");
	print(kind, "faults", faults * 4, "faults for 256 MiB");
	for (i = 0, faults = -1; i < ATTEMPTS; i++) {
		at = CHECK_OK(on(attacher, do_attach, apid, 0, REGION, XPMEM_ATTACH_POPULATE));
		before = on(attacher, do_count_faults, 0);
		on(attacher, do_read_pages, at, REGION);
		faults = least(faults, on(attacher, do_count_faults, 0) - before);
		CHECK_OK(on(attacher, do_detach, at));
	}
	print(kind, "faults_populated", faults, "faults after an attach that populates");
	CHECK_OK(on(attacher, do_release, apid));
}

static void measure_unmapping(const char *kind)
{
	long memory, segid, apid, at, attached = -1, plain = -1;
	int i;

	for (i = 0; i < ATTEMPTS; i++) {
		plain = least(plain, here(do_unmap_counted, populated(kind, REGION), REGION));
		memory = populated(kind, REGION);
		segid = export_range(memory, REGION);
		apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR));
		at = CHECK_OK(on(attacher, do_attach, apid, 0, REGION, 0));
		on(attacher, do_read_pages, at, REGION);
		attached = least(attached, here(do_unmap_counted, memory, REGION));
		CHECK_OK(on(attacher, do_detach, at));
		CHECK_OK(on(attacher, do_release, apid));
		CHECK_OK(REMOVE(.segid = segid));
	}
	print_fraction(kind, "munmap", (double)attached / plain, 2,
		       "times plain, munmap of 64 MiB that are attached and touched");
}

static void measure_touch(const char *kind)
{
	long memory = populated(kind, REGION), segid = export_range(memory, REGION);

	measure_reading(kind, segid);
	CHECK_OK(REMOVE(.segid = segid));
	unmap(memory, REGION);
	measure_unmapping(kind);
}

static void measure_plain_touch(void)
{
	int file = memory_file(REGION);
	long memory = map_file(file, REGION, PROT_READ | PROT_WRITE, MAP_SHARED), other, cost = -1;
	int i;

	fill(memory, REGION, 1);
	for (i = 0; i < ATTEMPTS; i++) {
		other = map_file(file, REGION, PROT_READ | PROT_WRITE, MAP_SHARED);
		cost = least(cost, here(do_read_pages, other, REGION));
		unmap(other, REGION);
	}
	print_fraction("plain", "first_touch", (double)cost / (REGION / PAGE), 1,
		       "a page, first read of 64 MiB of a memfd, mapped without XPMEM");
	unmap(memory, REGION);
	close(file);
}

static void touch(void)
{
	measure_plain_touch();
	measure_touch("private");
	measure_touch("huge");
	measure_touch("memfd");
}

static long do_attach_detach(const long *apid)
{
	struct xpmem_ioc_attach attach = SIZED(xpmem_ioc_attach, .apid = apid[0], .length = PAGE);
	long begun = now();

	CHECK_OK(device_call(XPMEM_IOC_ATTACH, &attach));
	CHECK_OK(DETACH(.vaddr = attach.vaddr));
	return now() - begun;
}

static long map_unmap(int file)
{
	long begun = now();

	munmap(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), PAGE);
	return now() - begun;
}

static long do_get_release(const long *segid)
{
	struct xpmem_ioc_get get = SIZED(xpmem_ioc_get, .segid = segid[0], .flags = XPMEM_GET_RDWR);
	long begun = now();

	CHECK_OK(device_call(XPMEM_IOC_GET, &get));
	CHECK_OK(RELEASE(.apid = get.apid));
	return now() - begun;
}

static long make_remove(long memory)
{
	struct xpmem_ioc_make make =
		SIZED(xpmem_ioc_make, .vaddr = memory, .length = PAGE, .mode = 0600);
	long begun = now();

	CHECK_OK(device_call(XPMEM_IOC_MAKE, &make));
	CHECK_OK(REMOVE(.segid = make.segid));
	return now() - begun;
}

static long do_read_page(const long *address)
{
	return do_read_pages(ARGUMENTS(address[0], PAGE));
}

static long do_write_pages(const long *address_length)
{
	volatile long *word = (long *)address_length[0];
	const volatile long *end = (const long *)(address_length[0] + address_length[1]);
	long begun = now();

	for (; word < end; word += PAGE / sizeof(*word))
		*word = 1;
	return now() - begun;
}

/*
 * Returns where 8 MiB can be attached whose first 2 MiB have a page table already, as most messages
 * have. Where the kernel puts an attachment depends on all other mappings.
 */
static long place_for_messages(void)
{
	static long table;

	if (!table) {
		table = map_aligned(10 * MIB, 2 * MIB);
		store(table, 1);
		unmap(table + PAGE, 10 * MIB - PAGE);
	}
	return table + PAGE;
}

/* Instructions of attaching, reading the first pages, and detaching. */
static long do_attach_part(const long *apid_length_used)
{
	struct xpmem_ioc_attach attach = SIZED(xpmem_ioc_attach, .apid = apid_length_used[0],
					       .length = apid_length_used[1],
					       .flags = XPMEM_ATTACH_FIXED,
					       .vaddr = place_for_messages());
	long begun = now();

	CHECK_OK(device_call(XPMEM_IOC_ATTACH, &attach));
	do_read_pages(ARGUMENTS(attach.vaddr, apid_length_used[2]));
	CHECK_OK(DETACH(.vaddr = attach.vaddr));
	return now() - begun;
}

static long least_of_parts(long apid, long length, long used)
{
	long cost = -1;
	int i;

	for (i = 0; i < ATTEMPTS; i++)
		cost = least(cost, on(attacher, do_attach_part, apid, length, used));
	return cost;
}

/* Instructions of reading one word of each 2 MiB. */
static long do_read_sparsely(const long *address_length)
{
	long begun = now(), offset;

	for (offset = 0; offset < address_length[1]; offset += 2 * MIB)
		(void)*(const volatile long *)(address_length[0] + offset);
	return now() - begun;
}

static void measure_messages(const char *kind, long apid)
{
	static const long sizes[] = { 4, 16, 64, 1024 };
	char name[32];
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		snprintf(name, sizeof(name), "message_%ld_kib", sizes[i]);
		print(kind, name, least_of_parts(apid, sizes[i] * 1024, sizes[i] * 1024),
		      "attach, a read of each page, and detach");
	}
	print(kind, "little_of_much", least_of_parts(apid, 8 * MIB, PAGE),
	      "attach of 8 MiB, a read of one page, and detach");
}

/* Reads the region again after the exporter has discarded one page. */
static long least_after_a_discard(long memory, long at)
{
	long cost = -1;
	int i;

	for (i = 0; i < ATTEMPTS; i++) {
		on(attacher, do_read_pages, at, 16 * MIB);
		CHECK_OK(answer(madvise((void *)(memory + 5 * MIB), PAGE, MADV_DONTNEED)));
		cost = least(cost, on(attacher, do_read_pages, at, 16 * MIB));
	}
	return cost;
}

/* Costs of faults where an attacher does not read one page after another for long. */
static void part(void)
{
	static const char *const kinds[] = { "private", "memfd" };
	long memory, segid, apid, at, cost = -1;
	size_t kind;
	int i;

	for (kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++) {
		memory = populated(kinds[kind], REGION);
		segid = export_range(memory, REGION);
		apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR));
		measure_messages(kinds[kind], apid);
		for (i = 0; kind == 0 && i < ATTEMPTS; i++) {
			at = CHECK_OK(on(attacher, do_attach, apid, 0, REGION, 0));
			cost = least(cost, on(attacher, do_read_sparsely, at, REGION));
			if (i + 1 == ATTEMPTS)
				print("private", "reread", least_after_a_discard(memory, at),
				      "read of 16 MiB after one page was discarded");
			CHECK_OK(on(attacher, do_detach, at));
		}
		CHECK_OK(on(attacher, do_release, apid));
		CHECK_OK(REMOVE(.segid = segid));
		unmap(memory, REGION);
	}
	print("private", "sparse_touch", cost / (REGION / (2 * MIB)),
	      "a touch, reads of one word of each 2 MiB");
}

/* A page, of memory that nobody has touched, and that the attacher writes first. */
static double measure_creating(long memory, long length)
{
	long segid = export_range(memory, length),
	     apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR)),
	     at = CHECK_OK(on(attacher, do_attach, apid, 0, length, 0)), cost;

	cost = on(attacher, do_write_pages, at, length);
	CHECK_OK(on(attacher, do_detach, at));
	CHECK_OK(on(attacher, do_release, apid));
	CHECK_OK(REMOVE(.segid = segid));
	unmap(memory, length);
	return (double)cost / (length / PAGE);
}

/* Pages that come one by one, made by the attacher, or by the exporter just before. */
static double measure_single_pages(bool made_by_exporter)
{
	const long length = 2 * MIB;
	long memory = map_aligned(length, 2 * MIB), segid, apid, at, offset, cost = 0;

	use_small_pages(memory, length);
	segid = export_range(memory, length);
	apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR));
	at = CHECK_OK(on(attacher, do_attach, apid, 0, length, 0));
	for (offset = 0; offset < length; offset += PAGE) {
		if (made_by_exporter)
			CHECK_OK(store(memory + offset, 1));
		cost += on(attacher, do_read_page, at + offset);
	}
	CHECK_OK(on(attacher, do_detach, at));
	CHECK_OK(on(attacher, do_release, apid));
	CHECK_OK(REMOVE(.segid = segid));
	unmap(memory, length);
	return (double)cost / (length / PAGE);
}

static void single(void)
{
	const long length = 16 * MIB;
	long memory;

	print("untouched", "page", measure_single_pages(false),
	      "a page, first read of 2 MiB that nobody has touched");
	print("trickled", "page", measure_single_pages(true),
	      "a page, reads of 2 MiB of which the exporter makes one page at a time");
	memory = map_aligned(length, 2 * MIB);
	use_small_pages(memory, length);
	print("untouched", "write", measure_creating(memory, length),
	      "a page, first write of 16 MiB that nobody has touched");
	print("untouched", "memfd_write", measure_creating(map_shared(length), length),
	      "a page, the same of a memfd");
}

static long least_of_attaching(long memory)
{
	long segid = export_range(memory, PAGE),
	     apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR)), cost = -1;
	int i;

	for (i = 0; i < ATTEMPTS * 4; i++)
		cost = least(cost, on(attacher, do_attach_detach, apid));
	CHECK_OK(on(attacher, do_release, apid));
	CHECK_OK(REMOVE(.segid = segid));
	return cost;
}

static void attach(void)
{
	int file = memory_file(PAGE), i;
	long plain = -1;

	for (i = 0; i < ATTEMPTS * 4; i++)
		plain = least(plain, map_unmap(file));
	print("plain", "attach_detach", plain, "mmap and munmap of a page of a memfd");
	print("private", "attach_detach", least_of_attaching(map_anonymous(PAGE)),
	      "attach and detach of a page");
	print("memfd", "attach_detach", least_of_attaching(map_shared(PAGE)),
	      "attach and detach of a page");
}

static void measure_control(long live, long memory, long segid)
{
	char group[32];
	long making = -1, getting = -1;
	int i;

	snprintf(group, sizeof(group), "live_%ld", live);
	for (i = 0; i < ATTEMPTS * 4; i++) {
		making = least(making, make_remove(memory));
		getting = least(getting, on(attacher, do_get_release, segid));
	}
	print(group, "make_remove", making, "make and remove, with so many segments");
	print(group, "get_release", getting, "get and release, with so many segments");
}

static void control(void)
{
	static const long live[] = { 10, 20000, 200000 };
	long memory = map_anonymous(PAGE), segid = 0, made = 0;
	size_t i;

	for (i = 0; i < sizeof(live) / sizeof(*live); i++) {
		for (; made < live[i]; made++)
			segid = export_range(memory, PAGE);
		measure_control(live[i], memory, segid);
	}
}

/* as malloc and free do with large pieces */
static long map_touch_unmap(void)
{
	long begun = now(), length = 32 * PAGE, offset;
	volatile char *piece =
		mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (offset = 0; offset < length; offset += PAGE)
		piece[offset] = 1;
	munmap((void *)piece, length);
	return now() - begun;
}

static long least_of_mapping(void)
{
	long cost = -1;
	int i;

	for (i = 0; i < ATTEMPTS * 4; i++)
		cost = least(cost, map_touch_unmap());
	return cost;
}

static long do_attach_many(const long *segid_count_pages)
{
	const long *a = segid_count_pages;
	long apid = CHECK_OK(GET(.segid = a[0], .flags = XPMEM_GET_RDWR)), i, at;

	for (i = 0; i < a[1]; i++) {
		at = CHECK_OK(ATTACH(.apid = apid, .length = PAGE, .offset = i % a[2] * PAGE));
		CHECK_OK(load(at));
	}
	return 0;
}

static void exporter(void)
{
	const long pages = 1024, attachments = 100000,
		   each = 20000; /* of the 65,530 mappings that a process may have by default */
	long memory = populated("private", pages * PAGE), plain = least_of_mapping(), segid, i;

	segid = CHECK_OK(MAKE(.length = 0x7ffffffff000, .mode = 0600));
	print_fraction("exported", "map_touch_unmap", (double)least_of_mapping() / plain, 2,
		       "times plain, mmap, touch, munmap of 32 pages, all exported");
	for (i = 0; i < attachments; i += each)
		CHECK_OK(on(peer_start(), do_attach_many, export_range(memory, pages * PAGE), each,
			    pages));
	print_fraction("attached", "map_touch_unmap", (double)least_of_mapping() / plain, 2,
		       "times plain, same with 100,000 attachments of other memory");
	CHECK_OK(REMOVE(.segid = segid));
}

/* Memory of this process and of the children it forks. */
struct crowd {
	pthread_barrier_t barrier;
	long segids[256];
	int files[256];
};

static struct crowd *crowd_create(int members)
{
	struct crowd *crowd = (void *)map_shared(2 * PAGE);
	pthread_barrierattr_t shared;

	pthread_barrierattr_init(&shared);
	pthread_barrierattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	CHECK(sizeof(*crowd) <= 2 * PAGE);
	CHECK_EQ(pthread_barrier_init(&crowd->barrier, &shared, members + 1), 0);
	return crowd;
}

/*
 * Forks @count members that do @act, meeting @meetings times meanwhile, and then wait for their
 * end; returns when all have acted.
 */
static void crowd_start(struct crowd *crowd, pid_t *members, int count, int meetings,
			void (*act)(struct crowd *crowd, int number, long argument), long argument)
{
	int i;

	for (i = 0; i < count; i++) {
		members[i] = CHECK_OK(answer(fork()));
		if (members[i])
			continue;
		CHECK_OK(device_open());
		act(crowd, i, argument);
		pthread_barrier_wait(&crowd->barrier);
		for (;;)
			pause();
	}
	while (meetings-- >= 0)
		pthread_barrier_wait(&crowd->barrier);
}

/* Instructions until all of them are gone. */
static long crowd_end(const pid_t *members, int count)
{
	long begun = now();
	int i;

	for (i = 0; i < count; i++)
		kill(members[i], SIGKILL);
	for (i = 0; i < count; i++)
		CHECK_EQ(waitpid(members[i], NULL, 0), members[i]);
	return now() - begun;
}

#define ATTACHERS 1000
#define WINDOWS 4

/*
 * The first window by all, the third by one only. A fork of the exporter takes all of it away
 * again.
 */
static void attach_and_touch(struct crowd *crowd, int number, long segid)
{
	long at = do_attach_segment(ARGUMENTS(segid, 0, WINDOWS * 2 * MIB));

	pthread_barrier_wait(&crowd->barrier);
	CHECK_OK(load(at));
	if (number == 0)
		CHECK_OK(load(at + 4 * MIB));
}

static long discard_page(long address)
{
	long begun = now();

	madvise((void *)address, PAGE, MADV_DONTNEED);
	return now() - begun;
}

static long least_of_discarding(long address)
{
	long cost = -1;
	int i;

	/*
	 * A page that was discarded is mapped by no attacher. All pages are among the 16 that one
	 * fault has mapped.
	 */
	for (i = 0; i < ATTEMPTS; i++)
		cost = least(cost, discard_page(address + i * 2 * PAGE));
	return cost;
}

static void notifier(void)
{
	long memory = populated("private", WINDOWS * 2 * MIB),
	     segid = export_range(memory, WINDOWS * 2 * MIB);
	struct crowd *crowd = crowd_create(ATTACHERS);
	pid_t members[ATTACHERS];

	/* Else the members had the pages, too, and the exporter's zap freed none. */
	CHECK_OK(answer(madvise((void *)memory, WINDOWS * 2 * MIB, MADV_DONTFORK)));
	print("invalidate", "alone", least_of_discarding(memory + 2 * MIB),
	      "madvise(MADV_DONTNEED) of a page of an exporter without attachers");
	crowd_start(crowd, members, ATTACHERS, 1, attach_and_touch, segid);
	print("invalidate", "by_none", least_of_discarding(memory + 2 * MIB + PAGE),
	      "the same, attached by 1,000 processes, mapped by none");
	print("invalidate", "by_one", least_of_discarding(memory + 4 * MIB),
	      "the same, attached by 1,000 processes, mapped by one");
	print("invalidate", "by_all", least_of_discarding(memory),
	      "the same, attached and mapped by 1,000 processes");
	crowd_end(members, ATTACHERS);
}

#define MEMBERS 256

static void attach_all(struct crowd *crowd, int number, long none)
{
	int i;

	(void)none;
	for (i = 0; i < MEMBERS; i++)
		close(crowd->files[i]);
	crowd->segids[number] = export_range(populated("private", PAGE), PAGE);
	pthread_barrier_wait(&crowd->barrier);
	for (i = 0; i < MEMBERS; i++)
		if (i != number)
			CHECK_OK(load(do_attach_segment(ARGUMENTS(crowd->segids[i], 0, PAGE))));
}

static void map_all(struct crowd *crowd, int number, long none)
{
	int i;

	(void)none;
	for (i = 0; i < MEMBERS; i++)
		if (i != number)
			CHECK_OK(load(map_file(crowd->files[i], PAGE, PROT_READ | PROT_WRITE,
					       MAP_SHARED)));
}

#define CROWDS 3

static void teardown(void)
{
	struct crowd *crowd = crowd_create(MEMBERS);
	long plain = -1, attached = -1;
	pid_t members[MEMBERS];
	int i;

	for (i = 0; i < MEMBERS; i++)
		crowd->files[i] = memory_file(PAGE);
	/* Some work of an earlier end runs beside a later one, now more of it and now less. */
	for (i = 0; i < CROWDS; i++) {
		crowd_start(crowd, members, MEMBERS, 0, map_all, 0);
		plain = least(plain, crowd_end(members, MEMBERS));
		crowd_start(crowd, members, MEMBERS, 1, attach_all, 0);
		attached = least(attached, crowd_end(members, MEMBERS));
	}
	print_fraction("teardown", "all_to_all", (double)attached / plain, 2,
		       "times plain, end of 256 processes that have attached each other");
}

/* Frees what the slab allocator keeps for later, or new objects would take no memory. */
static void shrink_slabs(void)
{
	glob_t files;
	size_t i;

	CHECK_EQ(glob("/sys/kernel/slab/*/shrink", 0, NULL, &files), 0);
	for (i = 0; i < files.gl_pathc; i++)
		CHECK_OK(write_file(files.gl_pathv[i], "1"));
	globfree(&files);
}

/* Kernel memory for objects of all kinds of the slab allocator, in bytes. */
static long slab(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long kib = 0;

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Slab: %ld", &kib) == 1)
			break;
	fclose(file);
	return kib * 1024;
}

#define OBJECTS 20000

static void memory(void)
{
	long page = populated("private", PAGE), segid = 0, before, segments, permits, apid = 0,
	     attachments, mappings, i;
	int file = memory_file(PAGE);

	shrink_slabs();
	before = slab();
	for (i = 0; i < OBJECTS; i++)
		segid = export_range(page, PAGE);
	segments = slab() - before;
	before = slab();
	for (i = 0; i < OBJECTS; i++)
		apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	permits = slab() - before;
	before = slab();
	for (i = 0; i < OBJECTS; i++)
		CHECK_OK(ATTACH(.apid = apid, .length = PAGE));
	attachments = slab() - before;
	before = slab();
	for (i = 0; i < OBJECTS; i++)
		map_file(file, PAGE, PROT_READ, MAP_SHARED);
	mappings = slab() - before;
	print("memory", "segment", segments / OBJECTS, "bytes of kernel memory");
	print("memory", "permit", permits / OBJECTS,
	      "bytes of kernel memory, before anything is attached with it");
	print("memory", "attachment", (attachments - mappings) / OBJECTS,
	      "bytes of kernel memory more than a plain shared mapping");
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*run)(void);
	} groups[] = {
		{ "touch", touch },	  { "part", part },	    { "single", single },
		{ "attach", attach },	  { "control", control },   { "exporter", exporter },
		{ "notifier", notifier }, { "teardown", teardown }, { "memory", memory },
	};
	size_t i;

	for (i = 0; argc == 2 && i < sizeof(groups) / sizeof(*groups); i++) {
		if (strcmp(argv[1], groups[i].name))
			continue;
		harness_start(argv[1], 0);
		CHECK_OK(device_open());
		attacher = peer_start();
		groups[i].run();
		harness_end();
	}
	fprintf(stderr,
		"usage: %s touch|part|single|attach|control|exporter|notifier|teardown|memory\n",
		argv[0]);
	return 2;
}
