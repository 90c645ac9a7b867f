/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * io_uring keeps attachments as fixed buffers, and reads files into them and writes files from
 * them.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "device.h"
#include "uring.h"

#define LENGTH (16 * PAGE)

static struct peer *attacher;
static long page, at, flags;	/* flags of the attachment */

static void share(long memory)
{
	CHECK_OK(device_open());
	page = memory;
	fill(page, LENGTH, 1);
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, LENGTH), 0, LENGTH,
			 flags));
}

static long do_write_fixed(const long *file_address_length)
{
	const long *a = file_address_length;
	unsigned int none;

	io_uring_prep_write_fixed(io_uring_get_sqe(&ring), a[0], (void *)a[1], a[2], 0, 0);
	return complete(&none);
}

static long do_read_fixed(const long *file_address_length)
{
	const long *a = file_address_length;
	unsigned int none;

	io_uring_prep_read_fixed(io_uring_get_sqe(&ring), a[0], (void *)a[1], a[2], 0, 0);
	return complete(&none);
}

static void open_ring(void)
{
	long result = on(attacher, do_open_ring, 0);

	if (result == -ENOSYS || result == -EPERM)
		SKIP("this kernel has no io_uring");
	CHECK_OK(result);
}

static long do_map_file(const long *none)
{
	(void)none;
	return map_file(temporary_file("on disk", 1), PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
}

/*
 * Until Linux 6.4, io_pin_pages() takes no mapping of any file but shmem's own; attachments are of
 * a file of the module's.
 */
static void register_attachment(void)
{
	long result;

	open_ring();
	result = on(attacher, do_register, at, LENGTH);
	if (result == -EOPNOTSUPP) {
		CHECK_EQ(on(attacher, do_register, CHECK_OK(on(attacher, do_map_file, 0)), PAGE),
			 -EOPNOTSUPP);
		SKIP("this kernel takes no mapped files as fixed buffers");
	}
	CHECK_OK(result);
}

static void check_fixed_buffer(long memory)
{
	int file = memory_file(LENGTH);

	share(memory);
	register_attachment();
	CHECK_EQ(on(attacher, do_write_fixed, file, at, LENGTH), LENGTH);
	fill(page, LENGTH, 2);
	CHECK_EQ(on(attacher, do_read_fixed, file, at, LENGTH), LENGTH);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
	fill(page, LENGTH, 3);
	CHECK_EQ(on(attacher, do_write_fixed, file, at, LENGTH), LENGTH);
	CHECK_EQ(verify(map_file(file, LENGTH, PROT_READ, MAP_SHARED), LENGTH, 3), 0);
}

CASE(fixed_buffer)
{
	check_fixed_buffer(map_shared(LENGTH));
}

CASE(fixed_buffer_of_a_pinnable_attachment)
{
	CHECK_OK(device_open());
	if (!device_has(XPMEM_FEATURE_PINNABLE))
		SKIP("this kernel has no pinnable attachments");
	flags = XPMEM_ATTACH_PINNABLE;
	check_fixed_buffer(map_anonymous(LENGTH));
}

/* a ring that nobody closes keeps the pages, not the attachment */
CASE(detached_meanwhile)
{
	int file = memory_file(LENGTH);

	share(map_shared(LENGTH));
	register_attachment();
	CHECK_OK(on(attacher, do_detach, at));
	CHECK_EQ(on(attacher, do_write_fixed, file, at, LENGTH), LENGTH);
	CHECK_EQ(verify(map_file(file, LENGTH, PROT_READ, MAP_SHARED), LENGTH, 1), 0);
}

static void check_private(long memory)
{
	share(memory);
	open_ring();
	CHECK_EQ(on(attacher, do_register, at, LENGTH), -EFAULT);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_EQ(on(attacher, do_register, at, LENGTH), -EFAULT);
}

CASE(private_memory)
{
	check_private(map_anonymous(LENGTH));
}

CASE(private_huge_page)
{
	check_private(map_huge(2 * MIB));
}

static atomic_long events;

/* Each write completes a poll, which is task work of the thread that asked for it. */
static void *write_for_ever(void *file)
{
	const uint64_t one = 1;

	for (;;) {
		CHECK_EQ(write(*(int *)file, &one, sizeof(one)), sizeof(one));
		events++;
		usleep(300);
	}
	return NULL;
}

#define COMPLETIONS 32768	/* as many as a ring holds */
#define MOST_EVENTS 10000	/* in at least 3 s */

/* The first calls of a process go over all its mappings, and no task work makes them begin anew. */
CASE(first_use_under_task_work)
{
	static int file;
	pthread_t writer;
	long before, segid;

	if (io_uring_queue_init(COMPLETIONS / 2, &ring, 0))
		SKIP("this kernel has no io_uring");
	file = CHECK_OK(answer(eventfd(0, EFD_CLOEXEC)));
	io_uring_prep_poll_multishot(io_uring_get_sqe(&ring), file, POLLIN);
	CHECK_EQ(io_uring_submit(&ring), 1);
	map_much();
	harness_renew();
	CHECK_EQ(pthread_create(&writer, NULL, write_for_ever, &file), 0);
	while (events < 10)
		usleep(1000);
	before = events;
	CHECK_OK(device_open());
	segid = export_range(map_anonymous(PAGE), PAGE);
	CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	printf("%ld events\n", events - before);
	CHECK(events - before < MOST_EVENTS);
	CHECK(io_uring_cq_ready(&ring) > 0);
}
