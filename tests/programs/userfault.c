/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exported memory whose pages a program supplies by userfaultfd. The main process exports and
 * supplies, a peer attaches: its touch waits for the page as the exporter's own would, and can be
 * killed meanwhile.
 */
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "watching.h"

#define LENGTH (8 * PAGE)

static struct peer *attacher;
static long page, at;

static void share(long memory)
{
	CHECK_OK(device_open());
	page = memory;
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, LENGTH), 0, LENGTH));
}

static void supply(long address, long seed)
{
	static long content[PAGE / 8] __attribute__((aligned(PAGE)));
	struct uffdio_copy copy = { .dst = address, .src = (long)content, .len = PAGE };

	fill((long)content, PAGE, seed);
	CHECK_OK(answer(ioctl(watch_file, UFFDIO_COPY, &copy)));
}

static void check_supplied(long memory)
{
	share(memory);
	CHECK_OK(watch(page, LENGTH, UFFDIO_REGISTER_MODE_MISSING, 0));
	peer_tell(attacher, do_verify, ARGUMENTS(at + PAGE, PAGE, 5));
	CHECK_EQ(next_fault(0), page + PAGE);
	/* the answer may be late */
	usleep(100000);
	supply(page + PAGE, 5);
	CHECK_EQ(peer_answer(attacher), 0);
	peer_tell(attacher, do_store, ARGUMENTS(at, 9));
	CHECK_EQ(next_fault(0), page);
	supply(page, 6);
	CHECK_OK(peer_answer(attacher));
	CHECK_EQ(load(page), 9);
	CHECK_EQ(load(page + 8), 6 * 0x10000000L + 1);
}

CASE(missing)
{
	check_supplied(map_anonymous(LENGTH));
}

CASE(missing_shared_memory)
{
	check_supplied(map_shared(LENGTH));
}

CASE(missing_again)
{
	check_supplied(map_anonymous(LENGTH));
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_DONTNEED)));
	peer_tell(attacher, do_verify, ARGUMENTS(at, PAGE, 7));
	CHECK_EQ(next_fault(0), page);
	supply(page, 7);
	CHECK_EQ(peer_answer(attacher), 0);
}

CASE(zero_page_supplied)
{
	struct uffdio_zeropage zero = { .range = { 0, PAGE } };

	share(map_anonymous(LENGTH));
	CHECK_OK(watch(page, LENGTH, UFFDIO_REGISTER_MODE_MISSING, 0));
	peer_tell(attacher, do_load, ARGUMENTS(at));
	zero.range.start = next_fault(0);
	CHECK_OK(answer(ioctl(watch_file, UFFDIO_ZEROPAGE, &zero)));
	CHECK_EQ(peer_answer(attacher), 0);
	CHECK_OK(on(attacher, do_store, at, 3));
	CHECK_EQ(load(page), 3);
	CHECK_EQ(load(map_anonymous(PAGE)), 0);
}

static void check_write_protected(long memory)
{
	share(memory);
	fill(page, LENGTH, 1);
	CHECK_OK(on(attacher, do_store, at, 2));
	watch_writes(page, LENGTH);
	protect_writes(page, true);
	CHECK_EQ(on(attacher, do_load, at), 2);
	peer_tell(attacher, do_store, ARGUMENTS(at, 4));
	CHECK_EQ(next_fault(UFFD_PAGEFAULT_FLAG_WP), page);
	usleep(100000);
	CHECK_EQ(load(page), 2);
	protect_writes(page, false);
	CHECK_OK(peer_answer(attacher));
	CHECK_EQ(load(page), 4);
	CHECK_OK(on(attacher, do_store, at + PAGE, 5));
	CHECK_EQ(load(page + PAGE), 5);
}

CASE(write_protected)
{
	check_write_protected(map_anonymous(LENGTH));
}

CASE(write_protected_shared_memory)
{
	check_write_protected(map_shared(LENGTH));
}

CASE(populate_does_not_wait)
{
	CHECK_OK(device_open());
	page = map_anonymous(LENGTH);
	attacher = peer_start();
	CHECK_OK(watch(page, LENGTH, UFFDIO_REGISTER_MODE_MISSING, 0));
	supply(page + PAGE, 5);
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, LENGTH), 0, LENGTH,
			 XPMEM_ATTACH_POPULATE));
	CHECK_EQ(on(attacher, do_verify, at + PAGE, PAGE, 5), 0);
}

/* the peer is told to touch what nobody supplies */
static void block(long memory)
{
	share(memory);
	CHECK_OK(watch(page, LENGTH, UFFDIO_REGISTER_MODE_MISSING, 0));
	peer_tell(attacher, do_load, ARGUMENTS(at));
	CHECK_EQ(next_fault(0), page);
}

CASE(killed_while_waiting)
{
	block(map_anonymous(LENGTH));
	peer_end(attacher, SIGKILL);
	/* and nothing stays behind that would keep the exporter from its memory */
	unmap(page, LENGTH);
}

CASE(killed_while_waiting_for_shared_memory)
{
	block(map_shared(LENGTH));
	peer_end(attacher, SIGKILL);
	unmap(page, LENGTH);
}

/* a system call that reads the attachment waits in the kernel */
static long do_write_out(const long *a)
{
	static int file;

	if (!file)
		file = memory_file(PAGE);
	return answer(pwrite(file, (void *)a[0], 8, 0));
}

CASE(killed_in_a_system_call)
{
	share(map_anonymous(LENGTH));
	CHECK_OK(watch(page, LENGTH, UFFDIO_REGISTER_MODE_MISSING, 0));
	peer_tell(attacher, do_write_out, ARGUMENTS(at));
	CHECK_EQ(next_fault(0), page);
	peer_end(attacher, SIGKILL);
}

/* The program that watches wakes waiters, as it does the exporter's own threads. */
static void wake(long address, long length)
{
	struct uffdio_range range = { .start = address, .len = length };

	CHECK_OK(answer(ioctl(watch_file, UFFDIO_WAKE, &range)));
}

CASE(unmapped_while_waiting)
{
	block(map_anonymous(LENGTH));
	unmap(page, LENGTH);
	wake(page, LENGTH);
	CHECK_EQ(peer_answer(attacher), GOT_SIGBUS);
}

/* memory for a device is waited for as well */
static void require_dmabuf(void)
{
	CHECK_OK(device_open());
	if (!device_has(XPMEM_FEATURE_DMABUF))
		SKIP("this kernel has no dma-bufs");
}

static void block_dmabuf(void)
{
	require_dmabuf();
	page = map_anonymous(LENGTH);
	attacher = peer_start();
	CHECK_OK(watch(page, LENGTH, UFFDIO_REGISTER_MODE_MISSING, 0));
	supply(page, 1);
	peer_tell(attacher, do_dmabuf,
		  ARGUMENTS(CHECK_OK(on(attacher, do_get, export_range(page, LENGTH),
					XPMEM_GET_RDWR)),
			    0, 3 * PAGE));
	CHECK_EQ(next_fault(0), page + PAGE);
}

CASE(given_to_a_device)
{
	block_dmabuf();
	supply(page + PAGE, 2);
	CHECK_EQ(next_fault(0), page + 2 * PAGE);
	supply(page + 2 * PAGE, 3);
	CHECK_OK(peer_answer(attacher));
	CHECK_EQ(verify(page + PAGE, PAGE, 2), 0);
}

/* the pages are in the file, clean: a write makes them dirty, and drops the lock meanwhile */
CASE(read_before_given_to_a_device)
{
	int file = memory_file(LENGTH);
	long other = map_file(file, LENGTH, PROT_READ, MAP_SHARED), i;

	require_dmabuf();
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_EQ(load(other + i), 0);
	page = map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
	attacher = peer_start();
	CHECK_OK(watch(page, LENGTH, UFFDIO_REGISTER_MODE_MISSING, 0));
	CHECK_OK(on(attacher, do_dmabuf,
		    CHECK_OK(on(attacher, do_get, export_range(page, LENGTH), XPMEM_GET_RDWR)), 0,
		    LENGTH));
}

CASE(killed_while_given_to_a_device)
{
	block_dmabuf();
	peer_end(attacher, SIGKILL);
	unmap(page, LENGTH);
}

CASE(unmapped_while_given_to_a_device)
{
	block_dmabuf();
	unmap(page + PAGE, PAGE);
	wake(page + PAGE, PAGE);
	CHECK_EQ(peer_answer(attacher), -EFAULT);
}

CASE(unregistered_while_waiting)
{
	block(map_anonymous(LENGTH));
	close(watch_file);
	CHECK_EQ(peer_answer(attacher), 0);
	CHECK_OK(on(attacher, do_store, at, 3));
	CHECK_EQ(load(page), 3);
}

CASE(removed_while_waiting)
{
	long segid;

	CHECK_OK(device_open());
	page = map_anonymous(LENGTH);
	attacher = peer_start();
	segid = export_range(page, LENGTH);
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
	CHECK_OK(watch(page, LENGTH, UFFDIO_REGISTER_MODE_MISSING, 0));
	peer_tell(attacher, do_load, ARGUMENTS(at));
	CHECK_EQ(next_fault(0), page);
	CHECK_OK(REMOVE(.segid = segid));
	supply(page, 1);
	CHECK_EQ(peer_answer(attacher), GOT_SIGBUS);
}

static long do_watch(const long *a)
{
	return watch(a[0], a[1], UFFDIO_REGISTER_MODE_MISSING, 0);
}

static long do_next_fault(const long *none)
{
	(void)none;
	return next_fault(0);
}

CASE(exporter_killed_while_waiting)
{
	struct peer *exporter = peer_start();
	long segid;

	page = CHECK_OK(on(exporter, do_map, LENGTH));
	segid = CHECK_OK(on(exporter, do_export, page, LENGTH));
	CHECK_OK(on(exporter, do_watch, page, LENGTH));
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
	peer_tell(attacher, do_load, ARGUMENTS(at));
	CHECK_EQ(on(exporter, do_next_fault, 0), page);
	peer_end(exporter, SIGKILL);
	CHECK_EQ(peer_answer(attacher), GOT_SIGBUS);
}

static long do_wait(const long *address_expected)
{
	return device_call(XPMEM_IOC_WAIT, &SIZED(xpmem_ioc_wait, .vaddr = address_expected[0],
						  .expected = address_expected[1],
						  .deadline = XPMEM_DEADLINE_NEVER));
}

/* A task that has begun to wait is woken, however long it takes to read the word. */
CASE(woken_before_the_word_is_read)
{
	struct xpmem_ioc_wake wake;

	share(map_anonymous(LENGTH));
	CHECK_OK(watch(page, LENGTH, UFFDIO_REGISTER_MODE_MISSING, 0));
	peer_tell(attacher, do_wait, ARGUMENTS(at, 0x10000000));
	CHECK_EQ(next_fault(0), page);
	wake = SIZED(xpmem_ioc_wake, .vaddr = page, .count = 1);
	CHECK_OK(device_call(XPMEM_IOC_WAKE, &wake));
	CHECK_EQ(wake.woken, 1);
	supply(page, 1);
	CHECK_EQ(peer_answer(attacher), 0);
}
