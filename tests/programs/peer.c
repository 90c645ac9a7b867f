/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"
#include "harness.h"
#include "peer.h"

struct peer {
	pid_t pid;
	int socket;	/* orders and answers */
	int rights;	/* descriptors */
	bool ended;
	struct peer *next;
};

struct order {
	operation *what;	/* the same address on both sides of a fork */
	long argument[PEER_ARGUMENTS];
};

static struct peer *peers;
static int own_rights = -1;

static void __attribute__((noreturn)) serve(int socket)
{
	struct order order;
	long result;

	while (read(socket, &order, sizeof(order)) == sizeof(order)) {
		result = order.what(order.argument);
		if (write(socket, &result, sizeof(result)) != sizeof(result))
			break;
	}
	_exit(EXIT_SUCCESS);
}

struct peer *peer_fork(void)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	int orders[2], rights[2];

	CHECK(peer);
	CHECK_OK(answer(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, orders)));
	CHECK_OK(answer(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, rights)));
	peer->pid = CHECK_OK(answer(fork_bound()));
	if (!peer->pid) {
		close(orders[0]);
		close(rights[0]);
		own_rights = rights[1];
		serve(orders[1]);
	}
	close(orders[1]);
	close(rights[1]);
	peer->socket = orders[0];
	peer->rights = rights[0];
	peer->next = peers;
	peers = peer;
	return peer;
}

struct peer *peer_start(void)
{
	struct peer *peer = peer_fork();

	CHECK_OK(on(peer, do_open, 0));
	return peer;
}

pid_t peer_pid(const struct peer *peer)
{
	return peer->pid;
}

void peer_tell(struct peer *peer, operation *what, const long *argument)
{
	struct order order = { .what = what };

	memcpy(order.argument, argument, sizeof(order.argument));
	if (write(peer->socket, &order, sizeof(order)) != sizeof(order))
		FAIL("peer %d is gone", peer->pid);
}

long peer_answer(struct peer *peer)
{
	long result;

	if (read(peer->socket, &result, sizeof(result)) != sizeof(result))
		FAIL("peer %d died before it answered", peer->pid);
	return result;
}

bool peer_has_answered(const struct peer *peer)
{
	struct pollfd answers = { .fd = peer->socket, .events = POLLIN };

	return CHECK_OK(answer(poll(&answers, 1, 0)));
}

long peer_ask(struct peer *peer, operation *what, const long *argument)
{
	peer_tell(peer, what, argument);
	return peer_answer(peer);
}

void peer_await_end(struct peer *peer)
{
	char byte;

	CHECK_EQ(answer(read(peer->socket, &byte, 1)), 0);
}

static void reap(struct peer *peer)
{
	peer->ended = true;
	end_in_time(peer->pid);
	close(peer->socket);
	close(peer->rights);
}

void peer_end(struct peer *peer, int number)
{
	if (number)
		CHECK_OK(answer(kill(peer->pid, number)));
	else
		CHECK_OK(answer(shutdown(peer->socket, SHUT_WR)));
	reap(peer);
}

void peer_stop_all(void)
{
	struct peer *peer;

	for (peer = peers; peer; peer = peer->next) {
		if (peer->ended)
			continue;
		/* one that is root while we no longer are can only be asked */
		if (kill(peer->pid, SIGKILL))
			shutdown(peer->socket, SHUT_WR);
		reap(peer);
	}
}

union rights_message {
	char buffer[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

void peer_send_descriptor(struct peer *peer, int descriptor)
{
	union rights_message control = { 0 };
	char nothing = 0;
	struct iovec byte = { &nothing, 1 };
	struct msghdr message = {
		.msg_iov = &byte, .msg_iovlen = 1,
		.msg_control = control.buffer, .msg_controllen = sizeof(control.buffer),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
	CHECK_OK(answer(sendmsg(peer->rights, &message, 0)));
}

long do_receive_descriptor(const long *argument)
{
	union rights_message control = { 0 };
	char byte;
	struct iovec into = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &into, .msg_iovlen = 1,
		.msg_control = control.buffer, .msg_controllen = sizeof(control.buffer),
	};
	struct cmsghdr *header;
	int descriptor;

	(void)argument;
	if (recvmsg(own_rights, &message, MSG_CMSG_CLOEXEC) != 1)
		return -EIO;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -EIO;
	memcpy(&descriptor, CMSG_DATA(header), sizeof(int));
	return descriptor;
}
