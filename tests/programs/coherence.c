/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An attachment follows the exporter's addresses: whatever becomes of the memory there, the next
 * access sees what the exporter sees. The main process exports, a peer attaches, both have touched
 * before a change.
 */
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <linux/mman.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "sweep.h"

#define LENGTH (8 * PAGE)

static struct peer *attacher;
static long page, at;

static void share(long address, long length)
{
	CHECK_OK(device_open());
	page = address;
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, length), 0, length));
}

static void share_filled(long address, long length)
{
	fill(address, length, 1);
	share(address, length);
	CHECK_EQ(on(attacher, do_verify, at, length, 1), 0);
}

/* both directions, in every page of a range */
static void check_shared(long address, long attached, long length)
{
	static long seed = 100;

	fill(address, length, ++seed);
	CHECK_EQ(on(attacher, do_verify, attached, length, seed), 0);
	CHECK_OK(on(attacher, do_fill, attached, length, ++seed));
	CHECK_EQ(verify(address, length, seed), 0);
}

CASE(anonymous)
{
	share(map_anonymous(8 * MIB), 8 * MIB);
	check_shared(page, at, 8 * MIB);
}

CASE(untouched_read_first)
{
	long i;

	share(map_anonymous(LENGTH), LENGTH);
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_EQ(on(attacher, do_load, at + i), 0);
	check_shared(page, at, LENGTH);
}

CASE(untouched_written_first)
{
	share(map_anonymous(LENGTH), LENGTH);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 1));
	CHECK_EQ(verify(page, LENGTH, 1), 0);
	check_shared(page, at, LENGTH);
}

CASE(small_pages)
{
	long memory = map_aligned(8 * MIB, 2 * MIB);

	use_small_pages(memory, 8 * MIB);
	share(memory, 8 * MIB);
	check_shared(page, at, 8 * MIB);
}

CASE(huge_pages)
{
	long memory = map_huge(8 * MIB);

	share(memory, 8 * MIB);
	check_shared(page, at, 8 * MIB);
	protect(page + 5 * PAGE, PAGE, PROT_READ);
	CHECK_EQ(on(attacher, do_store, at + 5 * PAGE, 1), GOT_SIGSEGV);
	CHECK_OK(on(attacher, do_store, at + 6 * PAGE, 1));
	CHECK_EQ(load(page + 6 * PAGE), 1);
	CHECK_OK(answer(madvise((void *)(page + 2 * MIB + 16 * PAGE), 16 * PAGE, MADV_DONTNEED)));
	CHECK_EQ(on(attacher, do_load, at + 2 * MIB + 17 * PAGE), 0);
	protect(page + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	check_shared(page, at, 8 * MIB);
}

CASE(hugetlb)
{
	void *memory;

	write_file("/proc/sys/vm/nr_hugepages", "4");
	memory = mmap(NULL, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (memory == MAP_FAILED)
		SKIP("no huge pages to reserve on this machine: %s", strerror(errno));
	share((long)memory, 2 * HUGE_PAGE);
	check_shared(page, at, 2 * HUGE_PAGE);
	unmap(page, 2 * HUGE_PAGE);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	memory = mmap((void *)page, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB | MAP_FIXED, -1, 0);
	CHECK(memory != MAP_FAILED);
	check_shared(page, at, 2 * HUGE_PAGE);
	peer_end(attacher, SIGKILL);
	unmap(page, 2 * HUGE_PAGE);
	write_file("/proc/sys/vm/nr_hugepages", "0");
}

CASE(shared_memory)
{
	share(map_shared(4 * MIB), 4 * MIB);
	check_shared(page, at, 4 * MIB);
}

CASE(shared_file)
{
	int file = temporary_file("content", 4);

	share(map_file(file, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED), 4 * PAGE);
	check_shared(page, at, 4 * PAGE);
}

CASE(mixed_kinds)
{
	long memory = map_anonymous(3 * LENGTH);

	map_over(memory + LENGTH, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file(LENGTH));
	share(memory, 3 * LENGTH);
	check_shared(page, at, 3 * LENGTH);
	CHECK_OK(on(attacher, do_detach, at + 2 * LENGTH));
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_load, at + LENGTH), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_load, at + 3 * LENGTH - 8), GOT_SIGSEGV);
}

static long do_load_own(const long *a)
{
	return *(volatile long *)a[0];
}

CASE(fork_exporter_writes)
{
	struct peer *child;

	share_filled(map_anonymous(LENGTH), LENGTH);
	child = peer_fork();
	fill(page, LENGTH, 2);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 2), 0);
	CHECK_EQ(on(child, do_verify, page, LENGTH, 1), 0);
	check_shared(page, at, LENGTH);
	CHECK_EQ(on(child, do_verify, page, LENGTH, 1), 0);
}

CASE(fork_child_writes)
{
	struct peer *child;

	share_filled(map_anonymous(LENGTH), LENGTH);
	child = peer_fork();
	CHECK_OK(on(child, do_fill, page, LENGTH, 2));
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
	check_shared(page, at, LENGTH);
	CHECK_EQ(on(child, do_verify, page, LENGTH, 2), 0);
}

CASE(fork_attacher_writes)
{
	struct peer *child;

	share_filled(map_anonymous(LENGTH), LENGTH);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	child = peer_fork();
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 3));
	CHECK_EQ(verify(page, LENGTH, 3), 0);
	CHECK_EQ(on(child, do_verify, page, LENGTH, 2), 0);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 3), 0);
}

/* the read maps pages that the exporter and its child share, and the attacher may write */
CASE(fork_attacher_reads_and_writes)
{
	struct peer *child;

	share_filled(map_anonymous(LENGTH), LENGTH);
	child = peer_fork();
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	CHECK_EQ(on(child, do_verify, page, LENGTH, 1), 0);
	CHECK_EQ(verify(page, LENGTH, 2), 0);
}

/*
 * the attacher writes without pause: each child keeps what was there when it was made, and no write
 * is lost
 */
CASE(counted_while_forking)
{
	const long turns = 3000;
	struct peer *child;
	long i, kept, seen = 0;

	share(map_anonymous(LENGTH), LENGTH);
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_OK(store(page + i, 0));
	peer_tell(attacher, do_count, ARGUMENTS(at, LENGTH, turns));
	for (i = 0; i < 12; i++) {
		child = peer_fork();
		kept = CHECK_OK(on(child, do_load_own, page));
		usleep(2000);
		CHECK_EQ(on(child, do_load_own, page), kept);
		CHECK(kept >= seen && kept <= turns);
		seen = kept;
		peer_end(child, 0);
	}
	CHECK_OK(peer_answer(attacher));
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_EQ(load(page + i), turns);
}

CASE(fork_attacher_read_then_exporter_writes)
{
	struct peer *child;

	share_filled(map_anonymous(LENGTH), LENGTH);
	child = peer_fork();
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	fill(page, LENGTH, 2);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 2), 0);
	CHECK_EQ(on(child, do_verify, page, LENGTH, 1), 0);
}

CASE(fork_child_exits)
{
	struct peer *child;

	share_filled(map_anonymous(LENGTH), LENGTH);
	child = peer_fork();
	fill(page, LENGTH, 2);
	peer_end(child, 0);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 2), 0);
	check_shared(page, at, LENGTH);
}

/*
 * Nothing announces that the exporter's entries become writable again. A fault on one of the
 * attacher's makes its neighbours writable, too. (The exporter's writes copy the few pages that the
 * kernel has not yet put into an LRU list.)
 */
CASE(fork_child_exits_then_both_write)
{
	const long length = 64 * PAGE;
	struct peer *child;
	long faults;

	share(map_anonymous(length), length);
	/* The attacher was forked before, so it does not share the pages. */
	fill(page, length, 1);
	child = peer_fork();
	CHECK_EQ(on(attacher, do_verify, at, length, 1), 0);
	peer_end(child, 0);
	fill(page, length, 2);
	faults = sweep_stat(XPMEM_A_STATS_FAULTS);
	CHECK_OK(on(attacher, do_fill, at, length, 3));
	CHECK(sweep_stat(XPMEM_A_STATS_FAULTS) < faults + 32);
	CHECK_EQ(verify(page, length, 3), 0);
	check_shared(page, at, length);
}

CASE(fork_huge_pages)
{
	long memory = map_huge(4 * MIB);
	struct peer *child;

	share_filled(memory, 4 * MIB);
	CHECK_OK(on(attacher, do_fill, at, 4 * MIB, 2));
	child = peer_fork();
	CHECK_OK(on(attacher, do_store, at, 7));
	*(volatile long *)(page + 3 * MIB) = 8;
	CHECK_EQ(load(page), 7);
	CHECK_EQ(on(attacher, do_load, at + 3 * MIB), 8);
	CHECK_EQ(on(child, do_load_own, page), 2 * 0x10000000L);
	CHECK_EQ(on(child, do_load_own, page + 3 * MIB), 2 * 0x10000000L + 3 * MIB / 8);
	check_shared(page, at, 4 * MIB);
}

CASE(fork_shared_memory)
{
	struct peer *child;

	share_filled(map_shared(LENGTH), LENGTH);
	child = peer_fork();
	CHECK_OK(on(child, do_fill, page, LENGTH, 2));
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 2), 0);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 3));
	CHECK_EQ(on(child, do_verify, page, LENGTH, 3), 0);
}

/* unmaps what is shared, checks the hole, and puts something else there that holds seed 2 */
static void replace(int flags, int file)
{
	unmap(page, LENGTH);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_store, at + LENGTH - PAGE, 1), GOT_SIGBUS);
	map_over(page, LENGTH, PROT_READ | PROT_WRITE, flags, file);
	fill(page, LENGTH, 2);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 2), 0);
	check_shared(page, at, LENGTH);
}

CASE(remap_anonymous_by_anonymous)
{
	share_filled(map_anonymous(LENGTH), LENGTH);
	replace(MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

CASE(remap_anonymous_by_shared_memory)
{
	share_filled(map_anonymous(LENGTH), LENGTH);
	replace(MAP_SHARED, memory_file(LENGTH));
}

CASE(remap_shared_memory_by_anonymous)
{
	share_filled(map_shared(LENGTH), LENGTH);
	replace(MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

CASE(remap_shared_memory_by_shared_memory)
{
	share_filled(map_shared(LENGTH), LENGTH);
	replace(MAP_SHARED, memory_file(LENGTH));
}

CASE(remap_shared_memory_by_file)
{
	share_filled(map_shared(LENGTH), LENGTH);
	replace(MAP_SHARED, temporary_file("content", LENGTH / PAGE));
}

CASE(remap_shared_memory_by_private_file)
{
	share_filled(map_shared(LENGTH), LENGTH);
	replace(MAP_PRIVATE, temporary_file("content", LENGTH / PAGE));
}

/* mapped over in one step, so that there never is a hole */
CASE(mapped_over)
{
	long i;

	share_filled(map_anonymous(LENGTH), LENGTH);
	for (i = 0; i < 20; i++) {
		map_over(page, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		CHECK_EQ(on(attacher, do_load, at + i % 8 * PAGE), 0);
		CHECK_OK(on(attacher, do_store, at + i % 8 * PAGE, i));
		CHECK_EQ(load(page + i % 8 * PAGE), i);
	}
}

CASE(hole_spares_its_neighbours)
{
	share_filled(map_anonymous(LENGTH), LENGTH);
	unmap(page + 3 * PAGE, PAGE);
	CHECK_EQ(on(attacher, do_load, at + 3 * PAGE), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_verify, at, 3 * PAGE, 1), 0);
	CHECK_EQ(on(attacher, do_load, at + 4 * PAGE), 0x10000000L + 4 * PAGE / 8);
}

static void protection(void)
{
	protect(page, LENGTH, PROT_NONE);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_store, at + PAGE, 1), GOT_SIGSEGV);
	protect(page, LENGTH, PROT_READ);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_store, at + LENGTH - 8, 1), GOT_SIGSEGV);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
	protect(page, LENGTH, PROT_READ | PROT_WRITE);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	check_shared(page, at, LENGTH);
	/* from writable mappings on both sides */
	protect(page, LENGTH, PROT_READ);
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGSEGV);
	protect(page, LENGTH, PROT_NONE);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGSEGV);
}

CASE(mprotect_anonymous)
{
	share_filled(map_anonymous(LENGTH), LENGTH);
	protection();
}

CASE(mprotect_shared_memory)
{
	share_filled(map_shared(LENGTH), LENGTH);
	protection();
}

/* what the exporter protected before anybody attached */
CASE(mprotect_before_attach)
{
	long memory = map_anonymous(LENGTH);

	fill(memory, LENGTH, 1);
	protect(memory, LENGTH / 2, PROT_NONE);
	protect(memory + LENGTH / 2, LENGTH / 2, PROT_READ);
	share(memory, LENGTH);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_load, at + LENGTH / 2), 0x10000000L + LENGTH / 2 / 8);
	CHECK_EQ(on(attacher, do_store, at + LENGTH / 2, 1), GOT_SIGSEGV);
	protect(memory, LENGTH, PROT_READ | PROT_WRITE);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	check_shared(page, at, LENGTH);
}

CASE(dontneed)
{
	share_filled(map_anonymous(LENGTH), LENGTH);
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_DONTNEED)));
	CHECK_EQ(on(attacher, do_load, at), 0);
	CHECK_EQ(on(attacher, do_load, at + LENGTH - 8), 0);
	check_shared(page, at, LENGTH);
}

static long do_punch(const long *a)
{
	return answer(fallocate(a[0], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, a[1], a[2]));
}

/* A window forgets nothing of the pages that stay. */
CASE(dontneed_page_by_page)
{
	CHECK_OK(device_open());
	page = map_anonymous(2 * PAGE);
	use_small_pages(page, 2 * PAGE);
	fill(page, 2 * PAGE, 1);
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, 2 * PAGE), 0, 2 * PAGE));
	CHECK_EQ(on(attacher, do_verify, at, 2 * PAGE, 1), 0);
	CHECK_OK(answer(madvise((void *)page, PAGE, MADV_DONTNEED)));
	CHECK_OK(answer(madvise((void *)(page + PAGE), PAGE, MADV_DONTNEED)));
	CHECK_EQ(on(attacher, do_load, at + PAGE), 0);
	CHECK_EQ(on(attacher, do_load, at), 0);
}

#define MANY_WINDOWS 40

/* The exporter still finds its first windows after the attacher has touched many more. */
CASE(dontneed_after_much_was_touched)
{
	long length = MANY_WINDOWS * 2 * MIB, memory = map_aligned(length, 2 * MIB), i;

	CHECK_OK(device_open());
	use_small_pages(memory, length);
	for (i = 0; i < length; i += 2 * MIB)
		CHECK_OK(store(memory + i, 1 + i));
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(memory, length), 0, length));
	for (i = 0; i < length; i += 2 * MIB)
		CHECK_EQ(on(attacher, do_load, at + i), 1 + i);
	/* One change of all would reach each window through any other. */
	for (i = 0; i < length; i += 2 * MIB) {
		CHECK_OK(answer(madvise((void *)(memory + i), PAGE, MADV_DONTNEED)));
		CHECK_EQ(on(attacher, do_load, at + i), 0);
	}
}

/* neither exporter nor attacher makes the hole */
CASE(hole_punched_by_a_third_process)
{
	int file = memory_file(LENGTH);
	struct peer *third = peer_fork();

	share_filled(map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED), LENGTH);
	CHECK_OK(on(third, do_punch, file, 2 * PAGE, 2 * PAGE));
	CHECK_EQ(on(attacher, do_load, at + 2 * PAGE), 0);
	CHECK_EQ(on(attacher, do_load, at + 3 * PAGE), 0);
	CHECK_EQ(on(attacher, do_verify, at, 2 * PAGE, 1), 0);
	check_shared(page, at, LENGTH);
}

CASE(truncated)
{
	int file = memory_file(LENGTH);

	share_filled(map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED), LENGTH);
	CHECK_OK(answer(ftruncate(file, 2 * PAGE)));
	CHECK_EQ(on(attacher, do_load, at + 2 * PAGE), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_store, at + LENGTH - 8, 1), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_verify, at, 2 * PAGE, 1), 0);
	CHECK_OK(answer(ftruncate(file, LENGTH)));
	CHECK_EQ(on(attacher, do_load, at + 2 * PAGE), 0);
	check_shared(page, at, LENGTH);
}

CASE(heap_growth)
{
	long end, top;

	/* the peer comes first: malloc moves the end of the heap, too */
	CHECK_OK(device_open());
	attacher = peer_start();
	end = ((long)sbrk(0) + PAGE - 1) & -PAGE;
	CHECK_OK(answer(brk((void *)end)));
	top = CHECK_OK(on(attacher, do_attach_segment, export_range(end, 16 * PAGE), 0, 16 * PAGE));
	CHECK_EQ(on(attacher, do_load, top), GOT_SIGBUS);
	CHECK_OK(answer(brk((void *)(end + 4 * PAGE))));
	check_shared(end, top, 4 * PAGE);
	CHECK_EQ(on(attacher, do_load, top + 4 * PAGE), GOT_SIGBUS);
	CHECK_OK(answer(brk((void *)(end + PAGE))));
	CHECK_EQ(on(attacher, do_load, top + PAGE), GOT_SIGBUS);
	check_shared(end, top, PAGE);
}

CASE(zero_page_exporter_writes)
{
	long memory = map_anonymous(LENGTH);

	CHECK_EQ(verify(memory, 8, 0), 0);
	share(memory, LENGTH);
	CHECK_EQ(on(attacher, do_load, at), 0);
	CHECK_EQ(on(attacher, do_load, at + PAGE), 0);
	*(volatile long *)page = 1;
	CHECK_EQ(on(attacher, do_load, at), 1);
	CHECK_EQ(on(attacher, do_load, at + PAGE), 0);
	CHECK_EQ(load(map_anonymous(PAGE)), 0);
}

CASE(zero_page_attacher_writes)
{
	long memory = map_anonymous(LENGTH), i;

	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_EQ(load(memory + i), 0);
	share(memory, LENGTH);
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_EQ(on(attacher, do_load, at + i), 0);
	for (i = 0; i < LENGTH; i += 2 * PAGE)
		CHECK_OK(on(attacher, do_store, at + i, i + 1));
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_EQ(load(page + i), i % (2 * PAGE) ? 0 : i + 1);
	CHECK_EQ(load(map_anonymous(PAGE)), 0);
}

CASE(private_file_exporter_writes)
{
	int file = temporary_file("content", 2);
	long original;

	share(map_file(file, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE), 2 * PAGE);
	memcpy(&original, "content", sizeof(original));
	CHECK_EQ(on(attacher, do_load, at), original);
	CHECK_EQ(on(attacher, do_load, at + PAGE), original);
	*(volatile long *)page = 1;
	CHECK_EQ(on(attacher, do_load, at), 1);
	CHECK_EQ(on(attacher, do_load, at + PAGE), original);
	check_shared(page, at, 2 * PAGE);
}

/* Whether the page that this process maps at an address is dirty. */
static bool is_dirty(long address)
{
	int file = CHECK_OK(answer(open("/proc/kpageflags", O_RDONLY | O_CLOEXEC)));
	uint64_t flags;

	CHECK_OK(load(address));
	CHECK_EQ(pread(file, &flags, sizeof(flags), page_number(address) * 8), sizeof(flags));
	close(file);
	return flags >> KPF_DIRTY & 1;
}

/* The file system has not prepared the pages for being written. */
CASE(private_file_stays_clean)
{
	int file = temporary_file("content", 2), i;
	long seen;

	if (!getenv("XPMEM_TEST_DISK"))
		SKIP("XPMEM_TEST_DISK names no file system");
	CHECK_OK(answer(fsync(file)));
	CHECK_EQ(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED), 0);
	seen = map_file(file, PAGE, PROT_READ, MAP_SHARED);
	share(map_file(file, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE), 2 * PAGE);
	CHECK_OK(on(attacher, do_load, at));
	CHECK(!is_dirty(seen));
	*(volatile long *)page = 1;
	for (i = 0; i < 20; i++) {
		CHECK_OK(on(attacher, do_load, at));
		CHECK(!is_dirty(seen));
		usleep(10000);
	}
}

CASE(private_file_attacher_writes)
{
	int file = temporary_file("content", 2);
	long original, in_file;

	share(map_file(file, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE), 2 * PAGE);
	memcpy(&original, "content", sizeof(original));
	CHECK_EQ(on(attacher, do_load, at), original);
	CHECK_OK(on(attacher, do_store, at, 1));
	CHECK_EQ(load(page), 1);
	CHECK_EQ(pread(file, &in_file, sizeof(in_file), 0), sizeof(in_file));
	CHECK_EQ(in_file, original);
	/* a change of the file shows where the exporter has no copy of its own */
	CHECK_EQ(pwrite(file, "CONTENT", 8, PAGE), 8);
	CHECK_EQ(on(attacher, do_load, at + PAGE), load(page + PAGE));
}

CASE(mremap_in_exporter)
{
	long memory = map_anonymous(3 * LENGTH), target = memory + 2 * LENGTH;

	fill(memory, LENGTH, 1);
	share(memory, 3 * LENGTH);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_EQ(on(attacher, do_load, at + 2 * LENGTH), 0);
	CHECK(mremap((void *)page, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)target) ==
	      (void *)target);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_verify, at + 2 * LENGTH, LENGTH, 1), 0);
	check_shared(target, at + 2 * LENGTH, LENGTH);
	CHECK(mremap((void *)target, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)page) ==
	      (void *)page);
	CHECK_EQ(on(attacher, do_load, at + 2 * LENGTH), GOT_SIGBUS);
	check_shared(page, at, LENGTH);
}

CASE(mremap_leaves_an_empty_range)
{
	long target;

	share_filled(map_anonymous(LENGTH), LENGTH);
	target =
		(long)mremap((void *)page, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	CHECK_OK(target);
	CHECK_EQ(on(attacher, do_load, at), 0);
	check_shared(page, at, LENGTH);
	CHECK_EQ(verify(target, LENGTH, 1), 0);
}

CASE(mremap_grows_and_shrinks)
{
	long memory = map_anonymous(2 * LENGTH);

	unmap(memory + LENGTH, LENGTH);
	fill(memory, LENGTH, 1);
	share(memory, 2 * LENGTH);
	CHECK_EQ(on(attacher, do_load, at + LENGTH), GOT_SIGBUS);
	CHECK(mremap((void *)page, LENGTH, 2 * LENGTH, 0) == (void *)page);
	check_shared(page, at, 2 * LENGTH);
	CHECK(mremap((void *)page, 2 * LENGTH, PAGE, 0) == (void *)page);
	CHECK_EQ(on(attacher, do_load, at + PAGE), GOT_SIGBUS);
	check_shared(page, at, PAGE);
}

CASE(stack)
{
	volatile long on_stack[2 * PAGE / 8];
	long start = ((long)on_stack + PAGE - 1) & -PAGE;

	share(start, PAGE);
	fill(start, PAGE, 1);
	CHECK_EQ(on(attacher, do_verify, at, PAGE, 1), 0);
	CHECK_OK(on(attacher, do_fill, at, PAGE, 2));
	CHECK_EQ(verify(start, PAGE, 2), 0);
}

static long __attribute__((noinline)) grow_stack(long depth)
{
	volatile char frame[MIB / 16];

	frame[0] = depth;
	return depth ? grow_stack(depth - 1) + frame[0] : (long)__builtin_frame_address(0);
}

CASE(stack_growth)
{
	volatile long here = 5;
	long top = ((long)&here & -PAGE) + PAGE, length = 4 * MIB, deepest;

	share(top - length, length);
	CHECK_EQ(on(attacher, do_load, at + length - (top - (long)&here)), 5);
	CHECK_EQ(on(attacher, do_load, at + length - 2 * MIB), GOT_SIGBUS);
	deepest = top - 2 * MIB;
	CHECK(grow_stack(40) < deepest);
	*(volatile long *)deepest = 6;
	CHECK_EQ(on(attacher, do_load, at + length - 2 * MIB), 6);
	CHECK_OK(on(attacher, do_store, at + length - 2 * MIB, 7));
	CHECK_EQ(*(volatile long *)deepest, 7);
}

CASE(memory_compaction)
{
	int i;

	share_filled(map_anonymous(4 * MIB), 4 * MIB);
	for (i = 0; i < 3; i++) {
		CHECK_OK(write_file("/proc/sys/vm/compact_memory", "1"));
		check_shared(page, at, 4 * MIB);
	}
}

CASE(huge_page_collapse)
{
	long memory = map_aligned(4 * MIB, 2 * MIB);

	use_small_pages(memory, 4 * MIB);
	share_filled(memory, 4 * MIB);
	CHECK_OK(on(attacher, do_fill, at, 4 * MIB, 2));
	use_huge_pages(memory, 4 * MIB);
	if (madvise((void *)memory, 4 * MIB, MADV_COLLAPSE))
		SKIP("this kernel does not collapse: %s", strerror(errno));
	CHECK_EQ(verify(page, 4 * MIB, 2), 0);
	CHECK_EQ(on(attacher, do_verify, at, 4 * MIB, 2), 0);
	check_shared(page, at, 4 * MIB);
}
