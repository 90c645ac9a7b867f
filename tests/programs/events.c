/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events that listeners of the netlink group receive. Some cases change the parameter max_segments;
 * the caller sets it back.
 */
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/xpmem.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device.h"

#define USER 2000
#define MANY 300

static struct nl_sock *listener;
static struct peer *peer;

/* The attributes of events that cases look at have the same meaning in each set. */
static const struct kind {
	int created, gone, get;
	int id, reason, time, pid, last;
} kinds[] = {
	{ XPMEM_NL_CMD_SEGMENT_CREATED, XPMEM_NL_CMD_SEGMENT_GONE, XPMEM_NL_CMD_SEGMENT_GET,
	  XPMEM_A_SEGMENT_ID, XPMEM_A_SEGMENT_REASON, XPMEM_A_SEGMENT_TIME, XPMEM_A_SEGMENT_PID,
	  XPMEM_A_SEGMENT_MAX },
	{ XPMEM_NL_CMD_PERMIT_CREATED, XPMEM_NL_CMD_PERMIT_GONE, XPMEM_NL_CMD_PERMIT_GET,
	  XPMEM_A_PERMIT_ID, XPMEM_A_PERMIT_REASON, XPMEM_A_PERMIT_TIME, XPMEM_A_PERMIT_PID,
	  XPMEM_A_PERMIT_MAX },
	{ XPMEM_NL_CMD_ATTACHMENT_CREATED, XPMEM_NL_CMD_ATTACHMENT_GONE,
	  XPMEM_NL_CMD_ATTACHMENT_GET, XPMEM_A_ATTACHMENT_ID, XPMEM_A_ATTACHMENT_REASON,
	  XPMEM_A_ATTACHMENT_TIME, XPMEM_A_ATTACHMENT_PID, XPMEM_A_ATTACHMENT_MAX },
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))
enum { SEGMENT, PERMIT, ATTACHMENT };

struct event {
	int command;
	int64_t id;
	int reason;	/* 0: none */
	struct nlattr *attrs[64];
};

static const struct kind *kind_of(int command)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (kinds[i].created == command || kinds[i].gone == command ||
		    kinds[i].get == command)
			return &kinds[i];
	return NULL;
}

static struct nl_sock *open_socket(void)
{
	struct nl_sock *socket = nl_socket_alloc();

	CHECK(socket);
	CHECK_EQ(genl_connect(socket), 0);
	nl_socket_disable_auto_ack(socket);
	return socket;
}

static long join(struct nl_sock *socket)
{
	int group = genl_ctrl_resolve_grp(socket, XPMEM_FAMILY_NAME, XPMEM_GROUP_EVENTS);

	CHECK(group > 0);
	return answer(setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
				 &group, sizeof(group)));
}

static void listen_to_events(void)
{
	const int size = 4 << 20;

	listener = open_socket();
	CHECK_OK(answer(setsockopt(nl_socket_get_fd(listener), SOL_SOCKET, SO_RCVBUFFORCE, &size,
				   sizeof(size))));
	CHECK_OK(join(listener));
}

/*
 * The next event, or whatever error the socket has, -EAGAIN when there is none and flags say not to
 * wait.
 */
static long receive(struct nl_sock *socket, int flags, struct event *event)
{
	static unsigned char buffer[1 << 16];
	struct nlmsghdr *header = (void *)buffer;
	const struct kind *kind;
	long length = answer(recv(nl_socket_get_fd(socket), buffer, sizeof(buffer), flags));

	if (length < 0)
		return length;
	CHECK(nlmsg_ok(header, length));
	memset(event, 0, sizeof(*event));
	event->command = ((struct genlmsghdr *)nlmsg_data(header))->cmd;
	kind = kind_of(event->command);
	CHECK_EQ(genlmsg_parse(header, 0, event->attrs, kind ? kind->last : XPMEM_A_REFUSAL_MAX,
			       NULL),
		 0);
	if (kind) {
		CHECK(event->attrs[kind->id]);
		CHECK(event->attrs[kind->time]);
		event->id = nla_get_s64(event->attrs[kind->id]);
		event->reason = event->attrs[kind->reason] ?
					(int)nla_get_u32(event->attrs[kind->reason]) :
					0;
	}
	return 0;
}

static struct event next_event(void)
{
	struct event event;

	CHECK_EQ(receive(listener, 0, &event), 0);
	return event;
}

static struct event expect(int command, int64_t id, int reason)
{
	struct event event = next_event();

	CHECK_EQ(event.command, command);
	CHECK_EQ(event.id, id);
	CHECK_EQ(event.reason, reason);
	return event;
}

static void expect_nothing(struct nl_sock *socket)
{
	struct event event;

	CHECK_EQ(receive(socket, MSG_DONTWAIT, &event), -EAGAIN);
}

/* As many ends as there are, in any order, all for one reason. */
static void expect_ends(int count, int reason)
{
	while (count--) {
		struct event event = next_event();
		const struct kind *kind = kind_of(event.command);

		CHECK(kind && event.command == kind->gone);
		CHECK_EQ(event.reason, reason);
	}
}

static long attached_id;

static long do_attach_and_keep_id(const long *apid)
{
	struct xpmem_ioc_attach argument = SIZED(xpmem_ioc_attach, .apid = *apid, .length = PAGE);

	CHECK_OK(device_call(XPMEM_IOC_ATTACH, &argument));
	attached_id = argument.attid;
	return argument.vaddr;
}

static long do_last_id(const long *none)
{
	(void)none;
	return attached_id;
}

/* One object of each kind, by a peer; their creation is heard. */
static int64_t segid, apid, attid;
static long address;

static void make_objects(void)
{
	listen_to_events();
	peer = peer_start();
	segid = CHECK_OK(on(peer, do_make, CHECK_OK(on(peer, do_map, PAGE)), PAGE, 0600, 0));
	expect(XPMEM_NL_CMD_SEGMENT_CREATED, segid, 0);
	apid = CHECK_OK(on(peer, do_get, segid, XPMEM_GET_RDWR));
	expect(XPMEM_NL_CMD_PERMIT_CREATED, apid, 0);
	address = CHECK_OK(on(peer, do_attach_and_keep_id, apid));
	attid = on(peer, do_last_id, 0);
	expect(XPMEM_NL_CMD_ATTACHMENT_CREATED, attid, 0);
}

CASE_DESCRIBED(removed, "removed, released and detached")
{
	make_objects();
	CHECK_OK(on(peer, do_detach, address));
	expect(XPMEM_NL_CMD_ATTACHMENT_GONE, attid, XPMEM_REASON_REMOVED);
	CHECK_OK(on(peer, do_release, apid));
	expect(XPMEM_NL_CMD_PERMIT_GONE, apid, XPMEM_REASON_REMOVED);
	CHECK_OK(on(peer, do_remove, segid));
	expect(XPMEM_NL_CMD_SEGMENT_GONE, segid, XPMEM_REASON_REMOVED);
	expect_nothing(listener);
}

CASE(released_while_attached)
{
	make_objects();
	CHECK_OK(on(peer, do_release, apid));
	expect(XPMEM_NL_CMD_ATTACHMENT_GONE, attid, XPMEM_REASON_REMOVED);
	expect(XPMEM_NL_CMD_PERMIT_GONE, apid, XPMEM_REASON_REMOVED);
	expect_nothing(listener);
}

CASE(unmapped)
{
	make_objects();
	CHECK_OK(on(peer, do_unmap, address, PAGE));
	expect(XPMEM_NL_CMD_ATTACHMENT_GONE, attid, XPMEM_REASON_REMOVED);
	expect_nothing(listener);
}

CASE(closed)
{
	make_objects();
	CHECK_OK(on(peer, do_close, 0));
	expect(XPMEM_NL_CMD_PERMIT_GONE, apid, XPMEM_REASON_CLOSED);
	expect(XPMEM_NL_CMD_SEGMENT_GONE, segid, XPMEM_REASON_CLOSED);
	CHECK_OK(on(peer, do_unmap, address, PAGE));
	expect(XPMEM_NL_CMD_ATTACHMENT_GONE, attid, XPMEM_REASON_REMOVED);
	expect_nothing(listener);
}

CASE(exited)
{
	make_objects();
	peer_end(peer, 0);
	expect_ends(3, XPMEM_REASON_EXITED);
	expect_nothing(listener);
}

CASE(killed)
{
	make_objects();
	peer_end(peer, SIGKILL);
	expect_ends(3, XPMEM_REASON_EXITED);
	expect_nothing(listener);
}

static long do_exec(const long *keep_descriptor)
{
	if (*keep_descriptor)
		CHECK_OK(answer(fcntl(device, F_SETFD, 0)));
	execl("/proc/self/exe", "idle", "--idle", (char *)NULL);
	return -errno;
}

CASE_DESCRIBED(executed, "executed another program")
{
	make_objects();
	peer_tell(peer, do_exec, ARGUMENTS(0));
	expect_ends(3, XPMEM_REASON_EXEC);
	expect_nothing(listener);
}

/* the permit is the descriptor's, which lives on */
CASE_DESCRIBED(executed_with_the_descriptor, "executed another program and kept the descriptor")
{
	make_objects();
	peer_tell(peer, do_exec, ARGUMENTS(1));
	expect_ends(3, XPMEM_REASON_EXEC);
	peer_await_end(peer);
	expect_nothing(listener);
	peer_end(peer, SIGKILL);
	expect_nothing(listener);
}

static void revoke_by_netlink(int command, int attribute, int64_t id)
{
	struct nl_sock *socket = open_socket();
	int family = genl_ctrl_resolve(socket, XPMEM_FAMILY_NAME);
	struct nl_msg *msg = nlmsg_alloc();

	CHECK(msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0,
				 NLM_F_REQUEST | NLM_F_ACK, command, XPMEM_FAMILY_VERSION));
	CHECK_EQ(nla_put_s64(msg, attribute, id), 0);
	CHECK(nl_send_auto(socket, msg) > 0);
	nlmsg_free(msg);
	CHECK_EQ(nl_wait_for_ack(socket), 0);
	nl_socket_free(socket);
}

CASE(revoked)
{
	make_objects();
	revoke_by_netlink(XPMEM_NL_CMD_PERMIT_REVOKE, XPMEM_A_PERMIT_ID, apid);
	expect(XPMEM_NL_CMD_PERMIT_GONE, apid, XPMEM_REASON_REVOKED);
	revoke_by_netlink(XPMEM_NL_CMD_SEGMENT_REVOKE, XPMEM_A_SEGMENT_ID, segid);
	expect(XPMEM_NL_CMD_SEGMENT_GONE, segid, XPMEM_REASON_REVOKED);
	CHECK_OK(on(peer, do_detach, address));
	expect(XPMEM_NL_CMD_ATTACHMENT_GONE, attid, XPMEM_REASON_REMOVED);
	expect_nothing(listener);
}

/* what a reader learns of an object without asking for it, which it may be too late for */
CASE_DESCRIBED(contents, "what an event tells")
{
	long memory = map_anonymous(PAGE);
	struct event event;

	listen_to_events();
	CHECK_OK(device_open());
	segid = CHECK_OK(MAKE(.vaddr = memory, .length = PAGE, .mode = 0640, .name = "a name"));
	event = expect(XPMEM_NL_CMD_SEGMENT_CREATED, segid, 0);
	CHECK_EQ(nla_get_u32(event.attrs[XPMEM_A_SEGMENT_PID]), getpid());
	CHECK_EQ(nla_get_u32(event.attrs[XPMEM_A_SEGMENT_UID]), getuid());
	CHECK_EQ(nla_get_u64(event.attrs[XPMEM_A_SEGMENT_ADDRESS]), memory);
	CHECK_EQ(nla_get_u64(event.attrs[XPMEM_A_SEGMENT_LENGTH]), PAGE);
	CHECK_EQ(strcmp(nla_get_string(event.attrs[XPMEM_A_SEGMENT_NAME]), "a name"), 0);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	event = expect(XPMEM_NL_CMD_PERMIT_CREATED, apid, 0);
	CHECK_EQ(nla_get_s64(event.attrs[XPMEM_A_PERMIT_SEGMENT_ID]), segid);
	address = here(do_attach_and_keep_id, apid);
	event = expect(XPMEM_NL_CMD_ATTACHMENT_CREATED, attached_id, 0);
	CHECK_EQ(nla_get_s64(event.attrs[XPMEM_A_ATTACHMENT_PERMIT_ID]), apid);
	CHECK_EQ(nla_get_u64(event.attrs[XPMEM_A_ATTACHMENT_ADDRESS]), address);
	CHECK_OK(store(memory, 1));
	CHECK_OK(load(address));
	CHECK_OK(DETACH(.vaddr = address));
	event = expect(XPMEM_NL_CMD_ATTACHMENT_GONE, attached_id, XPMEM_REASON_REMOVED);
	CHECK_EQ(nla_get_u64(event.attrs[XPMEM_A_ATTACHMENT_FAULTS]), 1);
	CHECK_EQ(nla_get_u64(event.attrs[XPMEM_A_ATTACHMENT_PAGES_MAPPED]), 1);
}

/* An attachment that has ended has no part that is pinnable. */
CASE(contents_of_pinnable_attachments)
{
	struct xpmem_ioc_attach attach =
		SIZED(xpmem_ioc_attach, .length = PAGE, .flags = XPMEM_ATTACH_PINNABLE);
	struct xpmem_ioc_query query = { .size = sizeof(query) };
	struct event event;

	CHECK_OK(device_open());
	CHECK_OK(QUERY(&query));
	if (!(query.features & XPMEM_FEATURE_PINNABLE))
		SKIP("this kernel has no pinnable attachments");
	attach.apid = CHECK_OK(GET(.segid = export_range(map_anonymous(PAGE), PAGE),
				   .flags = XPMEM_GET_RDWR));
	listen_to_events();
	CHECK_OK(device_call(XPMEM_IOC_ATTACH, &attach));
	event = expect(XPMEM_NL_CMD_ATTACHMENT_CREATED, attach.attid, 0);
	CHECK_EQ(nla_get_u32(event.attrs[XPMEM_A_ATTACHMENT_PINNABLE]), 1);
	CHECK_OK(DETACH(.vaddr = attach.vaddr));
	event = expect(XPMEM_NL_CMD_ATTACHMENT_GONE, attach.attid, XPMEM_REASON_REMOVED);
	CHECK_EQ(nla_get_u32(event.attrs[XPMEM_A_ATTACHMENT_PINNABLE]), 0);
}

static long do_set_dumpable(const long *dumpable)
{
	return answer(prctl(PR_SET_DUMPABLE, dumpable[0]));
}

/*
 * Starts a peer of the user that not even its own user may trace, with a segment of one page, and
 * returns another process of the user.
 */
static struct peer *start_untraceable(long uid)
{
	struct peer *getter = peer_start();

	peer = peer_start();
	CHECK_OK(on(peer, do_become, uid, uid));
	CHECK_OK(on(getter, do_become, uid, uid));
	CHECK_OK(on(peer, do_set_dumpable, 0));
	address = CHECK_OK(on(peer, do_map, PAGE));
	segid = CHECK_OK(on(peer, do_make, address, PAGE, 0600, 0));
	expect(XPMEM_NL_CMD_SEGMENT_CREATED, segid, 0);
	return getter;
}

CASE(permit_is_refused)
{
	struct peer *getter;
	struct event event;

	listen_to_events();
	getter = start_untraceable(USER);
	CHECK_EQ(on(getter, do_get, segid, XPMEM_GET_RDWR), -EACCES);
	event = next_event();
	CHECK_EQ(event.command, XPMEM_NL_CMD_PERMIT_REFUSED);
	CHECK_EQ(nla_get_s64(event.attrs[XPMEM_A_REFUSAL_SEGMENT_ID]), segid);
	CHECK_EQ(nla_get_u32(event.attrs[XPMEM_A_REFUSAL_EXPORTER_PID]), peer_pid(peer));
	CHECK_EQ(nla_get_u32(event.attrs[XPMEM_A_REFUSAL_UID]), USER);
	CHECK_EQ(nla_get_u32(event.attrs[XPMEM_A_REFUSAL_PID]), peer_pid(getter));
	CHECK_EQ(nla_get_u32(event.attrs[XPMEM_A_REFUSAL_DENIAL]), XPMEM_DENIAL_DUMPABLE);
	CHECK(event.attrs[XPMEM_A_REFUSAL_TIME]);
	/* many at once are told of by some */
	for (int i = 0; i < 100; i++)
		CHECK_EQ(on(getter, do_get, segid, XPMEM_GET_RDWR), -EACCES);
	CHECK_OK(on(peer, do_remove, segid));
	for (int told = 0;; told++) {
		CHECK(told < 50);
		if (next_event().command == XPMEM_NL_CMD_SEGMENT_GONE)
			break;
	}
}

CASE_DESCRIBED(limit_is_hit, "a limit is hit")
{
	struct event event;

	listen_to_events();
	CHECK_OK(write_file("/sys/module/xpmem/parameters/max_segments", "1"));
	peer = peer_start();
	CHECK_OK(on(peer, do_become, USER, USER));
	address = CHECK_OK(on(peer, do_map, PAGE));
	segid = CHECK_OK(on(peer, do_make, address, PAGE, 0600, 0));
	expect(XPMEM_NL_CMD_SEGMENT_CREATED, segid, 0);
	CHECK_EQ(on(peer, do_make, address, PAGE, 0600, 0), -EDQUOT);
	event = next_event();
	CHECK_EQ(event.command, XPMEM_NL_CMD_LIMIT_HIT);
	CHECK_EQ(nla_get_u32(event.attrs[XPMEM_A_LIMIT_KIND]), XPMEM_OBJECT_KIND_SEGMENT);
	CHECK_EQ(nla_get_u32(event.attrs[XPMEM_A_LIMIT_UID]), USER);
	CHECK_EQ(nla_get_u32(event.attrs[XPMEM_A_LIMIT_PID]), peer_pid(peer));
	CHECK_EQ(nla_get_u32(event.attrs[XPMEM_A_LIMIT_LIMIT]), 1);
	CHECK(event.attrs[XPMEM_A_LIMIT_TIME]);
	/* many at once are told of by some */
	for (int i = 0; i < 100; i++)
		CHECK_EQ(on(peer, do_make, address, PAGE, 0600, 0), -EDQUOT);
	CHECK_OK(on(peer, do_remove, segid));
	for (int told = 0;; told++) {
		CHECK(told < 50);
		if (next_event().command == XPMEM_NL_CMD_SEGMENT_GONE)
			break;
	}
}

/* A user who is refused again and again does not keep the events about others from listeners. */
CASE(refusals_of_each_user)
{
	/* Users of this run alone: there are ten events about each in five seconds. */
	long noisy = 100000 + getpid(), quiet = 200000 + getpid();
	struct peer *getter;
	int i;

	CHECK_OK(write_file("/sys/module/xpmem/parameters/max_segments", "1"));
	listen_to_events();
	getter = start_untraceable(noisy);
	for (i = 0; i < 50; i++) {
		CHECK_EQ(on(getter, do_get, segid, XPMEM_GET_RDWR), -EACCES);
		CHECK_EQ(on(peer, do_make, address, PAGE, 0600, 0), -EDQUOT);
	}
	CHECK_OK(on(peer, do_remove, segid));
	while (next_event().command != XPMEM_NL_CMD_SEGMENT_GONE)
		;
	getter = start_untraceable(quiet);
	CHECK_EQ(on(getter, do_get, segid, XPMEM_GET_RDWR), -EACCES);
	CHECK_EQ(next_event().command, XPMEM_NL_CMD_PERMIT_REFUSED);
	CHECK_EQ(on(peer, do_make, address, PAGE, 0600, 0), -EDQUOT);
	CHECK_EQ(next_event().command, XPMEM_NL_CMD_LIMIT_HIT);
}

static long do_join(const long *none)
{
	(void)none;
	listener = open_socket();
	return join(listener);
}

CASE_DESCRIBED(not_for_ordinary_users, "ordinary users may not listen")
{
	peer = peer_start();
	CHECK_OK(on(peer, do_become, USER, USER));
	CHECK_EQ(on(peer, do_join, 0), -EPERM);
}

static long do_expect_nothing(const long *none)
{
	(void)none;
	expect_nothing(listener);
	return 0;
}

/* The administrator of another network namespace may join there, and is told nothing. */
CASE_DESCRIBED(not_for_other_network_namespaces, "another network namespace is told nothing")
{
	struct peer *stranger = peer_fork();

	CHECK_OK(on(stranger, do_become, USER, USER));
	CHECK_OK(on(stranger, do_unshare, CLONE_NEWUSER | CLONE_NEWNET));
	on(stranger, do_join, 0);
	make_objects();
	CHECK_OK(on(peer, do_remove, segid));
	expect(XPMEM_NL_CMD_SEGMENT_GONE, segid, XPMEM_REASON_REMOVED);
	CHECK_OK(on(stranger, do_expect_nothing, 0));
}

/* what did not fit is not passed over in silence */
CASE_DESCRIBED(overrun, "a slow reader is told that it missed some")
{
	int size = 4096;
	struct event event;
	long page, result;
	int i;

	listen_to_events();
	CHECK_OK(answer(setsockopt(nl_socket_get_fd(listener), SOL_SOCKET, SO_RCVBUF, &size,
				   sizeof(size))));
	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	for (i = 0; i < MANY; i++)
		export_range(page, PAGE);
	for (i = 0; !(result = receive(listener, MSG_DONTWAIT, &event)); i++)
		;
	CHECK_EQ(result, -ENOBUFS);
	CHECK(i < MANY);
	while (!receive(listener, MSG_DONTWAIT, &event))
		;
	segid = export_range(page, PAGE);
	expect(XPMEM_NL_CMD_SEGMENT_CREATED, segid, 0);
}

/* A set of ids. */
static int64_t known[8 * MANY];
static int known_count;

static int find_known(int64_t id)
{
	int i;

	for (i = 0; i < known_count && known[i] != id; i++)
		;
	return i;
}

static void learn(int64_t id)
{
	if (find_known(id) < known_count)
		return;
	CHECK(known_count < (int)(sizeof(known) / sizeof(known[0])));
	known[known_count++] = id;
}

static void forget(int64_t id)
{
	int i = find_known(id);

	if (i < known_count)
		known[i] = known[--known_count];
}

static void follow(const struct event *event)
{
	const struct kind *kind = kind_of(event->command);

	CHECK(kind);
	if (event->command == kind->created)
		learn(event->id);
	else
		forget(event->id);
}

static int on_listed(struct nl_msg *msg, void *data)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct kind *kind = kind_of(((struct genlmsghdr *)nlmsg_data(header))->cmd);
	void (*visit)(int64_t id) = *(void (**)(int64_t id))data;

	visit(nla_get_s64(nlmsg_find_attr(header, GENL_HDRLEN, kind->id)));
	return NL_OK;
}

/* Whether nothing came or went meanwhile. */
static bool list(void (*visit)(int64_t id))
{
	bool whole = true;
	struct nl_sock *socket = open_socket();
	int family = genl_ctrl_resolve(socket, XPMEM_FAMILY_NAME);

	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, on_listed, &visit);
	for (size_t i = 0; i < KIND_COUNT; i++) {
		CHECK(genl_send_simple(socket, family, kinds[i].get, XPMEM_FAMILY_VERSION,
				       NLM_F_DUMP) >= 0);
		switch (nl_recvmsgs_default(socket)) {
		case 0:
			break;
		case -NLE_DUMP_INTR:
			whole = false;
			break;
		default:
			FAIL("a list that makes no sense");
		}
	}
	nl_socket_free(socket);
	return whole;
}

/* makes, gets, attaches and ends at random */
static long do_churn(const long *turns_seed)
{
	unsigned int seed = turns_seed[1];
	long page = map_anonymous(PAGE), segments[8] = { 0 }, permits[8] = { 0 };

	for (long turn = 0; turn < turns_seed[0]; turn++) {
		int i = rand_r(&seed) % 8;

		if (!segments[i])
			segments[i] = export_range(page, PAGE);
		else if (!permits[i])
			permits[i] = CHECK_OK(GET(.segid = segments[i], .flags = XPMEM_GET_RDWR));
		else if (rand_r(&seed) % 2)
			CHECK_OK(ATTACH(.apid = permits[i], .length = PAGE));
		else {
			if (rand_r(&seed) % 4)
				CHECK_OK(RELEASE(.apid = permits[i]));
			CHECK_OK(REMOVE(.segid = segments[i]));
			segments[i] = permits[i] = 0;
		}
	}
	return 0;
}

static int listed;

static void expect_known(int64_t id)
{
	CHECK(find_known(id) < known_count);
	listed++;
}

/* Objects come and go all the time meanwhile. */
CASE_DESCRIBED(state_is_known, "a listener that lists and then follows knows all objects")
{
	struct peer *peers[4];
	struct event event;
	long result;
	size_t i;

	for (i = 0; i < 4; i++) {
		peers[i] = peer_start();
		peer_tell(peers[i], do_churn, ARGUMENTS(MANY / 2, i + 1));
	}
	listen_to_events();
	list(learn);
	/* They may have been done by then: so once more. */
	for (i = 0; i < 4; i++) {
		CHECK_OK(peer_answer(peers[i]));
		peer_tell(peers[i], do_churn, ARGUMENTS(MANY / 2, i + 5));
	}
	for (i = 0; i < 4; i++)
		CHECK_OK(peer_answer(peers[i]));
	peer_end(peers[0], SIGKILL);
	for (i = 0; !(result = receive(listener, MSG_DONTWAIT, &event)); i++)
		follow(&event);
	CHECK_EQ(result, -EAGAIN);
	CHECK(i > 100);
	CHECK(list(expect_known));
	CHECK(listed > 0);
	CHECK_EQ(listed, known_count);
}

static struct nl_sock *revoker;
static int revoker_family;

static void revoke_object(int command, int attribute, int64_t id)
{
	struct nl_msg *msg = nlmsg_alloc();

	CHECK(msg);
	CHECK(genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, revoker_family, 0,
			  NLM_F_REQUEST | NLM_F_ACK, command, XPMEM_FAMILY_VERSION));
	CHECK_EQ(nla_put_s64(msg, attribute, id), 0);
	CHECK(nl_send_auto(revoker, msg) > 0);
	nlmsg_free(msg);
	/* An object of the other kind has another id, and the object may have ended. */
	nl_wait_for_ack(revoker);
}

static int64_t kept;

static void revoke_listed(int64_t id)
{
	if (id == kept)
		return;
	revoke_object(XPMEM_NL_CMD_PERMIT_REVOKE, XPMEM_A_PERMIT_ID, id);
	revoke_object(XPMEM_NL_CMD_SEGMENT_REVOKE, XPMEM_A_SEGMENT_ID, id);
	listed++;
}

/* Makes segments, and gets permits for another, which is kept. */
static long do_make_and_get(const long *turns_segid)
{
	long page = map_anonymous(PAGE), turn;

	for (turn = 0; turn < turns_segid[0]; turn++) {
		CHECK_OK(MAKE(.vaddr = page, .length = PAGE, .mode = 0600));
		CHECK_OK(GET(.segid = turns_segid[1], .flags = XPMEM_GET_RDWR));
	}
	return 0;
}

/* A listener learns of an object before its end, however soon that comes. */
CASE(created_before_gone)
{
	struct event event;
	struct peer *maker = peer_start();
	long result;

	revoker = open_socket();
	CHECK_OK(revoker_family = genl_ctrl_resolve(revoker, XPMEM_FAMILY_NAME));
	CHECK_OK(device_open());
	kept = export_range(map_anonymous(PAGE), PAGE);
	listen_to_events();
	peer_tell(maker, do_make_and_get, ARGUMENTS(MANY, kept));
	while (listed < 2 * MANY)
		list(revoke_listed);
	CHECK_OK(peer_answer(maker));
	while (!(result = receive(listener, MSG_DONTWAIT, &event))) {
		if (event.command == kind_of(event.command)->gone)
			CHECK(find_known(event.id) < known_count);
		follow(&event);
	}
	CHECK_EQ(result, -EAGAIN);
}
