/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the exporter has mapped huge is mapped huge, and is right whatever either side does to parts
 * of it.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"

#define HUGE HUGE_PAGE
#define LENGTH (4 * HUGE)
#define WORD(address, index) ((address) + (index) * PAGE)

static struct peer *attacher;
static long page, at;

/* KiB of page tables of this process */
static long do_page_tables(const long *none)
{
	(void)none;
	return read_counter("/proc/self/status", "VmPTE:");
}

static long do_touch_each(const long *address_length_step)
{
	long offset;

	for (offset = 0; offset < address_length_step[1]; offset += address_length_step[2])
		CHECK_OK(load(address_length_step[0] + offset));
	return 0;
}

static long do_vmsplice(const long *address)
{
	struct iovec vector = { (void *)address[0], PAGE };
	long result;
	int ends[2];

	CHECK_OK(answer(pipe2(ends, O_CLOEXEC)));
	result = answer(vmsplice(ends[1], &vector, 1, 0));
	close(ends[0]);
	close(ends[1]);
	return result;
}

static long do_wake(const long *address)
{
	return answer(syscall(SYS_futex, address[0], FUTEX_WAKE, 1, NULL, NULL, 0));
}

static long do_move(const long *address_length)
{
	return answer((long)mremap((void *)address_length[0], address_length[1], address_length[1],
				   MREMAP_MAYMOVE));
}

static long do_map_huge(const long *length)
{
	return map_huge(length[0]);
}

static bool has_huge_pages(long address, long length)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	bool inside = false;
	char line[256];
	long size, huge = 0;

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 &&
		    strchr(line, '-') < strchr(line, ' '))
			inside = (long)start < address + length && (long)end > address;
		else if (inside && sscanf(line, "AnonHugePages: %ld", &size) == 1)
			huge += size;
	}
	fclose(file);
	return huge * 1024 >= length;
}

/* memory of huge pages; the attacher has a permit but has touched nothing */
static void share(void)
{
	CHECK_OK(device_open());
	attacher = peer_start();
	page = map_huge(LENGTH);
	fill(page, LENGTH, 1);
	if (!has_huge_pages(page, LENGTH))
		SKIP("there are no huge pages to be had");
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, LENGTH), 0, LENGTH));
	CHECK_EQ(at % HUGE, 0);
}

/* Small pages need a table of 4 KiB for each 2 MiB; one more may be needed above those. */
static void check_no_tables_since(long before, long length)
{
	CHECK(on(attacher, do_page_tables, 0) - before < length / HUGE * 4);
}

/* All of it can be read without a fault. */
static void check_present(long length)
{
	long before;

	/* the first time, the peer faults for itself */
	on(attacher, do_touch_each, at, PAGE, PAGE);
	on(attacher, do_count_faults, 0);
	before = on(attacher, do_count_faults, 0);
	on(attacher, do_touch_each, at, length, PAGE);
	CHECK_EQ(on(attacher, do_count_faults, 0), before);
}

static void touch_huge(void)
{
	long before = on(attacher, do_page_tables, 0);

	on(attacher, do_touch_each, at, LENGTH, HUGE);
	check_no_tables_since(before, LENGTH);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
}

CASE(mapped_huge)
{
	share();
	touch_huge();
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	CHECK_EQ(verify(page, LENGTH, 2), 0);
	fill(page, LENGTH, 3);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 3), 0);
	CHECK(has_huge_pages(page, LENGTH));
}

CASE(touched_in_the_middle)
{
	share();
	CHECK_EQ(on(attacher, do_load, WORD(at, 300)), load(WORD(page, 300)));
	CHECK_OK(on(attacher, do_store, WORD(at, 900), 5));
	CHECK_EQ(load(WORD(page, 900)), 5);
	CHECK_OK(store(WORD(page, 900), on(attacher, do_load, WORD(at, 300))));
	fill(page, LENGTH, 2);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 2), 0);
}

CASE(written_first)
{
	long before;

	share();
	before = on(attacher, do_page_tables, 0);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	check_no_tables_since(before, LENGTH);
	CHECK_EQ(verify(page, LENGTH, 2), 0);
}

CASE(populated)
{
	long segid, apid;

	share();
	segid = export_range(page, LENGTH);
	apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR));
	at = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH, XPMEM_ATTACH_POPULATE));
	check_present(LENGTH);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
}

CASE(hugetlb)
{
	void *memory;
	long before;

	write_file("/proc/sys/vm/nr_hugepages", "4");
	memory = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (memory == MAP_FAILED)
		SKIP("no huge pages to reserve on this machine: %s", strerror(errno));
	CHECK_OK(device_open());
	attacher = peer_start();
	page = (long)memory;
	fill(page, 2 * HUGE, 1);
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, 2 * HUGE), 0, 2 * HUGE));
	before = on(attacher, do_page_tables, 0);
	CHECK_EQ(on(attacher, do_verify, at, 2 * HUGE, 1), 0);
	check_no_tables_since(before, 2 * HUGE);
	CHECK_OK(on(attacher, do_fill, at, 2 * HUGE, 2));
	CHECK_EQ(verify(page, 2 * HUGE, 2), 0);
	CHECK_EQ(on(attacher, do_vmsplice, at), -EFAULT);
	unmap(page, 2 * HUGE);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_load, at + HUGE), GOT_SIGBUS);
	peer_end(attacher, SIGKILL);
	write_file("/proc/sys/vm/nr_hugepages", "0");
}

static long do_read_proc(const long *address)
{
	static const char *const paths[] = { "smaps", "smaps_rollup", "numa_maps", "pagemap" };
	unsigned long entries[512], i;
	char path[32];
	int fd;

	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "/proc/self/%s", paths[i]);
		fd = CHECK_OK(answer(open(path, O_RDONLY | O_CLOEXEC)));
		if (i == 3)
			CHECK_OK(answer(lseek(fd, address[0] / PAGE * 8, SEEK_SET)));
		while (CHECK_OK(answer(read(fd, entries, sizeof(entries)))) > 0 && i < 3)
			;
		close(fd);
	}
	return 0;
}

static long do_clear_refs(const long *none)
{
	(void)none;
	write_file("/proc/self/clear_refs", "1");
	return 0;
}

/* A page of 1 GiB is mapped 2 MiB at a time, wherever in it the attachment begins. */
CASE(gigantic)
{
	static const char reserve[] = "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages";
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 30 << MAP_HUGE_SHIFT;
	long length = 1024 * MIB, segid, before, part, offset, i;
	bool reserved = false;
	void *memory;

	if (access(reserve, F_OK))
		SKIP("this machine has no pages of 1 GiB");
	memory = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (memory == MAP_FAILED) {
		reserved = write_file(reserve, "1") >= 0;
		memory = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, -1, 0);
	}
	if (memory == MAP_FAILED)
		SKIP("no page of 1 GiB to reserve on this machine: %s", strerror(errno));
	CHECK_OK(device_open());
	attacher = peer_start();
	page = (long)memory;
	for (i = 0; i < 8; i++)
		CHECK_OK(store(page + i * length / 8 + i * PAGE, i + 1));
	segid = export_range(page, length);
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, length));
	part = CHECK_OK(on(attacher, do_attach_segment, segid, length / 2 + 3 * PAGE, 8 * HUGE));
	before = on(attacher, do_page_tables, 0);
	for (i = 0; i < 8; i++) {
		offset = i * length / 8 + i * PAGE;
		CHECK_EQ(on(attacher, do_load, at + offset), i + 1);
		CHECK_OK(on(attacher, do_store, at + offset + 8, i + 2));
		CHECK_EQ(load(page + offset + 8), i + 2);
	}
	check_no_tables_since(before, 8 * HUGE);
	CHECK_EQ(on(attacher, do_load, part + PAGE), 5);
	CHECK_EQ(on(attacher, do_vmsplice, at + HUGE), -EFAULT);
	CHECK_OK(on(attacher, do_read_proc, at));
	CHECK_OK(on(attacher, do_clear_refs, 0));
	CHECK_EQ(on(attacher, do_load, at), 1);
	unmap(page, length);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_load, part + PAGE), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_load, at + length - PAGE), GOT_SIGBUS);
	peer_end(attacher, SIGKILL);
	if (reserved)
		write_file(reserve, "0");
}

/* Whoever looks at no VMA has to be refused all the same. */
CASE(not_pinned)
{
	share();
	touch_huge();
	CHECK_EQ(on(attacher, do_vmsplice, WORD(at, 7)), -EFAULT);
	CHECK_EQ(on(attacher, do_wake, WORD(at, 7)), -EFAULT);
	CHECK_OK(on(attacher, do_store, WORD(at, 7), 1));
	CHECK_EQ(on(attacher, do_vmsplice, WORD(at, 7)), -EFAULT);
	CHECK_EQ(on(attacher, do_wake, WORD(at, 7)), -EFAULT);
}

CASE(exporter_may_only_read)
{
	share();
	protect(page, LENGTH, PROT_READ);
	touch_huge();
	CHECK_EQ(on(attacher, do_store, at, 5), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	protect(page, LENGTH, PROT_READ | PROT_WRITE);
	CHECK_OK(on(attacher, do_store, at, 5));
	CHECK_EQ(load(page), 5);
	protect(page + HUGE, HUGE, PROT_READ);
	CHECK_EQ(on(attacher, do_store, at + HUGE, 5), GOT_SIGSEGV);
	CHECK_OK(on(attacher, do_store, at + 2 * HUGE, 6));
	CHECK_EQ(load(page + 2 * HUGE), 6);
}

/*
 * The kernel keeps a page table aside for each huge page of anonymous memory. Attachments leave
 * those of the attacher alone.
 */
CASE(huge_zero_page)
{
	long own, offset, turn;

	write_file("/sys/kernel/mm/transparent_hugepage/use_zero_page", "1");
	share();
	own = on(attacher, do_map_huge, LENGTH);
	CHECK_OK(on(attacher, do_fill, own, LENGTH, 2));
	for (turn = 0; turn < 2; turn++) {
		CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_DONTNEED)));
		for (offset = 0; offset < LENGTH; offset += HUGE) {
			CHECK_EQ(load(page + offset), 0);
			CHECK_EQ(on(attacher, do_load, at + offset + PAGE), 0);
		}
	}
	for (offset = 0; offset < LENGTH; offset += HUGE) {
		CHECK_OK(on(attacher, do_advise, own + offset, PAGE, MADV_DONTNEED));
		CHECK_EQ(on(attacher, do_load, own + offset), 0);
		CHECK_OK(on(attacher, do_store, at + offset, 7));
		CHECK_EQ(load(page + offset), 7);
	}
}

CASE(read_only_attachment)
{
	share();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, LENGTH), 0, LENGTH,
			 XPMEM_ATTACH_RDONLY));
	touch_huge();
	CHECK_EQ(on(attacher, do_store, at, 5), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_protect, at, LENGTH, PROT_READ | PROT_WRITE), -EACCES);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
}

/* The child keeps the old page. A write of either side makes a copy, which both sides then map. */
CASE(exporter_forks)
{
	int status, ends[2];
	char byte;
	pid_t child;

	share();
	touch_huge();
	CHECK_OK(answer(pipe2(ends, O_CLOEXEC)));
	child = fork();
	if (!child) {
		close(ends[1]);
		if (read(ends[0], &byte, 1) < 0)
			_exit(2);
		_exit(verify(page, LENGTH, 1) != 0);
	}
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_OK(on(attacher, do_store, WORD(at, 3), 5));
	CHECK_EQ(load(WORD(page, 3)), 5);
	CHECK_OK(store(WORD(page, 515), 6));
	CHECK_EQ(on(attacher, do_load, WORD(at, 515)), 6);
	close(ends[1]);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

CASE(exporter_discards_a_part)
{
	share();
	touch_huge();
	CHECK_OK(answer(madvise((void *)WORD(page, 100), PAGE, MADV_DONTNEED)));
	CHECK_EQ(on(attacher, do_load, WORD(at, 100)), 0);
	CHECK_EQ(on(attacher, do_load, WORD(at, 99)), load(WORD(page, 99)));
	CHECK_OK(on(attacher, do_store, WORD(at, 100), 5));
	CHECK_EQ(load(WORD(page, 100)), 5);
	CHECK_EQ(on(attacher, do_verify, at + HUGE, LENGTH - HUGE, 1),
		 verify(page + HUGE, LENGTH - HUGE, 1));
}

CASE(exporter_protects_a_part)
{
	share();
	touch_huge();
	protect(WORD(page, 100), PAGE, PROT_NONE);
	protect(WORD(page, 200), PAGE, PROT_READ);
	CHECK_EQ(on(attacher, do_load, WORD(at, 100)), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_store, WORD(at, 200), 5), GOT_SIGSEGV);
	CHECK_OK(on(attacher, do_store, WORD(at, 201), 5));
	CHECK_EQ(load(WORD(page, 201)), 5);
}

CASE(exporter_unmaps_a_part)
{
	share();
	touch_huge();
	unmap(WORD(page, 100), PAGE);
	CHECK_EQ(on(attacher, do_load, WORD(at, 100)), GOT_SIGBUS);
	CHECK_OK(on(attacher, do_store, WORD(at, 101), 5));
	CHECK_EQ(load(WORD(page, 101)), 5);
	unmap(page + HUGE, HUGE);
	CHECK_EQ(on(attacher, do_load, WORD(at, 700)), GOT_SIGBUS);
}

/* What is small becomes huge again, and is right all the while. */
CASE(exporter_writes_while_pages_split)
{
	long turn;

	share();
	for (turn = 0; turn < 20; turn++) {
		CHECK_OK(on(attacher, do_fill, at, LENGTH, turn));
		CHECK_EQ(verify(page, LENGTH, turn), 0);
		CHECK_OK(answer(madvise((void *)(page + turn % 4 * HUGE), HUGE,
					turn % 2 ? MADV_DONTNEED : MADV_FREE)));
		fill(page, LENGTH, turn + 100);
		CHECK_EQ(on(attacher, do_verify, at, LENGTH, turn + 100), 0);
		protect(WORD(page, turn * 50), PAGE, PROT_READ);
		protect(WORD(page, turn * 50), PAGE, PROT_READ | PROT_WRITE);
	}
}

CASE(attacher_unmaps_a_part)
{
	share();
	touch_huge();
	CHECK_OK(on(attacher, do_unmap, WORD(at, 100), PAGE));
	CHECK_EQ(on(attacher, do_load, WORD(at, 100)), GOT_SIGSEGV);
	CHECK_OK(on(attacher, do_store, WORD(at, 101), 5));
	CHECK_EQ(load(WORD(page, 101)), 5);
	CHECK_EQ(on(attacher, do_load, WORD(at, 99)), load(WORD(page, 99)));
}

CASE(attacher_protects_a_part)
{
	share();
	touch_huge();
	CHECK_OK(on(attacher, do_store, WORD(at, 200), 4));
	CHECK_OK(on(attacher, do_protect, WORD(at, 100), PAGE, PROT_READ));
	CHECK_EQ(on(attacher, do_store, WORD(at, 100), 5), GOT_SIGSEGV);
	CHECK_OK(on(attacher, do_store, WORD(at, 101), 5));
	CHECK_EQ(load(WORD(page, 101)), 5);
	CHECK_OK(on(attacher, do_protect, at, LENGTH, PROT_READ));
	CHECK_EQ(on(attacher, do_store, WORD(at, 1000), 5), GOT_SIGSEGV);
	CHECK_OK(on(attacher, do_protect, at, LENGTH, PROT_READ | PROT_WRITE));
	CHECK_OK(on(attacher, do_store, WORD(at, 1000), 6));
	CHECK_EQ(load(WORD(page, 1000)), 6);
}

/* A part that is writable again must not be where the exporter may not write by then. */
CASE(both_protect)
{
	share();
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 1));
	CHECK_OK(on(attacher, do_protect, at, LENGTH, PROT_READ));
	protect(page, LENGTH, PROT_READ);
	on(attacher, do_touch_each, at, LENGTH, HUGE);
	CHECK_OK(on(attacher, do_protect, at, LENGTH, PROT_READ | PROT_WRITE));
	CHECK_EQ(on(attacher, do_store, WORD(at, 3), 5), GOT_SIGSEGV);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
}

CASE(attacher_moves)
{
	long to;

	share();
	touch_huge();
	to = CHECK_OK(on(attacher, do_move, at, LENGTH));
	CHECK_EQ(on(attacher, do_verify, to, LENGTH, 1), 0);
	CHECK_OK(on(attacher, do_store, WORD(to, 600), 5));
	CHECK_EQ(load(WORD(page, 600)), 5);
	to = CHECK_OK(on(attacher, do_move, WORD(to, 512), HUGE));
	CHECK_EQ(on(attacher, do_load, WORD(to, 88)), 5);
}

/* At an address that is not as the exporter's within 2 MiB, nothing can be mapped huge. */
CASE(elsewhere)
{
	long place, segid, apid;

	share();
	segid = export_range(page, LENGTH);
	apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR));
	place = CHECK_OK(on(attacher, do_map_huge, LENGTH + HUGE));
	CHECK_OK(on(attacher, do_unmap, place, LENGTH + HUGE));
	at = CHECK_OK(
		on(attacher, do_attach, apid, 0, LENGTH, XPMEM_ATTACH_FIXED, place + 3 * PAGE));
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 2));
	CHECK_EQ(verify(page, LENGTH, 2), 0);
	CHECK_OK(on(attacher, do_detach, at));
}

CASE(part_of_a_huge_page)
{
	long segid, apid;

	share();
	segid = export_range(page, LENGTH);
	apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR));
	at = CHECK_OK(on(attacher, do_attach, apid, HUGE / 2, HUGE));
	CHECK_OK(on(attacher, do_store, at, 5));
	CHECK_OK(on(attacher, do_store, at + HUGE - PAGE, 6));
	CHECK_EQ(load(page + HUGE / 2), 5);
	CHECK_EQ(load(page + HUGE / 2 + HUGE - PAGE), 6);
}

CASE(removed)
{
	long segid;

	share();
	segid = export_range(page, LENGTH);
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
	touch_huge();
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(on(attacher, do_load, WORD(at, 5)), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_store, WORD(at, 600), 5), GOT_SIGBUS);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
}
