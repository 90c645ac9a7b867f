/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generic netlink operations, by messages made by hand: each right one and each wrong one. */
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/xpmem.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "harness.h"
#include "netlink_table_gen.h"

#define UNKNOWN_ATTRIBUTE 999

static struct nl_sock *netlink;
static int family;
static char message[256];	/* the kernel's word with its last refusal */

static void connect_to_kernel(void)
{
	int on = 1;

	CHECK(netlink = nl_socket_alloc());
	CHECK_EQ(genl_connect(netlink), 0);
	nl_socket_disable_auto_ack(netlink);
	CHECK_OK(answer(setsockopt(nl_socket_get_fd(netlink), SOL_NETLINK, NETLINK_EXT_ACK, &on,
				   sizeof(on))));
	CHECK_OK(family = genl_ctrl_resolve(netlink, XPMEM_FAMILY_NAME));
}

static struct nl_msg *request(int command, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	CHECK(msg);
	CHECK(genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_REQUEST | flags, command,
			  XPMEM_FAMILY_VERSION));
	return msg;
}

/* Takes the text from the attributes behind an NLMSG_ERROR or NLMSG_DONE. */
static void note_message(struct nlmsghdr *header)
{
	struct nlmsgerr *error = nlmsg_data(header);
	int skip = NLMSG_ALIGN(sizeof(error->error));
	struct nlattr *text;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (header->nlmsg_type == NLMSG_ERROR)
		skip = NLMSG_ALIGN(header->nlmsg_flags & NLM_F_CAPPED ?
					   sizeof(*error) :
					   sizeof(error->error) + error->msg.nlmsg_len);
	text = nla_find((void *)((char *)error + skip), nlmsg_datalen(header) - skip,
			NLMSGERR_ATTR_MSG);
	if (text)
		snprintf(message, sizeof(message), "%s", nla_get_string(text));
}

/* Sends, and answers with -errno, or how many objects came; the last one's id is left in *id. */
static long exchange(struct nl_msg *msg, int id_attribute, int64_t *id)
{
	bool dump = nlmsg_hdr(msg)->nlmsg_flags & NLM_F_DUMP;
	struct nlmsghdr *header;
	struct sockaddr_nl from;
	unsigned char *buffer;
	long objects = 0;
	int length;

	message[0] = 0;
	CHECK(nl_send_auto(netlink, msg) > 0);
	nlmsg_free(msg);
	for (;;) {
		length = nl_recv(netlink, &from, &buffer, NULL);
		CHECK(length > 0);
		for (header = (void *)buffer; nlmsg_ok(header, length);
		     header = nlmsg_next(header, &length)) {
			if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
				note_message(header);
				return *(int *)nlmsg_data(header) ? *(int *)nlmsg_data(header) :
								    objects;
			}
			objects++;
			if (id)
				*id = nla_get_s64(
					nlmsg_find_attr(header, GENL_HDRLEN, id_attribute));
		}
		free(buffer);
		if (!dump)
			return objects;
	}
}

static long get_id(int command, int attribute, int64_t id, int64_t *found)
{
	struct nl_msg *msg = request(command, 0);

	CHECK_EQ(nla_put_s64(msg, attribute, id), 0);
	return exchange(msg, attribute, found);
}

/* One object of each kind, of this process. */
static int64_t segid, apid, attid, exporter;
static long attached;

static int64_t number_of(int command, int id_attribute, int64_t id, int attribute)
{
	struct nl_msg *msg = request(command, 0);
	int64_t value = 0;

	CHECK_EQ(nla_put_s64(msg, id_attribute, id), 0);
	CHECK_EQ(exchange(msg, attribute, &value), 1);
	return value;
}

static void make_objects(void)
{
	struct xpmem_ioc_attach attach = SIZED(xpmem_ioc_attach, .length = PAGE);

	connect_to_kernel();
	CHECK_OK(device_open());
	segid = export_range(map_anonymous(PAGE), PAGE);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	attach.apid = apid;
	CHECK_OK(device_call(XPMEM_IOC_ATTACH, &attach));
	attid = attach.attid;
	attached = attach.vaddr;
	exporter = number_of(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, segid,
			     XPMEM_A_SEGMENT_EXPORTER_ID);
}

static const struct {
	int command, id, none;
	int64_t *mine;
	const char *absent;
} kinds[] = {
	{ XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, XPMEM_A_SEGMENT_PID, &segid,
	  "no such segment" },
	{ XPMEM_NL_CMD_PERMIT_GET, XPMEM_A_PERMIT_ID, XPMEM_A_PERMIT_PID, &apid, "no such permit" },
	{ XPMEM_NL_CMD_ATTACHMENT_GET, XPMEM_A_ATTACHMENT_ID, XPMEM_A_ATTACHMENT_PID, &attid,
	  "no such attachment" },
	{ XPMEM_NL_CMD_EXPORTER_GET, XPMEM_A_EXPORTER_ID, XPMEM_A_EXPORTER_PID, &exporter,
	  "no such exporter" },
};

#define for_each_kind(i) for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)

CASE(get)
{
	make_objects();
	for_each_kind(i) {
		int64_t id = 0;

		CHECK_EQ(get_id(kinds[i].command, kinds[i].id, *kinds[i].mine, &id), 1);
		CHECK_EQ(id, *kinds[i].mine);
	}
}

CASE(get_of_what_is_not_there)
{
	make_objects();
	for_each_kind(i) {
		const int64_t wrong[] = { 0,
					  -1,
					  INT64_MIN,
					  INT64_MAX,
					  *kinds[i].mine ^ 1L << 40,
					  *kinds[i].mine + 1,
					  -*kinds[i].mine };

		for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
			CHECK_EQ(get_id(kinds[i].command, kinds[i].id, wrong[j], NULL), -ENOENT);
			CHECK_EQ(strcmp(message, kinds[i].absent), 0);
		}
	}
}

CASE(get_without_id)
{
	make_objects();
	for_each_kind(i) {
		CHECK_EQ(exchange(request(kinds[i].command, 0), 0, NULL), -EINVAL);
		CHECK_EQ(strcmp(message, "the id of the object is missing"), 0);
	}
}

CASE(attributes_of_wrong_length)
{
	make_objects();
	for_each_kind(i)
		for (int length = 0; length <= 16; length++) {
			struct nl_msg *msg = request(kinds[i].command, 0);
			int64_t id[2] = { *kinds[i].mine };

			if (length == sizeof(id[0]))
				continue;
			CHECK_EQ(nla_put(msg, kinds[i].id, length, id), 0);
			CHECK_EQ(exchange(msg, 0, NULL), -EINVAL);
			CHECK(message[0]);
		}
}

CASE(attributes_that_do_not_belong)
{
	make_objects();
	for_each_kind(i) {
		const int wrong[] = { kinds[i].none, UNKNOWN_ATTRIBUTE };

		for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
			struct nl_msg *msg = request(kinds[i].command, 0);

			CHECK_EQ(nla_put_s64(msg, kinds[i].id, *kinds[i].mine), 0);
			CHECK_EQ(nla_put_u32(msg, wrong[j], 1), 0);
			CHECK_EQ(exchange(msg, 0, NULL), -EINVAL);
			CHECK(message[0]);
		}
	}
	for (int attribute = 1; attribute <= XPMEM_A_INFO_MAX + 1; attribute++) {
		struct nl_msg *msg = request(XPMEM_NL_CMD_INFO_GET, 0);

		CHECK_EQ(nla_put_u32(msg, attribute, 1), 0);
		CHECK_EQ(exchange(msg, 0, NULL), -EINVAL);
	}
}

CASE(dump)
{
	make_objects();
	for_each_kind(i) {
		int64_t id = 0;

		CHECK_EQ(exchange(request(kinds[i].command, NLM_F_DUMP), kinds[i].id, &id), 1);
		CHECK_EQ(id, *kinds[i].mine);
	}
}

static long count_number(int command, int attribute, int size, int64_t value)
{
	struct nl_msg *msg = request(command, NLM_F_DUMP);

	CHECK_EQ(nla_put(msg, attribute, size, &value), 0);
	return exchange(msg, 0, NULL);
}

/* what equals the value of the attribute is listed, and nothing else is */
static void filter_by(int command, int attribute, int size, int64_t value, int64_t other, int count)
{
	CHECK_EQ(count_number(command, attribute, size, value), count);
	CHECK_EQ(count_number(command, attribute, size, other), 0);
}

CASE(dump_of_some)
{
	int pid = getpid(), uid = getuid();

	make_objects();
	CHECK_OK(GET(.segid = export_range(map_anonymous(PAGE), PAGE), .flags = XPMEM_GET_RDONLY));
	filter_by(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, 8, segid, segid ^ 1L << 40, 1);
	filter_by(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_EXPORTER_ID, 8, exporter, segid, 2);
	filter_by(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_PID, 4, pid, pid + 1, 2);
	filter_by(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_UID, 4, uid, uid + 1, 2);
	filter_by(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ACCESS, 4, XPMEM_ACCESS_RDWR,
		  XPMEM_ACCESS_RDONLY, 2);
	filter_by(XPMEM_NL_CMD_PERMIT_GET, XPMEM_A_PERMIT_ID, 8, apid, segid, 1);
	filter_by(XPMEM_NL_CMD_PERMIT_GET, XPMEM_A_PERMIT_SEGMENT_ID, 8, segid, apid, 1);
	filter_by(XPMEM_NL_CMD_PERMIT_GET, XPMEM_A_PERMIT_PID, 4, pid, pid + 1, 2);
	filter_by(XPMEM_NL_CMD_PERMIT_GET, XPMEM_A_PERMIT_UID, 4, uid, uid + 1, 2);
	filter_by(XPMEM_NL_CMD_PERMIT_GET, XPMEM_A_PERMIT_ACCESS, 4, XPMEM_ACCESS_RDONLY, 0, 1);
	filter_by(XPMEM_NL_CMD_ATTACHMENT_GET, XPMEM_A_ATTACHMENT_ID, 8, attid, segid, 1);
	filter_by(XPMEM_NL_CMD_ATTACHMENT_GET, XPMEM_A_ATTACHMENT_PERMIT_ID, 8, apid, segid, 1);
	filter_by(XPMEM_NL_CMD_ATTACHMENT_GET, XPMEM_A_ATTACHMENT_SEGMENT_ID, 8, segid, apid, 1);
	filter_by(XPMEM_NL_CMD_ATTACHMENT_GET, XPMEM_A_ATTACHMENT_PID, 4, pid, pid + 1, 1);
	filter_by(XPMEM_NL_CMD_ATTACHMENT_GET, XPMEM_A_ATTACHMENT_UID, 4, uid, uid + 1, 1);
	filter_by(XPMEM_NL_CMD_ATTACHMENT_GET, XPMEM_A_ATTACHMENT_ACCESS, 4, XPMEM_ACCESS_RDWR,
		  XPMEM_ACCESS_RDONLY, 1);
	filter_by(XPMEM_NL_CMD_EXPORTER_GET, XPMEM_A_EXPORTER_ID, 8, exporter, segid, 1);
	filter_by(XPMEM_NL_CMD_EXPORTER_GET, XPMEM_A_EXPORTER_PID, 4, pid, pid + 1, 1);
	filter_by(XPMEM_NL_CMD_EXPORTER_GET, XPMEM_A_EXPORTER_UID, 4, uid, uid + 1, 1);
}

static long count_named(const char *name)
{
	struct nl_msg *msg = request(XPMEM_NL_CMD_SEGMENT_GET, NLM_F_DUMP);

	CHECK_EQ(nla_put_string(msg, XPMEM_A_SEGMENT_NAME, name), 0);
	return exchange(msg, 0, NULL);
}

/* no name is equal to nothing, not to the empty name */
CASE(dump_of_the_named)
{
	make_objects();
	CHECK_OK(MAKE(.vaddr = map_anonymous(PAGE), .length = PAGE, .mode = 0600, .name = "heap"));
	CHECK_EQ(count_named("heap"), 1);
	CHECK_EQ(count_named("hea"), 0);
	CHECK_EQ(count_named("heaps"), 0);
	CHECK_EQ(count_named(""), 0);
}

/* all that is asked for has to be so */
CASE(dump_of_what_is_two_things)
{
	make_objects();
	for (int different = 0; different < 2; different++) {
		struct nl_msg *msg = request(XPMEM_NL_CMD_PERMIT_GET, NLM_F_DUMP);

		CHECK_EQ(nla_put_s64(msg, XPMEM_A_PERMIT_SEGMENT_ID, segid), 0);
		CHECK_EQ(nla_put_u32(msg, XPMEM_A_PERMIT_PID, getpid() + different), 0);
		CHECK_EQ(exchange(msg, 0, NULL), !different);
	}
}

static long end(int command, int attribute, int64_t id)
{
	struct nl_msg *msg = request(command, NLM_F_ACK);

	CHECK_EQ(nla_put_s64(msg, attribute, id), 0);
	return exchange(msg, 0, NULL);
}

#define REVOKE_SEGMENT(id) end(XPMEM_NL_CMD_SEGMENT_REVOKE, XPMEM_A_SEGMENT_ID, id)
#define REVOKE_PERMIT(id) end(XPMEM_NL_CMD_PERMIT_REVOKE, XPMEM_A_PERMIT_ID, id)

CASE_DESCRIBED(revoke_segment, "revoke a segment")
{
	make_objects();
	CHECK_OK(load(attached));
	CHECK_EQ(REVOKE_SEGMENT(segid), 0);
	CHECK_EQ(load(attached), GOT_SIGBUS);
	CHECK_EQ(GET(.segid = segid, .flags = XPMEM_GET_RDWR), -ENOENT);
	CHECK_EQ(ATTACH(.apid = apid, .length = PAGE), -ENOENT);
	CHECK_EQ(REMOVE(.segid = segid), -ENOENT);
	CHECK_EQ(REVOKE_SEGMENT(segid), -ENOENT);
	CHECK_EQ(strcmp(message, "no such segment"), 0);
	CHECK_EQ(RELEASE(.apid = apid), 0);
}

/* other permits go on */
CASE_DESCRIBED(revoke_permit, "revoke a permit")
{
	long other;

	make_objects();
	other = CHECK_OK(ATTACH(.apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR)),
				.length = PAGE));
	CHECK_OK(store(attached, 7));
	CHECK_EQ(REVOKE_PERMIT(apid), 0);
	CHECK_EQ(load(attached), GOT_SIGBUS);
	CHECK_EQ(load(other), 7);
	CHECK_EQ(ATTACH(.apid = apid, .length = PAGE), -ENOENT);
	CHECK_EQ(RELEASE(.apid = apid), -ENOENT);
	CHECK_EQ(REVOKE_PERMIT(apid), -ENOENT);
	CHECK_EQ(strcmp(message, "no such permit"), 0);
	CHECK_EQ(DETACH(.vaddr = attached), 0);
}

static long do_revoke(const long *segid_apid)
{
	connect_to_kernel();
	CHECK_EQ(REVOKE_PERMIT(segid_apid[1]), -ENOENT);
	return REVOKE_SEGMENT(segid_apid[0]);
}

static long do_revoke_segment(const long *id)
{
	connect_to_kernel();
	return REVOKE_SEGMENT(id[0]);
}

#define USER 2000
#define STRANGER 2001

static long do_see(const long *id)
{
	connect_to_kernel();
	return get_id(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, *id, NULL);
}

/*
 * by others: a stranger, the same user in another ipc namespace, an administrator of nothing but
 * its own namespaces
 */
CASE_DESCRIBED(revoke_what_is_not_ones_own, "revoke what is not one's own")
{
	struct peer *peer;

	CHECK_OK(here(do_become, USER, USER));
	make_objects();
	peer = peer_fork();
	CHECK_OK(on(peer, do_unshare, CLONE_NEWUSER | CLONE_NEWIPC));
	CHECK_EQ(on(peer, do_revoke, segid, apid), -ENOENT);
	CHECK_OK(load(attached));
	CHECK_OK(ATTACH(.apid = apid, .length = PAGE));
}

CASE_DESCRIBED(revoke_as_stranger, "revoke as a stranger, and as the administrator")
{
	struct peer *stranger = peer_fork(), *user = peer_start();

	CHECK_OK(on(user, do_become, USER, USER));
	segid = CHECK_OK(on(user, do_make, CHECK_OK(on(user, do_map, PAGE)), PAGE, 0666, 0));
	apid = CHECK_OK(on(user, do_get, segid, XPMEM_GET_RDWR));
	CHECK_OK(on(stranger, do_become, STRANGER, STRANGER));
	CHECK_EQ(on(stranger, do_revoke, segid, apid), -ENOENT);
	CHECK_OK(on(user, do_attach, apid, 0, PAGE, 0, 0));
	/* which the administrator may */
	connect_to_kernel();
	CHECK_EQ(REVOKE_PERMIT(apid), 0);
	CHECK_EQ(REVOKE_SEGMENT(segid), 0);
	CHECK_EQ(on(user, do_get, segid, XPMEM_GET_RDWR), -ENOENT);
}

static long do_connect(const long *none)
{
	(void)none;
	connect_to_kernel();
	return 0;
}

/* the attribute of an object, or -ENOENT where it has none */
static int64_t shown(int command, int id_attribute, int64_t id, int attribute)
{
	struct nl_msg *msg = request(command, 0);
	struct nlmsghdr *header;
	struct sockaddr_nl from;
	unsigned char *buffer;
	struct nlattr *found;
	int64_t value;

	CHECK_EQ(nla_put_s64(msg, id_attribute, id), 0);
	CHECK(nl_send_auto(netlink, msg) > 0);
	nlmsg_free(msg);
	CHECK(nl_recv(netlink, &from, &buffer, NULL) > 0);
	header = (void *)buffer;
	CHECK(header->nlmsg_type == family);
	found = nlmsg_find_attr(header, GENL_HDRLEN, attribute);
	value = !found				   ? -ENOENT :
		nla_len(found) == sizeof(uint32_t) ? nla_get_u32(found) :
						     nla_get_s64(found);
	free(buffer);
	return value;
}

static long do_set_dumpable(const long *dumpable)
{
	return answer(prctl(PR_SET_DUMPABLE, dumpable[0]));
}

/* what the user sees of a process of its own, which it may trace or not */
static void check_traced(const long *address, bool traceable)
{
	CHECK_EQ(shown(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, segid,
		       XPMEM_A_SEGMENT_ADDRESS),
		 traceable ? address[0] : -ENOENT);
	CHECK_EQ(shown(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, segid, XPMEM_A_SEGMENT_LENGTH),
		 PAGE);
	CHECK_EQ(shown(XPMEM_NL_CMD_ATTACHMENT_GET, XPMEM_A_ATTACHMENT_ID, attid,
		       XPMEM_A_ATTACHMENT_ADDRESS),
		 traceable ? address[1] : -ENOENT);
	CHECK_EQ(shown(XPMEM_NL_CMD_ATTACHMENT_GET, XPMEM_A_ATTACHMENT_ID, attid,
		       XPMEM_A_ATTACHMENT_OFFSET),
		 traceable ? 0 : -ENOENT);
	CHECK_EQ(exchange(request(XPMEM_NL_CMD_SEGMENT_GET, NLM_F_DUMP), 0, NULL), 1);
}

static long do_attach_for_id(const long *apid_and_where)
{
	struct xpmem_ioc_attach attach =
		SIZED(xpmem_ioc_attach, .apid = apid_and_where[0], .length = PAGE);
	long result = device_call(XPMEM_IOC_ATTACH, &attach);

	((int64_t *)apid_and_where[1])[0] = attach.attid;
	return result < 0 ? result : (long)attach.vaddr;
}

/*
 * addresses are shown, and objects ended, where ptrace would be allowed; else the objects alone are
 * seen
 */
CASE(addresses_of_a_process_that_may_not_be_traced)
{
	long ids = map_file(-1, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS),
	     address[2];
	struct peer *user = peer_start(), *administrator = peer_fork();

	CHECK_OK(on(user, do_become, USER, USER));
	address[0] = CHECK_OK(on(user, do_map, PAGE));
	segid = CHECK_OK(on(user, do_make, address[0], PAGE, 0600, 0));
	apid = CHECK_OK(on(user, do_get, segid, XPMEM_GET_RDWR));
	address[1] = CHECK_OK(on(user, do_attach_for_id, apid, ids));
	attid = *(int64_t *)ids;
	CHECK_OK(here(do_become, USER, USER));
	connect_to_kernel();
	check_traced(address, true);
	CHECK_OK(on(user, do_set_dumpable, 0));
	check_traced(address, false);
	CHECK_EQ(REVOKE_PERMIT(apid), -EACCES);
	CHECK_EQ(strcmp(message, "the caller may not trace the process that owns the object"), 0);
	CHECK_EQ(REVOKE_SEGMENT(segid), -EACCES);
	CHECK_OK(on(user, do_load, address[1]));
	CHECK_OK(on(user, do_set_dumpable, 1));
	check_traced(address, true);
	CHECK_EQ(REVOKE_PERMIT(apid), 0);
	CHECK_OK(on(user, do_set_dumpable, 0));
	/* the administrator may trace everything */
	CHECK_EQ(on(administrator, do_revoke_segment, segid), 0);
	CHECK_EQ(REVOKE_SEGMENT(segid), -ENOENT);
}

/* a process sees its own addresses, dumpable or not */
CASE(own_addresses)
{
	long memory;

	CHECK_OK(here(do_become, USER, USER));
	CHECK_OK(here(do_set_dumpable, 0));
	connect_to_kernel();
	memory = map_anonymous(PAGE);
	segid = export_range(memory, PAGE);
	CHECK_EQ(shown(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, segid,
		       XPMEM_A_SEGMENT_ADDRESS),
		 memory);
	CHECK_EQ(REVOKE_SEGMENT(segid), 0);
}

static int64_t is_pinnable(int64_t id)
{
	return shown(XPMEM_NL_CMD_ATTACHMENT_GET, XPMEM_A_ATTACHMENT_ID, id,
		     XPMEM_A_ATTACHMENT_PINNABLE);
}

/* Sets attid and attached. */
static void attach_pinnable(long memory, long length, unsigned int flags)
{
	struct xpmem_ioc_attach attach =
		SIZED(xpmem_ioc_attach, .length = length, .flags = flags | XPMEM_ATTACH_PINNABLE);
	struct xpmem_ioc_query query = { .size = sizeof(query) };

	CHECK_OK(device_open());
	CHECK_OK(QUERY(&query));
	if (!(query.features & XPMEM_FEATURE_PINNABLE))
		SKIP("this kernel has no pinnable attachments");
	connect_to_kernel();
	attach.apid = apid = CHECK_OK(
		GET(.segid = export_range(memory, length), .flags = XPMEM_GET_RDWR));
	CHECK_OK(device_call(XPMEM_IOC_ATTACH, &attach));
	attid = attach.attid;
	attached = attach.vaddr;
}

/* The exporter's memory ends what is pinnable, in one mapping after the other. */
CASE(pinnable_until_memory_ends_it)
{
	long memory = map_anonymous(3 * PAGE);

	use_small_pages(memory, 3 * PAGE);
	attach_pinnable(memory, 3 * PAGE, 0);
	CHECK_EQ(is_pinnable(attid), 1);
	CHECK_OK(store(attached, 1));
	CHECK_EQ(is_pinnable(attid), 1);
	/* Two mappings are left. */
	unmap(attached + PAGE, PAGE);
	protect(memory, PAGE, PROT_READ);
	CHECK_EQ(load(attached), 1);
	CHECK_EQ(is_pinnable(attid), 1);
	protect(memory + 2 * PAGE, PAGE, PROT_READ);
	CHECK_EQ(is_pinnable(attid), 1);
	CHECK_OK(load(attached + 2 * PAGE));
	CHECK_EQ(is_pinnable(attid), 0);
	protect(memory, 3 * PAGE, PROT_READ | PROT_WRITE);
	CHECK_OK(store(attached, 2));
	CHECK_EQ(is_pinnable(attid), 0);
}

/* Only private memory that the exporter may write becomes pinnable. */
CASE(pinnable_in_part)
{
	long memory = map_anonymous(4 * PAGE), moved;
	int status;
	pid_t child;

	map_over(memory + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	attach_pinnable(memory, 4 * PAGE, XPMEM_ATTACH_RDONLY);
	CHECK_EQ(is_pinnable(attid), 1);
	moved = CHECK_OK(answer((long)mremap((void *)attached, PAGE, PAGE,
					     MREMAP_MAYMOVE | MREMAP_FIXED, map_anonymous(PAGE))));
	unmap(attached + PAGE, 2 * PAGE);
	CHECK_EQ(is_pinnable(attid), 1);
	/* Older kernels let a child inherit the mapping, which is empty there. */
	(void)!madvise((void *)moved, PAGE, MADV_DOFORK);
	child = CHECK_OK(answer(fork_bound()));
	if (!child) {
		pause();
		_exit(EXIT_FAILURE);
	}
	unmap(moved, PAGE);
	CHECK_EQ(is_pinnable(attid), 0);
	CHECK_OK(answer(kill(child, SIGKILL)));
	CHECK_EQ(answer(waitpid(child, &status, 0)), child);
	CHECK_EQ(is_pinnable(attid), 0);
}

CASE(not_pinnable)
{
	long memory = map_anonymous(2 * PAGE);

	protect(memory, PAGE, PROT_READ);
	map_over(memory + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	attach_pinnable(memory, 2 * PAGE, 0);
	CHECK_EQ(is_pinnable(attid), 0);
	make_objects();
	CHECK_EQ(is_pinnable(attid), 0);
}

static long do_join_ipc_of(const long *pid)
{
	char path[64];
	int namespace;

	snprintf(path, sizeof(path), "/proc/%ld/ns/ipc", pid[0]);
	namespace = CHECK_OK(answer(open(path, O_RDONLY | O_CLOEXEC)));
	return answer(setns(namespace, CLONE_NEWIPC));
}

static long do_count_segments(const long *none)
{
	(void)none;
	connect_to_kernel();
	return exchange(request(XPMEM_NL_CMD_SEGMENT_GET, NLM_F_DUMP), 0, NULL);
}

/*
 * the root of a container administers its own processes, not a process of the machine that joined
 * its ipc namespace
 */
CASE(process_that_joined_the_namespace)
{
	struct peer *container = peer_start(), *root = peer_start(), *inside;
	long page = map_anonymous(PAGE);

	CHECK_OK(on(container, do_become, USER, USER));
	CHECK_OK(on(container, do_unshare, CLONE_NEWUSER | CLONE_NEWIPC));
	CHECK_OK(on(root, do_join_ipc_of, peer_pid(container)));
	CHECK_OK(on(root, do_open, 0));
	segid = CHECK_OK(on(root, do_make, page, PAGE, 0666, 0));
	apid = CHECK_OK(on(root, do_get, segid, XPMEM_GET_RDWR));
	CHECK_EQ(on(container, do_count_segments, 0), 0);
	CHECK_EQ(on(container, do_see, segid), -ENOENT);
	CHECK_EQ(on(container, do_revoke, segid, apid), -ENOENT);
	/* root of the machine sees it from there as well */
	inside = peer_start();
	CHECK_OK(on(inside, do_join_ipc_of, peer_pid(container)));
	CHECK_EQ(on(inside, do_count_segments, 0), 1);
	CHECK_EQ(on(inside, do_see, segid), 1);
	CHECK_EQ(on(inside, do_revoke_segment, segid), 0);
}

/* A socket of another user shows nothing, even if a privileged process writes to it. */
CASE_DESCRIBED(socket_of_another_user, "a socket of another user")
{
	struct peer *peer;
	int64_t id;

	connect_to_kernel();
	CHECK_OK(here(do_become, USER, USER));
	segid = export_range(map_anonymous(PAGE), PAGE);
	CHECK_EQ(get_id(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, segid, &id), -ENOENT);
	peer = peer_fork();
	CHECK_OK(on(peer, do_connect, 0));
	CHECK_EQ(on(peer, do_see, segid), 1);
}

/* A socket of another group does not show addresses, even those of the process that writes. */
CASE_DESCRIBED(socket_of_another_group, "a socket of another group")
{
	long page;

	CHECK_OK(answer(setresgid(USER + 1, USER + 1, USER + 1)));
	CHECK_OK(answer(seteuid(USER)));
	connect_to_kernel();
	CHECK_OK(answer(seteuid(0)));
	CHECK_OK(here(do_become, USER, USER));
	page = map_anonymous(PAGE);
	segid = CHECK_OK(export_range(page, PAGE));
	CHECK_EQ(number_of(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, segid,
			   XPMEM_A_SEGMENT_ADDRESS),
		 0);
	connect_to_kernel();
	CHECK_EQ(number_of(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, segid,
			   XPMEM_A_SEGMENT_ADDRESS),
		 page);
}

CASE_DESCRIBED(figures_of_the_machine, "figures of the machine are the administrator's")
{
	CHECK_OK(here(do_become, USER, USER));
	connect_to_kernel();
	CHECK_EQ(exchange(request(XPMEM_NL_CMD_STATS_GET, 0), 0, NULL), -EPERM);
	CHECK_EQ(strcmp(message, "machine-wide statistics require CAP_SYS_ADMIN"), 0);
}

static int64_t figure(int attribute)
{
	int64_t value = 0;

	CHECK_EQ(exchange(request(XPMEM_NL_CMD_STATS_GET, 0), attribute, &value), 1);
	return value;
}

/* The counters that faults raise, and by how much the faults below raise each. */
static const struct fault_figure {
	int attachment, segment, exporter, machine;
	long expected;
} fault_figures[] = {
	{ XPMEM_A_ATTACHMENT_FAULTS, XPMEM_A_SEGMENT_FAULTS, XPMEM_A_EXPORTER_FAULTS,
	  XPMEM_A_STATS_FAULTS, 3 },
	{ XPMEM_A_ATTACHMENT_PAGES_MAPPED, XPMEM_A_SEGMENT_PAGES_MAPPED,
	  XPMEM_A_EXPORTER_PAGES_MAPPED, XPMEM_A_STATS_PAGES_MAPPED, 1 },
	{ XPMEM_A_ATTACHMENT_HUGE_MAPPINGS, XPMEM_A_SEGMENT_HUGE_MAPPINGS,
	  XPMEM_A_EXPORTER_HUGE_MAPPINGS, XPMEM_A_STATS_HUGE_MAPPINGS, 0 },
	{ XPMEM_A_ATTACHMENT_RETRIES, XPMEM_A_SEGMENT_RETRIES, XPMEM_A_EXPORTER_RETRIES,
	  XPMEM_A_STATS_RETRIES, 1 },
	{ XPMEM_A_ATTACHMENT_FAILURES, XPMEM_A_SEGMENT_FAILURES, XPMEM_A_EXPORTER_FAILURES,
	  XPMEM_A_STATS_FAILURES, 1 },
};

#define FAULT_FIGURES (sizeof(fault_figures) / sizeof(fault_figures[0]))

static void check_fault_figure(const struct fault_figure *row, int64_t before)
{
	CHECK_EQ(number_of(XPMEM_NL_CMD_ATTACHMENT_GET, XPMEM_A_ATTACHMENT_ID, attid,
			   row->attachment),
		 row->expected);
	CHECK_EQ(number_of(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, segid, row->segment),
		 row->expected);
	CHECK_EQ(number_of(XPMEM_NL_CMD_EXPORTER_GET, XPMEM_A_EXPORTER_ID, exporter,
			   row->exporter),
		 row->expected);
	CHECK_EQ(figure(row->machine) - before, row->expected);
}

/* what is counted of a fault is counted for all that it belongs to; a change for the exporter */
CASE(figures_follow_what_is_done)
{
	int64_t before[FAULT_FIGURES], zaps, invalidations, revocations;
	long memory = map_anonymous(PAGE);

	connect_to_kernel();
	CHECK_OK(device_open());
	segid = export_range(memory, PAGE);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	struct xpmem_ioc_attach attach = SIZED(xpmem_ioc_attach, .apid = apid, .length = PAGE);
	CHECK_OK(device_call(XPMEM_IOC_ATTACH, &attach));
	attid = attach.attid;
	exporter = number_of(XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, segid,
			     XPMEM_A_SEGMENT_EXPORTER_ID);
	for (size_t i = 0; i < FAULT_FIGURES; i++)
		before[i] = figure(fault_figures[i].machine);
	zaps = figure(XPMEM_A_STATS_ZAPS);
	invalidations = figure(XPMEM_A_STATS_INVALIDATIONS);
	revocations = figure(XPMEM_A_STATS_REVOCATIONS);

	/*
	 * one fault has the exporter bring the page in, the next maps it; unmapped it is taken
	 * away, and is not there any more
	 */
	CHECK_OK(store(attach.vaddr, 1));
	unmap(memory, PAGE);
	CHECK_EQ(load(attach.vaddr), GOT_SIGBUS);
	for (size_t i = 0; i < FAULT_FIGURES; i++)
		check_fault_figure(&fault_figures[i], before[i]);
	CHECK_EQ(number_of(XPMEM_NL_CMD_EXPORTER_GET, XPMEM_A_EXPORTER_ID, exporter,
			   XPMEM_A_EXPORTER_ZAPS),
		 1);
	CHECK_EQ(number_of(XPMEM_NL_CMD_EXPORTER_GET, XPMEM_A_EXPORTER_ID, exporter,
			   XPMEM_A_EXPORTER_INVALIDATIONS),
		 1);
	CHECK_EQ(figure(XPMEM_A_STATS_ZAPS) - zaps, 1);
	CHECK_EQ(figure(XPMEM_A_STATS_INVALIDATIONS) - invalidations, 1);
	CHECK_EQ(REVOKE_PERMIT(apid), 0);
	CHECK_EQ(REVOKE_SEGMENT(segid), 0);
	CHECK_EQ(figure(XPMEM_A_STATS_REVOCATIONS) - revocations, 2);
	CHECK_EQ(figure(XPMEM_A_STATS_ATTACHMENTS), 1);
	CHECK_EQ(DETACH(.vaddr = attach.vaddr), 0);
	CHECK_EQ(figure(XPMEM_A_STATS_ATTACHMENTS), 0);
	CHECK_EQ(figure(XPMEM_A_STATS_PERMITS), 0);
	CHECK_EQ(figure(XPMEM_A_STATS_SEGMENTS), 0);
}

static void count_denial(struct peer *peer, int64_t id)
{
	int64_t denials = figure(XPMEM_A_STATS_PTRACE_DENIALS),
		unknown = figure(XPMEM_A_STATS_UNKNOWN_IDS);

	CHECK_EQ(on(peer, do_get, id, XPMEM_GET_RDWR), -EACCES);
	CHECK_EQ(figure(XPMEM_A_STATS_PTRACE_DENIALS) - denials, 1);
	CHECK_EQ(figure(XPMEM_A_STATS_UNKNOWN_IDS) - unknown, 0);
}

static void set_clock(time_t seconds)
{
	const struct timespec now = { .tv_sec = seconds };

	CHECK_OK(answer(clock_settime(CLOCK_REALTIME, &now)));
}

/* Makes a segment of a process that is not dumpable. Returns one that may not attach it. */
static struct peer *start_refused(void)
{
	struct peer *hidden = peer_start(), *user = peer_start();

	CHECK_OK(on(user, do_become, USER, USER));
	CHECK_OK(on(hidden, do_become, USER, USER));
	CHECK_OK(on(hidden, do_set_dumpable, 0));
	segid = CHECK_OK(on(hidden, do_make, CHECK_OK(on(hidden, do_map, PAGE)), PAGE, 0600, 0));
	return user;
}

/* the time of a refusal is that of the machine's clock, also if that was set afterwards */
CASE(time_of_a_refusal)
{
	struct peer *user = start_refused();
	const long day = 24 * 60 * 60;
	int64_t before, last, moved;

	connect_to_kernel();
	before = time(NULL);
	CHECK_EQ(on(user, do_get, segid, XPMEM_GET_RDWR), -EACCES);
	last = figure(XPMEM_A_STATS_LAST_PTRACE_DENIAL);
	CHECK(last >= before && last <= time(NULL));
	sleep(3);
	CHECK(figure(XPMEM_A_STATS_LAST_PTRACE_DENIAL) - last <= 1);
	set_clock(time(NULL) + day);
	moved = figure(XPMEM_A_STATS_LAST_PTRACE_DENIAL) - last;
	set_clock(time(NULL) - day);
	CHECK(moved >= day - 2 && moved <= day + 2);
}

/* what was refused by the check of ptrace, and ids that were guessed */
CASE(figures_of_refusals)
{
	struct peer *user = start_refused();
	int64_t unknown, denials, i;

	connect_to_kernel();
	count_denial(user, segid);
	count_denial(user, segid);
	unknown = figure(XPMEM_A_STATS_UNKNOWN_IDS);
	denials = figure(XPMEM_A_STATS_PTRACE_DENIALS);
	for (i = 1; i <= 50; i++)
		CHECK_EQ(on(user, do_get, segid ^ i << 30, XPMEM_GET_RDWR), -ENOENT);
	CHECK_EQ(on(user, do_release, segid), -ENOENT);
	CHECK_EQ(figure(XPMEM_A_STATS_UNKNOWN_IDS) - unknown, 51);
	CHECK_EQ(figure(XPMEM_A_STATS_PTRACE_DENIALS) - denials, 0);
}

#define MANY 2000	/* segments, more than one message of a dump takes */

static int64_t many[MANY];

static void make_many(void)
{
	long page, i;

	connect_to_kernel();
	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	for (i = 0; i < MANY; i++)
		many[i] = export_range(page, PAGE);
}

static void begin_dump(int command)
{
	struct nl_msg *msg = request(command, NLM_F_DUMP);

	CHECK(nl_send_auto(netlink, msg) > 0);
	nlmsg_free(msg);
}

/* Counts a segment of the dump as seen. */
static void see(int64_t id, int *seen)
{
	long i;

	for (i = 0; i < MANY; i++)
		seen[i] += many[i] == id;
}

/* Reads one message of the dump; whether it was the last. Puts a refusal into *error. */
static bool read_dump(int *seen, bool *interrupted, int *error)
{
	struct nlmsghdr *header;
	struct sockaddr_nl from;
	unsigned char *buffer;
	int length = nl_recv(netlink, &from, &buffer, NULL);

	CHECK(length > 0);
	for (header = (void *)buffer; nlmsg_ok(header, length);
	     header = nlmsg_next(header, &length)) {
		*interrupted |= header->nlmsg_flags & NLM_F_DUMP_INTR;
		if (header->nlmsg_type == NLMSG_DONE)
			return true;
		if (header->nlmsg_type == NLMSG_ERROR) {
			*error = *(int *)nlmsg_data(header);
			continue;
		}
		see(nla_get_s64(nlmsg_find_attr(header, GENL_HDRLEN, XPMEM_A_SEGMENT_ID)), seen);
	}
	free(buffer);
	return false;
}

/* what is there from the first to the last message is seen once, whatever else comes and goes */
static void dump_amid(void (*change)(int turn), bool interrupted, int spared)
{
	static int seen[MANY];
	bool was_interrupted = false;
	int turn, i, error = 0;

	memset(seen, 0, sizeof(seen));
	begin_dump(XPMEM_NL_CMD_SEGMENT_GET);
	for (turn = 0; !read_dump(seen, &was_interrupted, &error); turn++)
		change(turn);
	CHECK(turn > 3);
	CHECK_EQ(error, 0);
	CHECK_EQ(was_interrupted, interrupted);
	for (i = 0; i < MANY; i++)
		if (i < spared)
			CHECK_EQ(seen[i], 1);
		else
			CHECK(seen[i] <= 1);
}

static void change_nothing(int turn)
{
	(void)turn;
}

/* one that was seen and one that will be, and a new one */
static void change_segments(int turn)
{
	CHECK_OK(REMOVE(.segid = many[MANY - 1 - turn]));
	CHECK_OK(REMOVE(.segid = many[MANY - 100 - turn]));
	export_range(map_anonymous(PAGE), PAGE);
}

static void change_others(int turn)
{
	(void)turn;
	CHECK_OK(GET(.segid = many[0], .flags = XPMEM_GET_RDWR));
}

CASE(dump_of_many)
{
	make_many();
	dump_amid(change_nothing, false, MANY);
	dump_amid(change_others, false, MANY);
}

CASE(dump_while_objects_change)
{
	make_many();
	dump_amid(change_segments, false, MANY - 200);
}

static void *churn(void *page)
{
	while (REMOVE(.segid = MAKE(.vaddr = (long)page, .length = PAGE, .mode = 0600)) == 0)
		;
	return page;
}

static long do_churn(const long *none)
{
	void *page = (void *)map_anonymous(PAGE);
	pthread_t threads[2];
	int i;

	(void)none;
	for (i = 0; i < 2; i++)
		if (pthread_create(&threads[i], NULL, churn, page))
			return -EAGAIN;
	return 0;
}

static void pause_shortly(int turn)
{
	(void)turn;
	usleep(2000);
}

/* users whose objects come and go all the time spoil nobody's dump */
CASE(dump_amid_the_churn_of_a_user)
{
	struct peer *user = peer_start();
	int turn;

	CHECK_OK(on(user, do_become, USER, USER));
	/* among the others, so that slots before and after them are in use */
	CHECK_OK(on(user, do_churn, 0));
	make_many();
	for (turn = 0; turn < 10; turn++)
		dump_amid(pause_shortly, false, MANY);
}

CASE(dump_twice_at_once)
{
	static int seen[MANY];
	bool interrupted = false;
	int i, error = 0;

	make_many();
	begin_dump(XPMEM_NL_CMD_SEGMENT_GET);
	begin_dump(XPMEM_NL_CMD_PERMIT_GET);
	while (!read_dump(seen, &interrupted, &error))
		;
	CHECK_EQ(error, -EBUSY);
	for (i = 0; i < MANY; i++)
		CHECK_EQ(seen[i], 1);
	CHECK_EQ(exchange(request(XPMEM_NL_CMD_PERMIT_GET, NLM_F_DUMP), 0, NULL), 0);
}

/* A process closes its socket, or is killed, with most of the dump unread. */
CASE(dump_abandoned)
{
	static int seen[MANY];
	bool interrupted = false;
	int turn, status, error = 0;
	pid_t child;

	make_many();
	for (turn = 0; turn < 20; turn++) {
		child = CHECK_OK(answer(fork()));
		if (!child) {
			connect_to_kernel();
			begin_dump(XPMEM_NL_CMD_SEGMENT_GET);
			CHECK(!read_dump(seen, &interrupted, &error));
			if (turn % 2)
				raise(SIGKILL);
			_exit(0);
		}
		CHECK_EQ(answer(waitpid(child, &status, 0)), child);
		CHECK_EQ(status, turn % 2 ? SIGKILL : 0);
	}
	dump_amid(change_nothing, false, MANY);
}

CASE(commands_that_are_not_there)
{
	connect_to_kernel();
	CHECK_EQ(exchange(request(0, 0), 0, NULL), -EOPNOTSUPP);
	CHECK_EQ(exchange(request(XPMEM_NL_CMD_MAX + 1, 0), 0, NULL), -EOPNOTSUPP);
	CHECK_EQ(exchange(request(XPMEM_NL_CMD_INFO_GET, NLM_F_DUMP), 0, NULL), -EOPNOTSUPP);
}

/*
 * From here on the generated table of all operations is walked.
 */
#define FOR_EACH_OPERATION(entry) \
	for (const struct netlink_operation *entry = netlink_operations; \
	     entry < netlink_operations + NETLINK_OPERATION_COUNT; entry++)

/* an object that the caller may see; a new one if the caller ends it */
static int64_t value_for(const struct netlink_operation *entry,
			 const struct netlink_attribute *attribute)
{
	if (entry->command == XPMEM_NL_CMD_SEGMENT_REVOKE)
		return export_range(attached, PAGE);
	if (entry->command == XPMEM_NL_CMD_PERMIT_REVOKE)
		return CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	for_each_kind(k)
		if (kinds[k].command == entry->command && kinds[k].id == attribute->id)
			return *kinds[k].mine;
	FAIL("no value known for attribute %s of %s: add it here", attribute->name, entry->name);
}

static void put_request(struct nl_msg *msg, const struct netlink_operation *entry, int left_out)
{
	for (int i = 0; i < entry->request_count; i++) {
		int64_t value = value_for(entry, &entry->request[i]);

		CHECK_EQ(entry->request[i].size, sizeof(value));
		if (i != left_out)
			CHECK_EQ(nla_put(msg, entry->request[i].id, entry->request[i].size, &value),
				 0);
	}
}

/* answered with one message, or acknowledged */
static struct nl_msg *right_request(const struct netlink_operation *entry)
{
	struct nl_msg *msg = request(entry->command, entry->replies ? 0 : NLM_F_ACK);

	put_request(msg, entry, -1);
	return msg;
}

static void expect_refusal(const struct netlink_operation *entry, struct nl_msg *msg,
			   const char *what)
{
	long result = exchange(msg, 0, NULL);

	if (result != -EINVAL)
		FAIL("%s, %s: %s, expected EINVAL", entry->name, what, describe(result));
	if (!message[0])
		FAIL("%s, %s: refused without a word", entry->name, what);
}

CASE_DESCRIBED(table_right_request, "every operation: right request")
{
	make_objects();
	FOR_EACH_OPERATION(entry) {
		CHECK_EQ(exchange(right_request(entry), 0, NULL), entry->replies);
		CHECK_EQ(exchange(request(entry->command, NLM_F_DUMP), 0, NULL),
			 entry->dumps ? 1 : -EOPNOTSUPP);
	}
}

CASE_DESCRIBED(table_attribute_missing, "every operation: attribute missing")
{
	int tried = 0;

	make_objects();
	FOR_EACH_OPERATION(entry)
		for (int i = 0; i < entry->request_count; i++) {
			struct nl_msg *msg = request(entry->command, 0);

			put_request(msg, entry, i);
			expect_refusal(entry, msg, "an attribute is missing");
			tried++;
		}
	CHECK(tried >= 6);
}

/* the last one counts, as everywhere in netlink */
CASE_DESCRIBED(table_attribute_doubled, "every operation: attribute doubled")
{
	make_objects();
	FOR_EACH_OPERATION(entry)
		for (int i = 0; i < entry->request_count; i++) {
			const int64_t none = INT64_MAX;
			struct nl_msg *msg =
				request(entry->command, entry->replies ? 0 : NLM_F_ACK);

			CHECK_EQ(nla_put(msg, entry->request[i].id, entry->request[i].size, &none),
				 0);
			put_request(msg, entry, -1);
			CHECK_EQ(exchange(msg, 0, NULL), entry->replies);
			msg = right_request(entry);
			CHECK_EQ(nla_put(msg, entry->request[i].id, entry->request[i].size, &none),
				 0);
			CHECK_EQ(exchange(msg, 0, NULL), -ENOENT);
		}
}

CASE_DESCRIBED(table_attribute_of_wrong_length, "every operation: attribute of wrong length")
{
	static const char zeroes[64];

	make_objects();
	FOR_EACH_OPERATION(entry)
		for (int i = 0; i < entry->request_count; i++)
			for (int length = 0; length <= (int)sizeof(zeroes); length++) {
				struct nl_msg *msg = request(entry->command, 0);

				if (length == entry->request[i].size)
					continue;
				put_request(msg, entry, i);
				CHECK_EQ(nla_put(msg, entry->request[i].id, length, zeroes), 0);
				expect_refusal(entry, msg, "an attribute of wrong length");
			}
}

static bool is_requested(const struct netlink_operation *entry, int id)
{
	for (int i = 0; i < entry->request_count; i++)
		if (entry->request[i].id == id)
			return true;
	return false;
}

CASE_DESCRIBED(table_unknown_attribute, "every operation: unknown attribute")
{
	make_objects();
	FOR_EACH_OPERATION(entry) {
		const int others[] = { 0, entry->last_attribute + 1, 255, 256, 999, NLA_TYPE_MASK };

		for (int id = 1; id <= entry->last_attribute; id++) {
			struct nl_msg *msg = right_request(entry);

			CHECK_EQ(nla_put_u64(msg, id, 1), 0);
			if (is_requested(entry, id))
				nlmsg_free(msg);
			else
				expect_refusal(entry, msg, "an attribute of replies");
		}
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
			struct nl_msg *msg = right_request(entry);

			CHECK_EQ(nla_put_u64(msg, others[i], 1), 0);
			expect_refusal(entry, msg, "an attribute that is not there");
		}
	}
}

CASE_DESCRIBED(table_nested_attribute, "every operation: nested attribute")
{
	make_objects();
	FOR_EACH_OPERATION(entry)
		for (int i = 0; i < entry->request_count; i++) {
			struct nl_msg *msg = request(entry->command, 0);
			int64_t value = 1;

			CHECK_EQ(nla_put(msg, entry->request[i].id | NLA_F_NESTED,
					 entry->request[i].size, &value),
				 0);
			expect_refusal(entry, msg, "a number that is said to be a nest");
			msg = request(entry->command, 0);
			CHECK_EQ(nla_put(msg, entry->request[i].id | NLA_F_NESTED, 0, NULL), 0);
			expect_refusal(entry, msg, "an empty nest");
		}
}

/* the message or its last attribute ends early, or goes on after its end */
CASE_DESCRIBED(table_truncated, "every operation: truncated")
{
	make_objects();
	FOR_EACH_OPERATION(entry) {
		int whole = nlmsg_hdr(right_request(entry))->nlmsg_len;
		struct nl_msg *msg;

		for (int length = NLMSG_HDRLEN; length < whole; length++) {
			msg = right_request(entry);
			nlmsg_hdr(msg)->nlmsg_len = length;
			if (length < NLMSG_HDRLEN + (int)GENL_HDRLEN)
				CHECK_EQ(exchange(msg, 0, NULL), -EINVAL);
			else if (length > NLMSG_HDRLEN + (int)GENL_HDRLEN || entry->request_count)
				expect_refusal(entry, msg, "a message that ends early");
			else
				nlmsg_free(msg);
		}
		for (int more = 1; more < 4; more++) {
			msg = right_request(entry);
			CHECK(nlmsg_reserve(msg, 4, 0));
			nlmsg_hdr(msg)->nlmsg_len = whole + more;
			expect_refusal(entry, msg, "bytes after the last attribute");
		}
	}
}

/* It is generic netlink itself that looks at headers, and it does so since Linux 6.1. */
static void need_strict_headers(void)
{
	int major = 0, minor = 0;
	struct utsname kernel;

	CHECK_OK(answer(uname(&kernel)));
	CHECK_EQ(sscanf(kernel.release, "%d.%d", &major, &minor), 2);
	if (major < 6 || (major == 6 && minor < 1))
		SKIP("generic netlink of Linux %d.%d takes any header", major, minor);
}

CASE_DESCRIBED(table_reserved_header_bits, "every operation: reserved header bits")
{
	need_strict_headers();
	make_objects();
	FOR_EACH_OPERATION(entry)
		for (int bit = 0; bit < 16; bit++) {
			struct nl_msg *msg = right_request(entry);
			struct genlmsghdr *header = nlmsg_data(nlmsg_hdr(msg));

			header->reserved = 1U << bit;
			expect_refusal(entry, msg, "a reserved bit of the header");
		}
}

/* flags that mean nothing to a question, each alone */
CASE_DESCRIBED(table_unknown_flags, "every operation: unknown flags")
{
	need_strict_headers();
	make_objects();
	FOR_EACH_OPERATION(entry)
		for (int bit = 0; bit < 16; bit++) {
			const int flag = 1 << bit;
			struct nl_msg *msg;

			if (flag & (NLM_F_REQUEST | NLM_F_ACK | NLM_F_ECHO))
				continue;
			msg = right_request(entry);
			nlmsg_hdr(msg)->nlmsg_flags |= flag;
			expect_refusal(entry, msg, "an unknown flag of the message");
		}
}

CASE_DESCRIBED(table_commands_that_are_not_there, "every operation: commands that are not there")
{
	make_objects();
	for (int command = 0; command < 256; command++) {
		bool known = false;

		FOR_EACH_OPERATION(entry)
			known |= entry->command == command;
		if (!known) {
			CHECK_EQ(exchange(request(command, 0), 0, NULL), -EOPNOTSUPP);
			CHECK_EQ(exchange(request(command, NLM_F_DUMP), 0, NULL), -EOPNOTSUPP);
		}
	}
}

static const struct netlink_attribute *find_filter(const struct netlink_operation *entry, int id)
{
	for (int i = 0; i < entry->filter_count; i++)
		if (entry->filter[i].id == id)
			return &entry->filter[i];
	return NULL;
}

CASE_DESCRIBED(table_dump_with_attributes, "every operation: dump with attributes")
{
	static const char zeroes[64];

	make_objects();
	FOR_EACH_OPERATION(entry)
		for (int id = 1; entry->dumps && id <= entry->last_attribute; id++) {
			const struct netlink_attribute *filter = find_filter(entry, id);

			for (int length = 0; length <= (int)sizeof(zeroes); length++) {
				bool right = filter &&
					     (filter->size ? length == filter->size : length > 0);
				struct nl_msg *msg = request(entry->command, NLM_F_DUMP);

				CHECK_EQ(nla_put(msg, id, length, zeroes), 0);
				if (right)
					CHECK_OK(exchange(msg, 0, NULL));
				else
					expect_refusal(entry, msg, "a dump with a wrong attribute");
			}
		}
}
