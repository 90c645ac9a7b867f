/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets send attachments without a copy: the pages wait in the queue of the sender, whatever the
 * exporter stores there meanwhile. The exporter is the receiver.
 */
#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pinning.h"
#include "uring.h"

#define FILLER (1 * MIB)	/* more than the receiver takes before it reads */
#define QUEUE (8 * MIB)
#define PATIENCE 30000		/* milliseconds */

static int sender, receiver;

/* of the attacher */
static long sends;	/* without a copy, by MSG_ZEROCOPY */

static void connect_by_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int listener = CHECK_OK(answer(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
	int small = FILLER / 8, large = QUEUE, one = 1;
	socklen_t length = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sender = CHECK_OK(answer(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
	CHECK_OK(answer(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small))));
	CHECK_OK(answer(setsockopt(sender, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof(large))));
	CHECK_OK(answer(setsockopt(sender, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one))));
	CHECK_OK(answer(bind(listener, (struct sockaddr *)&address, length)));
	CHECK_OK(answer(listen(listener, 1)));
	CHECK_OK(answer(getsockname(listener, (struct sockaddr *)&address, &length)));
	CHECK_OK(answer(connect(sender, (struct sockaddr *)&address, length)));
	receiver = CHECK_OK(answer(accept4(listener, NULL, NULL, SOCK_CLOEXEC)));
	close(listener);
}

static void fill_queue(void)
{
	long filler = map_anonymous(FILLER);

	CHECK_EQ(answer(send(sender, (void *)filler, FILLER, MSG_DONTWAIT)), FILLER);
	unmap(filler, FILLER);
}

static long do_send(const long *address_length)
{
	const long *a = address_length;
	long sent, result;

	for (sent = 0; sent < a[1]; sent += result) {
		result = answer(send(sender, (void *)(a[0] + sent), a[1] - sent,
				     MSG_ZEROCOPY | MSG_DONTWAIT));
		if (result < 0)
			return result;
		sends++;
	}
	return sent;
}

/* Takes a notice from the error queue: the number of the last send of which it is, or -EAGAIN. */
static long take_notice(void)
{
	union {
		char buffer[CMSG_SPACE(sizeof(struct sock_extended_err))];
		struct cmsghdr align;
	} control;
	struct msghdr message = { .msg_control = &control, .msg_controllen = sizeof(control) };
	struct sock_extended_err *notice;
	struct cmsghdr *header;

	if (recvmsg(sender, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return -errno;
	header = CMSG_FIRSTHDR(&message);
	CHECK(header && header->cmsg_level == SOL_IP && header->cmsg_type == IP_RECVERR);
	notice = (struct sock_extended_err *)CMSG_DATA(header);
	CHECK_EQ(notice->ee_origin, SO_EE_ORIGIN_ZEROCOPY);
	CHECK_EQ(notice->ee_errno, 0);
	return notice->ee_data;
}

/* Waits until the kernel has let go of all that was sent; -EAGAIN if it keeps it. */
static long do_await_completion(const long *milliseconds)
{
	struct pollfd poll_for = { .fd = sender };
	long last = -1;

	while (last != sends - 1) {
		if (!CHECK_OK(answer(poll(&poll_for, 1, milliseconds[0]))))
			return -EAGAIN;
		last = CHECK_OK(take_notice());
	}
	return 0;
}

static long do_send_by_ring(const long *address_length_fixed)
{
	const long *a = address_length_fixed;
	struct io_uring_sqe *entry = io_uring_get_sqe(&ring);
	unsigned int flags;
	long result;

	if (a[2])
		io_uring_prep_send_zc_fixed(entry, sender, (void *)a[0], a[1], MSG_WAITALL, 0, 0);
	else
		io_uring_prep_send_zc(entry, sender, (void *)a[0], a[1], MSG_WAITALL, 0);
	result = complete(&flags);
	if (result > 0)
		CHECK(flags & IORING_CQE_F_MORE);
	return result;
}

static long do_await_notice_of_ring(const long *milliseconds)
{
	struct __kernel_timespec limit = { .tv_sec = milliseconds[0] / 1000 };
	struct io_uring_cqe *completion;
	int result = io_uring_wait_cqe_timeout(&ring, &completion, &limit);

	if (result)
		return result == -ETIME ? -EAGAIN : result;
	CHECK(completion->flags & IORING_CQE_F_NOTIF);
	io_uring_cqe_seen(&ring, completion);
	return 0;
}

static void receive(long address, long length)
{
	struct pollfd poll_for = { .fd = receiver, .events = POLLIN };
	long result;

	for (; length; address += result, length -= result) {
		CHECK_EQ(CHECK_OK(answer(poll(&poll_for, 1, PATIENCE))), 1);
		result = CHECK_OK(answer(recv(receiver, (void *)address, length, 0)));
		CHECK(result);
	}
}

/* Receives all, and checks that it is what the exporter had stored there last. */
static void receive_and_verify(long length, long seed)
{
	long room = map_anonymous(FILLER + length);

	receive(room, FILLER + length);
	CHECK_EQ(verify(room + FILLER, length, seed), 0);
	unmap(room, FILLER + length);
}

/* Shares memory whose pages belong to one process, after the fork of the attacher. */
static void share_filled(long memory, long length)
{
	connect_by_tcp();
	start();
	fill(memory, length, 1);
	share_as(memory, length, 0);
}

static void attach_without_flag(long length)
{
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, length));
}

/* The queue takes the pages, not what they hold. */
static void check_sent(long length)
{
	fill_queue();
	CHECK_EQ(on(attacher, do_send, at, length), length);
	CHECK_EQ(on(attacher, do_await_completion, 0), -EAGAIN);
	fill(page, length, 2);
	receive_and_verify(length, 2);
	CHECK_EQ(on(attacher, do_await_completion, PATIENCE), 0);
	CHECK_EQ(on(attacher, do_verify, at, length, 2), 0);
}

CASE(small_pages_sent)
{
	share_filled(small_pages(), LENGTH);
	check_sent(LENGTH);
}

CASE(huge_page_sent)
{
	share_filled(map_huge(HUGE_PAGE), HUGE_PAGE);
	check_sent(HUGE_PAGE);
}

CASE(shared_memory_sent)
{
	share_filled(map_shared(LENGTH), LENGTH);
	attach_without_flag(LENGTH);
	check_sent(LENGTH);
}

CASE(ordinary_attachment)
{
	share_filled(small_pages(), LENGTH);
	attach_without_flag(LENGTH);
	CHECK_EQ(on(attacher, do_send, at, LENGTH), -EFAULT);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_EQ(on(attacher, do_send, at, LENGTH), -EFAULT);
}

/* The queue keeps the pages, though the processor reaches them no more. */
CASE(removed_while_queued)
{
	share_filled(small_pages(), LENGTH);
	fill_queue();
	CHECK_EQ(on(attacher, do_send, at, LENGTH), LENGTH);
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	fill(page, LENGTH, 2);
	receive_and_verify(LENGTH, 2);
	CHECK_EQ(on(attacher, do_await_completion, PATIENCE), 0);
	CHECK_EQ(on(attacher, do_send, at, LENGTH), -EFAULT);
}

static void open_ring(void)
{
	long result = on(attacher, do_open_ring, 0);

	if (result == -ENOSYS || result == -EPERM)
		SKIP("this kernel has no io_uring");
	CHECK_OK(result);
}

static void check_sent_by_ring(long length, bool fixed)
{
	long result;

	fill_queue();
	result = on(attacher, do_send_by_ring, at, length, fixed);
	if (result == -EINVAL)
		SKIP("io_uring of this kernel sends nothing without a copy");
	CHECK_EQ(result, length);
	CHECK_EQ(on(attacher, do_await_notice_of_ring, 0), -EAGAIN);
	fill(page, length, 2);
	receive_and_verify(length, 2);
	CHECK_EQ(on(attacher, do_await_notice_of_ring, PATIENCE), 0);
}

CASE(small_pages_sent_by_io_uring)
{
	share_filled(small_pages(), LENGTH);
	open_ring();
	check_sent_by_ring(LENGTH, false);
}

CASE(huge_page_sent_by_io_uring)
{
	share_filled(map_huge(HUGE_PAGE), HUGE_PAGE);
	open_ring();
	check_sent_by_ring(HUGE_PAGE, false);
}

CASE(fixed_buffer_sent_by_io_uring)
{
	long result;

	share_filled(small_pages(), LENGTH);
	open_ring();
	result = on(attacher, do_register, at, LENGTH);
	if (result == -EOPNOTSUPP)
		SKIP("this kernel takes no mapped files as fixed buffers");
	CHECK_OK(result);
	check_sent_by_ring(LENGTH, true);
}

CASE(ordinary_attachment_and_io_uring)
{
	long result;

	share_filled(small_pages(), LENGTH);
	open_ring();
	attach_without_flag(LENGTH);
	result = on(attacher, do_send_by_ring, at, LENGTH, 0);
	if (result == -EINVAL)
		SKIP("io_uring of this kernel sends nothing without a copy");
	CHECK_EQ(result, -EFAULT);
}
