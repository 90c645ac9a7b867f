/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device.h"
#include "sweep.h"

#define MOST 200	/* failures that a sweep may take */

static int injection;

/* a failure that is still to come may hit this call itself, but only once */
static void inject(int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", nth);

	if (pwrite(injection, text, length, 0) < 0)
		CHECK_EQ(answer(pwrite(injection, text, length, 0)), length);
}

/* whether the failure that was asked for is still to come; takes it back */
static bool not_injected(void)
{
	char text[16] = "1";	/* what is left, if it hits the read */
	long length = pread(injection, text, sizeof(text) - 1, 0);

	inject(0);
	return length < 0 || atoi(text) > 0;
}

struct message {
	struct nlmsghdr header;
	struct genlmsghdr command;
	char attributes[48];
};

static long nl_request(int type, int flags, int command, int attribute, const void *value,
		       int length, char *reply, int room)
{
	struct message message = {
		.header = { .nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN),
			    .nlmsg_type = type,
			    .nlmsg_flags = NLM_F_REQUEST | flags },
		.command = { .cmd = command, .version = 1 },
	};
	int request = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct nlattr *nla = (struct nlattr *)message.attributes;
	struct nlmsghdr *header = (struct nlmsghdr *)reply;
	long result;

	if (request < 0)
		return -errno;
	if (attribute) {
		nla->nla_type = attribute;
		nla->nla_len = NLA_HDRLEN + length;
		memcpy(message.attributes + NLA_HDRLEN, value, length);
		message.header.nlmsg_len += NLA_ALIGN(nla->nla_len);
	}
	result = answer(send(request, &message, message.header.nlmsg_len, 0));
	while (result >= 0) {
		result = answer(recv(request, reply, room, MSG_DONTWAIT));
		if (result < 0)
			break;
		if (header->nlmsg_type == NLMSG_ERROR) {
			result = ((struct nlmsgerr *)NLMSG_DATA(header))->error;
			break;
		}
		if (!(flags & NLM_F_DUMP) || header->nlmsg_type == NLMSG_DONE)
			break;
		/* the end may follow the objects in one message */
		for (; NLMSG_OK(header, result); header = NLMSG_NEXT(header, result))
			if (header->nlmsg_type == NLMSG_DONE)
				break;
		if (NLMSG_OK(header, result))
			break;
		header = (struct nlmsghdr *)reply;
	}
	close(request);
	return result;
}

static const struct nlattr *nl_find(const char *at, const char *end, int wanted)
{
	for (; at < end; at += NLA_ALIGN(((const struct nlattr *)at)->nla_len))
		if (((const struct nlattr *)at)->nla_type == wanted)
			return (const struct nlattr *)at;
	FAIL("no attribute %d in the reply", wanted);
}

static const struct nlattr *nl_find_nested(const struct nlattr *nla, int wanted)
{
	const char *start = (const char *)nla;

	return nl_find(start + NLA_HDRLEN, start + nla->nla_len, wanted);
}

static const struct nlattr *nl_find_in(const char *reply, int wanted)
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)reply;

	return nl_find(reply + NLMSG_LENGTH(GENL_HDRLEN), reply + header->nlmsg_len, wanted);
}

static uint64_t nl_number(const struct nlattr *nla)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)nla + NLA_HDRLEN, nla->nla_len - NLA_HDRLEN);
	return value;
}

static uint64_t nl_value(const char *reply, int wanted)
{
	return nl_number(nl_find_in(reply, wanted));
}

static int family;

static void find_family(char *reply, int room)
{
	CHECK_OK(nl_request(GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME,
			    XPMEM_FAMILY_NAME, sizeof(XPMEM_FAMILY_NAME), reply, room));
	family = nl_value(reply, CTRL_ATTR_FAMILY_ID);
}

long sweep_request(int flags, int command, int attribute, const void *value, int length)
{
	static __thread char reply[32768];

	if (!family)
		find_family(reply, sizeof(reply));
	return nl_request(family, flags, command, attribute, value, length, reply, sizeof(reply));
}

long sweep_stat(int attribute)
{
	char reply[4096];

	if (!family)
		find_family(reply, sizeof(reply));
	CHECK_OK(nl_request(family, 0, XPMEM_NL_CMD_STATS_GET, 0, NULL, 0, reply, sizeof(reply)));
	return nl_value(reply, attribute);
}

static long objects(void)
{
	char reply[4096];

	CHECK_OK(nl_request(family, 0, XPMEM_NL_CMD_INFO_GET, 0, NULL, 0, reply, sizeof(reply)));
	return nl_value(reply, XPMEM_A_INFO_SEGMENTS) + nl_value(reply, XPMEM_A_INFO_PERMITS) +
	       nl_value(reply, XPMEM_A_INFO_ATTACHMENTS);
}

/* The call that changes an object allocates the message. The listener reads none. */
static void listen_to_events(void)
{
	int listener = CHECK_OK(
		answer(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC)));
	const struct nlattr *group;
	char reply[4096];
	int id;

	find_family(reply, sizeof(reply));
	/* the first group of the nested list, whose indices begin at 1 */
	group = nl_find_nested(nl_find_in(reply, CTRL_ATTR_MCAST_GROUPS), 1);
	id = nl_number(nl_find_nested(group, CTRL_ATTR_MCAST_GRP_ID));
	CHECK_OK(answer(
		setsockopt(listener, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &id, sizeof(id))));
}

void sweep_prepare(void)
{
	static const char *const settings[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },
		{ "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "fail_page_alloc/min-order", "0" },
		{ "fail_page_alloc/verbose", "0" },
		{ "fail_usercopy/verbose", "0" },
	};
	char path[128];
	size_t i;

	injection = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (injection < 0)
		SKIP("this kernel has no fault injection");
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s", settings[i][0]);
		CHECK_OK(write_file(path, settings[i][1]));
	}
	listen_to_events();
}

static bool is_refusal(long result)
{
	return result == -ENOMEM || result == -EFAULT;
}

void sweep(const struct sweep *sweep)
{
	long before, result;
	int nth, injected = 0;
	bool last;

	for (nth = 1;; nth++) {
		if (nth > MOST)
			FAIL("%d failures, and no end", MOST);
		if (sweep->prepare)
			sweep->prepare();
		before = objects();
		inject(nth);
		result = sweep->attempt();
		last = not_injected();
		if (last)
			CHECK_OK(result);
		injected += !last;
		if (result < 0) {
			if (!is_refusal(result))
				FAIL("failure %d: %s", nth, describe(result));
			CHECK_EQ(objects(), before);
			if (sweep->unchanged)
				sweep->unchanged();
			result = CHECK_OK(sweep->attempt());
		}
		if (sweep->undo)
			sweep->undo(result);
		if (last)
			break;
	}
	CHECK(injected > 0);
	printf("%d failures\n", injected);
}
