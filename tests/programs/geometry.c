/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process does to the mapping itself: cut, protect, move, inherit, attach itself and each
 * other.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"

#define LENGTH (8 * PAGE)
#define FIRST_WORD(page_number) (0x10000000L + (page_number) * PAGE / 8)

/* the main process attaches; the exporter is a peer with the same memory at the same address */
static struct peer *exporter;
static long source, segid, apid, at;

static void attach_memory(long memory)
{
	source = memory;
	exporter = peer_start();
	CHECK_OK(on(exporter, do_fill, source, LENGTH, 1));
	segid = CHECK_OK(on(exporter, do_export, source, LENGTH));
	CHECK_OK(device_open());
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	at = CHECK_OK(ATTACH(.apid = apid, .length = LENGTH));
}

static void attach_touched(void)
{
	attach_memory(map_anonymous(LENGTH));
	CHECK_EQ(verify(at, LENGTH, 1), 0);
}

/* which pages of the attachment are there, as a string of + and - */
static void check_pages(const char *expected)
{
	long i;

	for (i = 0; expected[i]; i++)
		CHECK_EQ(load(at + i * PAGE), expected[i] == '+' ? FIRST_WORD(i) : GOT_SIGSEGV);
	for (i = 0; expected[i]; i++)
		if (expected[i] == '+')
			CHECK_OK(store(at + i * PAGE, FIRST_WORD(i)));
	CHECK_EQ(on(exporter, do_verify, source, LENGTH, 1), 0);
}

static void check_revocable(const char *before)
{
	long i;

	CHECK_OK(on(exporter, do_remove, segid));
	for (i = 0; before[i]; i++)
		CHECK_EQ(load(at + i * PAGE), before[i] == '+' ? GOT_SIGBUS : GOT_SIGSEGV);
}

CASE(munmap_head)
{
	attach_touched();
	unmap(at, 3 * PAGE);
	check_pages("---+++++");
	CHECK_OK(DETACH(.vaddr = at + 5 * PAGE));
	check_pages("--------");
}

CASE(munmap_tail)
{
	attach_touched();
	unmap(at + 5 * PAGE, 3 * PAGE);
	check_pages("+++++---");
	CHECK_OK(DETACH(.vaddr = at));
	check_pages("--------");
}

CASE(munmap_middle)
{
	attach_touched();
	unmap(at + 3 * PAGE, 2 * PAGE);
	check_pages("+++--+++");
	check_revocable("+++--+++");
}

CASE(munmap_middle_then_detach)
{
	attach_touched();
	unmap(at + 3 * PAGE, 2 * PAGE);
	CHECK_OK(DETACH(.vaddr = at + 3 * PAGE));
	check_pages("+++--+++");
	CHECK_OK(DETACH(.vaddr = at));
	check_pages("--------");
}

CASE(munmap_all)
{
	attach_touched();
	unmap(at, LENGTH);
	check_pages("--------");
	CHECK_OK(DETACH(.vaddr = at));
	CHECK_OK(RELEASE(.apid = apid));
}

CASE(munmap_page_by_page)
{
	static const int order[] = { 3, 0, 7, 4, 1, 6, 2, 5 };
	char left[] = "++++++++";
	int i;

	attach_touched();
	for (i = 0; i < 8; i++) {
		unmap(at + order[i] * PAGE, PAGE);
		left[order[i]] = '-';
		check_pages(left);
	}
}

CASE(munmap_then_release)
{
	attach_touched();
	unmap(at + 3 * PAGE, 2 * PAGE);
	CHECK_OK(RELEASE(.apid = apid));
	check_pages("--------");
}

/* the hole is taken by other memory, which a detach must leave alone */
CASE(detach_spares_other_memory)
{
	attach_touched();
	map_over(at + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK_OK(store(at + 3 * PAGE, 77));
	CHECK_EQ(DETACH(.vaddr = at + 3 * PAGE), -EINVAL);
	CHECK_OK(DETACH(.vaddr = at));
	CHECK_EQ(load(at + 3 * PAGE), 77);
	CHECK_EQ(load(at), GOT_SIGSEGV);
	CHECK_EQ(load(at + 4 * PAGE), GOT_SIGSEGV);
}

CASE(release_spares_other_memory)
{
	attach_touched();
	map_over(at, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK_OK(store(at, 77));
	CHECK_OK(RELEASE(.apid = apid));
	CHECK_EQ(load(at), 77);
}

static void protect_middle(void)
{
	protect(at + 2 * PAGE, 2 * PAGE, PROT_READ);
	CHECK_EQ(load(at + 2 * PAGE), FIRST_WORD(2));
	CHECK_EQ(store(at + 2 * PAGE, 1), GOT_SIGSEGV);
	CHECK_EQ(store(at + 4 * PAGE - 8, 1), GOT_SIGSEGV);
	CHECK_OK(store(at + PAGE, FIRST_WORD(1)));
	CHECK_OK(store(at + 4 * PAGE, FIRST_WORD(4)));
	protect(at + 3 * PAGE, PAGE, PROT_NONE);
	CHECK_EQ(load(at + 3 * PAGE), GOT_SIGSEGV);
	protect(at, LENGTH, PROT_READ | PROT_WRITE);
	check_pages("++++++++");
	CHECK_OK(on(exporter, do_fill, source, LENGTH, 2));
	CHECK_EQ(verify(at, LENGTH, 2), 0);
	check_revocable("++++++++");
}

CASE(mprotect_middle)
{
	attach_touched();
	protect_middle();
}

CASE(mprotect_middle_of_shared_memory)
{
	attach_memory(map_file(memory_file(LENGTH), LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED));
	CHECK_EQ(verify(at, LENGTH, 1), 0);
	protect_middle();
}

CASE(mprotect_then_detach)
{
	attach_touched();
	protect(at + 2 * PAGE, 2 * PAGE, PROT_READ);
	CHECK_OK(DETACH(.vaddr = at + 2 * PAGE));
	check_pages("--------");
}

CASE(mremap_moves_all)
{
	long target;

	attach_touched();
	target = map_anonymous(LENGTH);
	CHECK(mremap((void *)at, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)target) ==
	      (void *)target);
	CHECK_EQ(load(at), GOT_SIGSEGV);
	CHECK_EQ(verify(target, LENGTH, 1), 0);
	CHECK_OK(on(exporter, do_fill, source, LENGTH, 2));
	CHECK_EQ(verify(target, LENGTH, 2), 0);
	at = target;
	CHECK_OK(on(exporter, do_unmap, source, PAGE));
	CHECK_EQ(load(at), GOT_SIGBUS);
	CHECK_OK(DETACH(.vaddr = at + PAGE));
	CHECK_EQ(load(at + PAGE), GOT_SIGSEGV);
}

CASE(mremap_moves_part)
{
	long target;

	attach_touched();
	target = map_anonymous(2 * PAGE);
	CHECK(mremap((void *)(at + 2 * PAGE), 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		     (void *)target) == (void *)target);
	check_pages("++--++++");
	CHECK_EQ(load(target), FIRST_WORD(2));
	CHECK_OK(on(exporter, do_fill, source, LENGTH, 2));
	CHECK_EQ(load(target), FIRST_WORD(2) + 0x10000000L);
	CHECK_EQ(load(target + PAGE), FIRST_WORD(3) + 0x10000000L);
	CHECK_OK(RELEASE(.apid = apid));
	CHECK_EQ(load(target), GOT_SIGSEGV);
	CHECK_EQ(load(at), GOT_SIGSEGV);
}

static void try_to_grow(void)
{
	CHECK(mremap((void *)at, LENGTH, LENGTH + PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK(mremap((void *)at, 0, LENGTH, MREMAP_MAYMOVE) == MAP_FAILED);
	check_pages("++++++++");
}

CASE(mremap_cannot_grow)
{
	attach_touched();
	try_to_grow();
}

CASE(mremap_cannot_grow_shared_memory)
{
	attach_memory(map_file(memory_file(LENGTH), LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED));
	try_to_grow();
}

CASE(mremap_cannot_leave_a_range)
{
	attach_touched();
	CHECK(mremap((void *)at, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL) ==
	      MAP_FAILED);
	check_pages("++++++++");
}

CASE(memory_moved_over_a_part)
{
	long own = map_anonymous(2 * PAGE);

	attach_touched();
	fill(own, 2 * PAGE, 5);
	CHECK(mremap((void *)own, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		     (void *)(at + 3 * PAGE)) == (void *)(at + 3 * PAGE));
	CHECK_EQ(verify(at + 3 * PAGE, 2 * PAGE, 5), 0);
	CHECK_EQ(on(exporter, do_load, source + 3 * PAGE), FIRST_WORD(3));
	unmap(at + 3 * PAGE, 2 * PAGE);
	check_pages("+++--+++");
	check_revocable("+++--+++");
}

CASE(mremap_shrinks)
{
	attach_touched();
	CHECK(mremap((void *)at, LENGTH, 2 * PAGE, 0) == (void *)at);
	check_pages("++------");
}

CASE(fork)
{
	struct peer *child;

	attach_touched();
	child = peer_fork();
	CHECK_EQ(on(child, do_load, at), GOT_SIGSEGV);
	CHECK_EQ(on(child, do_store, at + PAGE, 1), GOT_SIGSEGV);
	CHECK_OK(store(at, 9));
	CHECK_EQ(on(exporter, do_load, source), 9);
	peer_end(child, 0);
	CHECK_EQ(load(at), 9);
}

CASE(fork_of_a_part)
{
	struct peer *child;

	attach_touched();
	unmap(at + 3 * PAGE, PAGE);
	protect(at + 5 * PAGE, PAGE, PROT_READ);
	child = peer_fork();
	CHECK_EQ(on(child, do_load, at), GOT_SIGSEGV);
	CHECK_EQ(on(child, do_load, at + 5 * PAGE), GOT_SIGSEGV);
	CHECK_EQ(load(at + 4 * PAGE), FIRST_WORD(4));
	CHECK_EQ(load(at + 5 * PAGE), FIRST_WORD(5));
}

/* nobody can talk the kernel into giving a child the mapping after all */
CASE(madvise_dofork)
{
	struct peer *child;
	long touched;

	attach_touched();
	(void)!madvise((void *)at, LENGTH, MADV_DOFORK);
	child = peer_fork();
	touched = on(child, do_load, at);
	CHECK_EITHER(touched, GOT_SIGSEGV, GOT_SIGBUS);
	touched = on(child, do_load, at + PAGE);
	CHECK_EITHER(touched, GOT_SIGSEGV, GOT_SIGBUS);
	/* The empty one does not keep the child from using the device. */
	CHECK(on(child, do_open, 0) >= 0);
	CHECK_OK(on(child, do_unmap, at, LENGTH));
	CHECK_EQ(load(at), FIRST_WORD(0));
	peer_end(child, 0);
	check_pages("++++++++");
	check_revocable("++++++++");
}

/* whether the mapping that begins at an address has a flag, as smaps abbreviates it */
static bool has_flag(long address, const char *flag)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long start, end, current = 0;
	bool found = false;
	char line[512];

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			current = start;
		if (current == (unsigned long)address && !strncmp(line, "VmFlags:", 8))
			found = strstr(line, flag);
	}
	fclose(file);
	return found;
}

/*
 * the exporter's memory comes into no core dump of the attacher, which cannot ask for that either
 */
static void check_no_core_dump(long memory)
{
	attach_memory(memory);
	CHECK_EQ(verify(at, LENGTH, 1), 0);
	CHECK(has_flag(at, " dd"));
	CHECK_EQ(answer(madvise((void *)at, LENGTH, MADV_DODUMP)), -EINVAL);
	CHECK(has_flag(at, " dd"));
}

CASE(core_dump)
{
	check_no_core_dump(map_anonymous(LENGTH));
}

CASE(core_dump_of_shared_memory)
{
	check_no_core_dump(map_shared(LENGTH));
}

CASE(madvise)
{
	static const int harmless[] = { MADV_DONTNEED,	    MADV_WILLNEED,	 MADV_RANDOM,
					MADV_COLD,	    MADV_PAGEOUT,	 MADV_FREE,
					MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_HUGEPAGE,
					MADV_NOHUGEPAGE,    MADV_MERGEABLE,	 MADV_REMOVE };
	size_t i;

	attach_touched();
	for (i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		(void)!madvise((void *)at, LENGTH, harmless[i]);
		check_pages("++++++++");
	}
	check_revocable("++++++++");
}

CASE(mlock)
{
	attach_touched();
	(void)!mlock((void *)at, LENGTH);
	check_pages("++++++++");
	CHECK_OK(on(exporter, do_unmap, source, PAGE));
	CHECK_EQ(load(at), GOT_SIGBUS);
	(void)!munlock((void *)at, LENGTH);
	check_revocable("++++++++");
}

CASE(many_attachments_of_one_page)
{
	enum { COUNT = 1000 };
	static long all[COUNT];
	long i;

	attach_touched();
	for (i = 0; i < COUNT; i++) {
		all[i] = CHECK_OK(ATTACH(.apid = apid, .length = PAGE));
		CHECK_OK(store(all[i], i));
	}
	for (i = 0; i < COUNT; i++)
		CHECK_EQ(load(all[i]), COUNT - 1);
	CHECK_OK(on(exporter, do_store, source, 5));
	for (i = 0; i < COUNT; i++)
		CHECK_EQ(load(all[i]), 5);
	CHECK_OK(on(exporter, do_unmap, source, PAGE));
	for (i = 0; i < COUNT; i++)
		CHECK_EQ(load(all[i]), GOT_SIGBUS);
	for (i = 0; i < COUNT; i += 2)
		CHECK_OK(DETACH(.vaddr = all[i]));
	CHECK_OK(RELEASE(.apid = apid));
	for (i = 0; i < COUNT; i++)
		CHECK_EQ(load(all[i]), GOT_SIGSEGV);
}

CASE(many_permits)
{
	enum { COUNT = 1000 };
	static long permits[COUNT];
	long i;

	attach_touched();
	for (i = 0; i < COUNT; i++)
		permits[i] = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(load(CHECK_OK(ATTACH(.apid = permits[COUNT / 2], .length = PAGE))), FIRST_WORD(0));
	for (i = 0; i < COUNT; i++)
		CHECK_OK(RELEASE(.apid = permits[(i * 7) % COUNT]));
	for (i = 0; i < COUNT; i++)
		CHECK_EQ(RELEASE(.apid = permits[i]), -ENOENT);
}

CASE(self_attach)
{
	long page, mine;

	CHECK_OK(device_open());
	page = map_anonymous(LENGTH);
	fill(page, LENGTH, 1);
	segid = export_range(page, LENGTH);
	mine = CHECK_OK(here(do_attach_segment, segid, 0, LENGTH));
	CHECK_EQ(verify(mine, LENGTH, 1), 0);
	fill(mine, LENGTH, 2);
	CHECK_EQ(verify(page, LENGTH, 2), 0);
	fill(page, LENGTH, 3);
	CHECK_EQ(verify(mine, LENGTH, 3), 0);
	unmap(page, PAGE);
	CHECK_EQ(load(mine), GOT_SIGBUS);
	CHECK_EQ(load(mine + PAGE), load(page + PAGE));
	map_over(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK_EQ(load(mine), 0);
	CHECK_OK(store(mine, 6));
	CHECK_EQ(load(page), 6);
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(load(mine), GOT_SIGBUS);
}

/* the whole address space of this process, its own attachment of it included */
CASE(self_attach_of_everything)
{
	long page, mine, everything;

	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	fill(page, PAGE, 1);
	everything = CHECK_OK(MAKE(.vaddr = 0, .length = XPMEM_LENGTH_MAX, .mode = 0600));
	mine = CHECK_OK(here(do_attach_segment, everything, page, PAGE));
	CHECK_EQ(verify(mine, PAGE, 1), 0);
	CHECK_OK(store(mine, 4));
	CHECK_EQ(load(page), 4);
	unmap(page, PAGE);
	CHECK_EQ(load(mine), GOT_SIGBUS);
}

CASE(mutual_attach)
{
	long page, theirs, mine, my_segid;

	attach_touched();
	page = map_anonymous(LENGTH);
	fill(page, LENGTH, 3);
	my_segid = export_range(page, LENGTH);
	theirs = CHECK_OK(on(exporter, do_attach_segment, my_segid, 0, LENGTH));
	CHECK_EQ(on(exporter, do_verify, theirs, LENGTH, 3), 0);
	CHECK_EQ(verify(at, LENGTH, 1), 0);
	CHECK_OK(on(exporter, do_fill, theirs, LENGTH, 4));
	CHECK_EQ(verify(page, LENGTH, 4), 0);
	fill(at, LENGTH, 5);
	CHECK_EQ(on(exporter, do_verify, source, LENGTH, 5), 0);
	mine = at;
	peer_end(exporter, SIGKILL);
	CHECK_EQ(load(mine), GOT_SIGBUS);
	CHECK_EQ(verify(page, LENGTH, 4), 0);
}

/* exporting an attachment never hands the memory on */
static void chained(long memory)
{
	struct peer *third;
	long chain, seen;

	attach_memory(memory);
	CHECK_EQ(verify(at, LENGTH, 1), 0);
	chain = MAKE(.vaddr = at, .length = LENGTH, .mode = 0600);
	CHECK_OK(chain);
	third = peer_start();
	seen = CHECK_OK(on(third, do_attach_segment, chain, 0, LENGTH));
	CHECK_EQ(on(third, do_load, seen), GOT_SIGBUS);
	CHECK_EQ(on(third, do_store, seen + PAGE, 1), GOT_SIGBUS);
	CHECK_EQ(verify(at, LENGTH, 1), 0);
	map_over(at, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK_EQ(on(third, do_load, seen), 0);
}

CASE(chained_attach)
{
	chained(map_anonymous(LENGTH));
}

CASE(chained_attach_of_shared_memory)
{
	chained(map_file(memory_file(LENGTH), LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED));
}

/* a sibling attachment covers the same memory, with an address and rights of its own */
/* Address 0 is an address like any other, for a process that may map it. */
CASE(attach_at_address_0)
{
	const long length = 3 * HUGE_PAGE;
	/* An address that the kernel chooses would not be aligned to huge pages like this one. */
	const long memory = map_aligned(4 * HUGE_PAGE, HUGE_PAGE) + PAGE;

	exporter = peer_start();
	CHECK_OK(on(exporter, do_fill, memory, length, 1));
	segid = CHECK_OK(on(exporter, do_export, memory, length));
	CHECK_OK(device_open());
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(ATTACH(.apid = apid, .length = length, .flags = XPMEM_ATTACH_FIXED), 0);
	CHECK_EQ(verify(0, length, 1), 0);
	CHECK_OK(store(length - 8, 5));
	CHECK_EQ(on(exporter, do_load, memory + length - 8), 5);
	CHECK_EQ(ATTACH(.apid = apid, .length = PAGE, .flags = XPMEM_ATTACH_FIXED), -EEXIST);
	CHECK_OK(DETACH(.vaddr = 0));
	CHECK_EQ(load(0), GOT_SIGSEGV);
	CHECK_EQ(load(length - PAGE), GOT_SIGSEGV);
	CHECK_OK(ATTACH(.apid = apid, .length = length, .flags = XPMEM_ATTACH_FIXED));
	CHECK_OK(RELEASE(.apid = apid));
	CHECK_EQ(load(0), GOT_SIGSEGV);

	/* A process that may not map it gets nothing elsewhere instead. */
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_OK(answer(setresuid(2000, 2000, 2000)));
	CHECK_EQ(ATTACH(.apid = apid, .length = length, .flags = XPMEM_ATTACH_FIXED), -EPERM);
}

/* An attach may replace any mapping, even an attachment. If it is refused, it unmaps nothing. */
CASE(attach_in_place_of_mappings)
{
	const unsigned int replace = XPMEM_ATTACH_REPLACE;
	long place;

	attach_touched();
	place = map_anonymous(LENGTH + 2 * PAGE) + PAGE;
	fill(place - PAGE, LENGTH + 2 * PAGE, 9);
	CHECK_EQ(ATTACH(.apid = apid, .length = LENGTH, .vaddr = place,
			.flags = replace | XPMEM_ATTACH_FIXED), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .length = LENGTH, .vaddr = place + 8, .flags = replace),
		 -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .length = LENGTH, .vaddr = -PAGE, .flags = replace), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .offset = PAGE, .length = LENGTH, .vaddr = place,
			.flags = replace), -EINVAL);
	CHECK_EQ(verify(place - PAGE, LENGTH + 2 * PAGE, 9), 0);

	CHECK_EQ(ATTACH(.apid = apid, .length = LENGTH, .vaddr = place, .flags = replace), place);
	CHECK_EQ(load(place), load(at));
	CHECK_OK(store(place + LENGTH - 8, 77));
	CHECK_EQ(on(exporter, do_load, source + LENGTH - 8), 77);
	/* its neighbours stay, and so do parts of an attachment that another does not cover */
	CHECK_EQ(ATTACH(.apid = apid, .length = PAGE, .vaddr = at + PAGE, .flags = replace),
		 at + PAGE);
	CHECK_EQ(load(at), load(place));
	CHECK_EQ(load(at + PAGE), load(place));
	CHECK_EQ(load(at + 2 * PAGE), load(place + 2 * PAGE));
	/* where nothing is mapped */
	CHECK_OK(DETACH(.vaddr = place));
	CHECK_EQ(ATTACH(.apid = apid, .length = LENGTH, .vaddr = place, .flags = replace), place);
	CHECK_EQ(load(place), load(at));
}

CASE(detach_says_what_it_unmaps)
{
	struct xpmem_ioc_detach request = { .size = sizeof(request) };
	long i;

	attach_touched();
	/* a caller with an older header has no room for the answer */
	for (i = 0; i < 2; i++) {
		request = (struct xpmem_ioc_detach){ .vaddr = at + PAGE, .start = 5, .length = 6 };
		request.size = i ? sizeof(request) : offsetof(struct xpmem_ioc_detach, start);
		CHECK_OK(device_call(XPMEM_IOC_DETACH, &request));
		CHECK_EQ(request.start, i ? at : 5);
		CHECK_EQ(request.length, i ? LENGTH : 6);
		CHECK_EQ(load(at), GOT_SIGSEGV);
		CHECK_OK(device_call(XPMEM_IOC_DETACH, &request));
		CHECK_EQ(request.start, i ? 0 : 5);
		CHECK_EQ(request.length, i ? 0 : 6);
		at = CHECK_OK(ATTACH(.apid = apid, .length = LENGTH));
	}
	CHECK_OK(answer(munmap((void *)at, PAGE)));
	request.vaddr = at + PAGE;
	CHECK_OK(device_call(XPMEM_IOC_DETACH, &request));
	CHECK_EQ(request.start, at + PAGE);
	CHECK_EQ(request.length, LENGTH - PAGE);
	CHECK_EQ(load(at + PAGE), GOT_SIGSEGV);
}

/* Another mapping took the place of a part, and mprotect() split what mremap() moved. */
CASE(detach_says_which_part_it_unmaps)
{
	struct xpmem_ioc_detach request = { .size = sizeof(request) };
	long own;

	attach_touched();
	own = map_anonymous(5 * PAGE) + PAGE;
	CHECK(mremap((void *)(at + 2 * PAGE), 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		     (void *)own) == (void *)own);
	CHECK_OK(answer(mprotect((void *)(own + PAGE), PAGE, PROT_READ)));
	map_over(at + 2 * PAGE, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK_OK(store(own - PAGE, 3));
	CHECK_OK(store(at + 2 * PAGE, 4));
	request.vaddr = own + PAGE;
	CHECK_OK(device_call(XPMEM_IOC_DETACH, &request));
	CHECK_EQ(request.start, own);
	CHECK_EQ(request.length, 3 * PAGE);
	CHECK_EQ(load(own), GOT_SIGSEGV);
	CHECK_EQ(load(own + 2 * PAGE), GOT_SIGSEGV);
	CHECK_EQ(load(at), GOT_SIGSEGV);
	CHECK_EQ(load(own - PAGE), 3);
	CHECK_EQ(load(at + 2 * PAGE), 4);
}

CASE(overlapping_attachments)
{
	long second, third;

	attach_touched();
	second = CHECK_OK(ATTACH(.apid = apid, .offset = 2 * PAGE, .length = 4 * PAGE));
	third = CHECK_OK(ATTACH(.apid = apid, .length = LENGTH, .flags = XPMEM_ATTACH_RDONLY));
	CHECK_OK(store(second, 9));
	CHECK_EQ(load(at + 2 * PAGE), 9);
	CHECK_EQ(load(third + 2 * PAGE), 9);
	CHECK_EQ(store(third, 9), GOT_SIGSEGV);
	CHECK_OK(on(exporter, do_unmap, source + 2 * PAGE, PAGE));
	CHECK_EQ(load(at + 2 * PAGE), GOT_SIGBUS);
	CHECK_EQ(load(second), GOT_SIGBUS);
	CHECK_EQ(load(third + 2 * PAGE), GOT_SIGBUS);
	CHECK_OK(DETACH(.vaddr = second));
	CHECK_EQ(load(at + 3 * PAGE), FIRST_WORD(3));
}
