/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A segment as a descriptor: any process that holds it may get a permit. */
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"

#define OTHER_USER 2001

static struct {
	long page, segid;
} shared;

static void export_page(int mode, int flags)
{
	CHECK_OK(device_open());
	shared.page = map_anonymous(PAGE);
	fill(shared.page, PAGE, 1);
	shared.segid =
		CHECK_OK(MAKE(.vaddr = shared.page, .length = PAGE, .mode = mode, .flags = flags));
}

static long received(struct peer *peer, long descriptor)
{
	peer_send_descriptor(peer, descriptor);
	return CHECK_OK(on(peer, do_receive_descriptor, 0));
}

CASE(arguments)
{
	int bit;

	export_page(0600, 0);
	CHECK_OK(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR));
	CHECK_OK(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDONLY));
	CHECK_EQ(SEGMENT_FD(.segid = shared.segid), -EINVAL);
	CHECK_EQ(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR | XPMEM_GET_RDONLY),
		 -EINVAL);
	for (bit = 2; bit < 32; bit++)
		CHECK_EQ(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR | 1U << bit),
			 -EINVAL);
	for (bit = 0; bit < 32; bit++)
		CHECK_EQ(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR,
				    .reserved = 1U << bit),
			 -EINVAL);
	CHECK_EQ(SEGMENT_FD(.segid = 0x123456789abcdef, .flags = XPMEM_GET_RDWR), -ENOENT);
	CHECK_EQ(SEGMENT_FD(.segid = 0, .flags = XPMEM_GET_RDWR), -ENOENT);
	CHECK_OK(REMOVE(.segid = shared.segid));
	CHECK_EQ(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR), -ENOENT);
}

CASE(foreign)
{
	export_page(0600, 0);
	CHECK_EQ(on(peer_start(), do_segment_fd, shared.segid, XPMEM_GET_RDWR), -EACCES);
}

CASE(close_on_exec)
{
	export_page(0600, 0);
	CHECK(fcntl(CHECK_OK(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR)), F_GETFD) &
	      FD_CLOEXEC);
}

CASE(too_many_descriptors)
{
	struct rlimit none = { .rlim_cur = 0, .rlim_max = 1024 };

	export_page(0600, 0);
	CHECK_OK(answer(setrlimit(RLIMIT_NOFILE, &none)));
	CHECK_EQ(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR), -EMFILE);
}

CASE(get)
{
	struct xpmem_ioc_get get = SIZED(xpmem_ioc_get, .flags = XPMEM_GET_FD | XPMEM_GET_RDWR);
	long at;

	export_page(0600, 0);
	get.fd = CHECK_OK(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR));
	CHECK_OK(device_call(XPMEM_IOC_GET, &get));
	CHECK_EQ(get.length, PAGE);
	at = CHECK_OK(ATTACH(.apid = get.apid, .length = PAGE));
	CHECK_EQ(verify(at, PAGE, 1), 0);
	CHECK_OK(answer(close(get.fd)));
	CHECK_OK(store(at, 5));
	CHECK_EQ(load(shared.page), 5);
}

CASE(get_arguments)
{
	long descriptor, null_file;
	int ends[2], bit;

	export_page(0600, 0);
	descriptor = CHECK_OK(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(GET(.fd = descriptor, .flags = XPMEM_GET_FD), -EINVAL);
	CHECK_EQ(GET(.fd = descriptor, .flags = XPMEM_GET_FD | XPMEM_GET_RDWR | XPMEM_GET_RDONLY),
		 -EINVAL);
	CHECK_EQ(GET(.fd = descriptor, .flags = XPMEM_GET_FD | XPMEM_GET_RDWR,
		     .segid = shared.segid),
		 -EINVAL);
	CHECK_EQ(GET(.fd = descriptor, .flags = XPMEM_GET_RDWR, .segid = shared.segid), -EINVAL);
	for (bit = 3; bit < 32; bit++)
		CHECK_EQ(GET(.fd = descriptor, .flags = XPMEM_GET_FD | XPMEM_GET_RDWR | 1U << bit),
			 -EINVAL);
	CHECK_EQ(GET(.fd = -1, .flags = XPMEM_GET_FD | XPMEM_GET_RDWR), -EBADF);
	CHECK_EQ(GET(.fd = 900, .flags = XPMEM_GET_FD | XPMEM_GET_RDWR), -EBADF);
	null_file = CHECK_OK(answer(open("/dev/null", O_RDWR | O_CLOEXEC)));
	CHECK_EQ(GET(.fd = null_file, .flags = XPMEM_GET_FD | XPMEM_GET_RDWR), -EINVAL);
	CHECK_EQ(GET(.fd = memory_file(PAGE), .flags = XPMEM_GET_FD | XPMEM_GET_RDWR), -EINVAL);
	CHECK_EQ(GET(.fd = device, .flags = XPMEM_GET_FD | XPMEM_GET_RDWR), -EINVAL);
	CHECK_OK(answer(pipe2(ends, O_CLOEXEC)));
	CHECK_EQ(GET(.fd = ends[0], .flags = XPMEM_GET_FD | XPMEM_GET_RDWR), -EINVAL);
	CHECK_OK(answer(close(descriptor)));
	CHECK_EQ(GET(.fd = descriptor, .flags = XPMEM_GET_FD | XPMEM_GET_RDWR), -EBADF);
}

CASE(is_no_memory)
{
	long descriptor;
	char byte = 0;

	export_page(0600, 0);
	descriptor = CHECK_OK(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR));
	CHECK(read(descriptor, &byte, 1) < 0);
	CHECK(write(descriptor, &byte, 1) < 0);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, descriptor, 0) == MAP_FAILED);
	CHECK(ioctl(descriptor, XPMEM_IOC_QUERY, &byte) < 0);
}

CASE(passed_to_a_process)
{
	struct peer *peer;
	long apid, at;

	export_page(0600, 0);
	peer = peer_start();
	apid = CHECK_OK(on(peer, do_get_fd,
			   received(peer, CHECK_OK(SEGMENT_FD(.segid = shared.segid,
							      .flags = XPMEM_GET_RDWR))),
			   XPMEM_GET_RDWR));
	at = CHECK_OK(on(peer, do_attach, apid, 0, PAGE));
	CHECK_EQ(on(peer, do_verify, at, PAGE, 1), 0);
	CHECK_OK(on(peer, do_store, at, 5));
	CHECK_EQ(load(shared.page), 5);
}

CASE(passed_to_another_user)
{
	struct peer *peer;
	long descriptor, at;

	export_page(0600, 0);
	peer = peer_start();
	CHECK_OK(on(peer, do_become, OTHER_USER, OTHER_USER));
	CHECK_EQ(on(peer, do_get, shared.segid, XPMEM_GET_RDONLY), -EACCES);
	descriptor = received(peer,
			      CHECK_OK(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR)));
	at = CHECK_OK(on(peer, do_attach, CHECK_OK(on(peer, do_get_fd, descriptor, XPMEM_GET_RDWR)),
			 0, PAGE));
	CHECK_EQ(on(peer, do_verify, at, PAGE, 1), 0);
	CHECK_OK(on(peer, do_store, at, 5));
	CHECK_EQ(load(shared.page), 5);
}

CASE(passed_to_another_namespace)
{
	struct peer *peer;
	long descriptor, at;

	export_page(0666, 0);
	peer = peer_start();
	CHECK_OK(on(peer, do_get, shared.segid, XPMEM_GET_RDWR));
	CHECK_OK(on(peer, do_unshare, CLONE_NEWIPC));
	CHECK_EQ(on(peer, do_get, shared.segid, XPMEM_GET_RDWR), -ENOENT);
	CHECK_EQ(on(peer, do_get, shared.segid, XPMEM_GET_RDONLY), -ENOENT);
	descriptor = received(peer,
			      CHECK_OK(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR)));
	at = CHECK_OK(on(peer, do_attach, CHECK_OK(on(peer, do_get_fd, descriptor, XPMEM_GET_RDWR)),
			 0, PAGE));
	CHECK_EQ(on(peer, do_verify, at, PAGE, 1), 0);
}

CASE(rdonly_gives_no_rdwr)
{
	struct peer *peer;
	long descriptor, at;

	export_page(0666, 0);
	peer = peer_start();
	descriptor = received(
		peer, CHECK_OK(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDONLY)));
	CHECK_EQ(on(peer, do_get_fd, descriptor, XPMEM_GET_RDWR), -EACCES);
	at = CHECK_OK(on(peer, do_attach,
			 CHECK_OK(on(peer, do_get_fd, descriptor, XPMEM_GET_RDONLY)), 0, PAGE));
	CHECK_EQ(on(peer, do_verify, at, PAGE, 1), 0);
	CHECK_EQ(on(peer, do_store, at, 5), GOT_SIGSEGV);
	CHECK_EQ(on(peer, do_protect, at, PAGE, PROT_READ | PROT_WRITE), -EACCES);
	CHECK_EQ(verify(shared.page, PAGE, 1), 0);
}

CASE(rdwr_gives_rdonly)
{
	long at, descriptor;

	export_page(0600, 0);
	descriptor = CHECK_OK(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR));
	at = CHECK_OK(ATTACH(.apid = CHECK_OK(GET(.fd = descriptor,
						  .flags = XPMEM_GET_FD | XPMEM_GET_RDONLY)),
			     .length = PAGE));
	CHECK_EQ(store(at, 5), GOT_SIGSEGV);
}

CASE(of_a_read_only_segment)
{
	long descriptor;

	export_page(0600, XPMEM_MAKE_RDONLY);
	CHECK_EQ(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR), -EACCES);
	descriptor = CHECK_OK(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDONLY));
	CHECK_EQ(GET(.fd = descriptor, .flags = XPMEM_GET_FD | XPMEM_GET_RDWR), -EACCES);
	CHECK_OK(GET(.fd = descriptor, .flags = XPMEM_GET_FD | XPMEM_GET_RDONLY));
}

CASE(of_a_removed_segment)
{
	long descriptor;

	export_page(0600, 0);
	descriptor = CHECK_OK(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR));
	CHECK_OK(REMOVE(.segid = shared.segid));
	CHECK_EQ(GET(.fd = descriptor, .flags = XPMEM_GET_FD | XPMEM_GET_RDWR), -ENOENT);
}

static long do_export_as_descriptor(const long *none)
{
	long page = map_anonymous(PAGE);

	(void)none;
	return SEGMENT_FD(.segid = export_range(page, PAGE), .flags = XPMEM_GET_RDWR);
}

/* the descriptor outlives the exporter, but gives nothing any more */
CASE(of_a_dead_exporter)
{
	struct peer *exporter = peer_start();
	long process, descriptor;

	CHECK_OK(device_open());
	process = CHECK_OK(answer(syscall(SYS_pidfd_open, peer_pid(exporter), 0)));
	descriptor = CHECK_OK(on(exporter, do_export_as_descriptor, 0));
	descriptor = CHECK_OK(answer(syscall(SYS_pidfd_getfd, process, descriptor, 0)));
	CHECK_OK(GET(.fd = descriptor, .flags = XPMEM_GET_FD | XPMEM_GET_RDWR));
	peer_end(exporter, SIGKILL);
	CHECK_EQ(GET(.fd = descriptor, .flags = XPMEM_GET_FD | XPMEM_GET_RDWR), -ENOENT);
}

CASE(keeps_no_segment_alive)
{
	struct peer *peer;
	long at;

	export_page(0600, 0);
	peer = peer_start();
	at = CHECK_OK(on(peer, do_attach_segment, shared.segid, 0, PAGE));
	CHECK_EQ(on(peer, do_verify, at, PAGE, 1), 0);
	CHECK_OK(SEGMENT_FD(.segid = shared.segid, .flags = XPMEM_GET_RDWR));
	CHECK_OK(answer(close(device)));
	/* the peer closed the descriptor that it inherited when it opened its own */
	CHECK_EQ(on(peer, do_load, at), GOT_SIGBUS);
}
