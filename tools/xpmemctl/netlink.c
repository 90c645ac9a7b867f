/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to the generic netlink family of the module. */
#include <errno.h>
#include <linux/xpmem.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "xpmemctl.h"

/* Until objects stand still for as long as one listing takes. */
#define DUMP_ATTEMPTS 10
#define DUMP_PAUSE_NS 5000000

struct reply {
	const struct attribute_set *set;
	struct json_object *array;	/* of the objects received */
	int error;			/* errno, as the module says it or as we find it */
	char message[256];		/* the module's own words, or empty */
	bool finished;
	bool interrupted;
};

static int finish(struct reply *reply, int error)
{
	reply->error = error;
	reply->finished = true;
	return NL_STOP;
}

static void read_message(struct reply *reply, struct nlmsghdr *header, size_t skip)
{
	struct nlattr *text;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS) || (size_t)nlmsg_datalen(header) < skip)
		return;
	text = nla_find((struct nlattr *)((char *)nlmsg_data(header) + NLMSG_ALIGN(skip)),
			nlmsg_datalen(header) - NLMSG_ALIGN(skip), NLMSGERR_ATTR_MSG);
	if (text)
		snprintf(reply->message, sizeof(reply->message), "%.*s", nla_len(text), (char *)nla_data(text));
}

static int on_object(struct nl_msg *message, void *data)
{
	struct reply *reply = data;
	struct nlattr *attributes[reply->set->maximum + 1];
	struct nla_policy policy[reply->set->maximum + 1];
	struct json_object *object;
	size_t i;

	memset(policy, 0, sizeof(policy));
	for (i = 0; i < reply->set->count; i++)
		policy[reply->set->attributes[i].id].type = reply->set->attributes[i].type == ATTRIBUTE_STRING ? NLA_STRING :
							     reply->set->attributes[i].type == ATTRIBUTE_U32 ? NLA_U32 : NLA_U64;
	if (genlmsg_parse(nlmsg_hdr(message), 0, attributes, reply->set->maximum, policy) < 0)
		return finish(reply, EBADMSG);
	object = json_from_attributes(reply->set, attributes);
	if (!object || json_object_array_add(reply->array, object)) {
		json_object_put(object);
		return finish(reply, ENOMEM);
	}
	return NL_OK;
}

static int on_interruption(struct nl_msg *message, void *data)
{
	struct reply *reply = data;

	(void)message;
	reply->interrupted = true;
	return NL_OK;
}

static int on_acknowledgement(struct nl_msg *message, void *data)
{
	(void)message;
	return finish(data, 0);
}

/* A dump that fails on its way says so in its last message. */
static int on_end_of_dump(struct nl_msg *message, void *data)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	int error = 0;

	if (nlmsg_datalen(header) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(header), sizeof(error));
	if (error < 0)
		read_message(data, header, sizeof(error));
	return finish(data, error < 0 ? -error : 0);
}

static int on_error(struct sockaddr_nl *sender, struct nlmsgerr *error, void *data)
{
	struct nlmsghdr *header = (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN);
	size_t skip = sizeof(*error);

	(void)sender;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
	read_message(data, header, skip);
	return finish(data, -error->error);
}

static int receive(struct netlink *netlink, struct reply *reply)
{
	struct nl_cb *callbacks = nl_cb_alloc(NL_CB_DEFAULT);
	int error = 0;

	if (!callbacks)
		return ENOMEM;
	nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, on_object, reply);
	nl_cb_set(callbacks, NL_CB_ACK, NL_CB_CUSTOM, on_acknowledgement, reply);
	nl_cb_set(callbacks, NL_CB_FINISH, NL_CB_CUSTOM, on_end_of_dump, reply);
	nl_cb_set(callbacks, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interruption, reply);
	nl_cb_err(callbacks, NL_CB_CUSTOM, on_error, reply);
	while (!reply->finished && error >= 0)
		error = nl_recvmsgs(netlink->socket, callbacks);
	nl_cb_put(callbacks);
	return reply->finished ? reply->error : error == -NLE_NOMEM ? ENOMEM : EIO;
}

/* On return reply->array is the caller's to put. */
static int request(struct netlink *netlink, const struct operation *operation, int flags, int64_t id, struct reply *reply)
{
	struct nl_msg *message = nlmsg_alloc();
	int error = ENOMEM;

	*reply = (struct reply){ .set = operation->set, .array = json_object_new_array() };
	if (message && reply->array &&
	    genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, netlink->family, 0, NLM_F_REQUEST | flags, operation->command,
			XPMEM_FAMILY_VERSION) &&
	    (!id || !nla_put_u64(message, operation->selector, id)))
		error = nl_send_auto(netlink->socket, message) < 0 ? EIO : receive(netlink, reply);
	nlmsg_free(message);
	return error;
}

static enum status explain(const struct operation *operation, int64_t id, int error, const char *message)
{
	char name[64], text[32] = "";

	if (id)
		json_format_id(text, sizeof(text), id);
	snprintf(name, sizeof(name), "%s%s%s", operation->set->name, id ? " " : "", text);
	if (!*message)
		message = error == ENOENT ? "nothing" : strerror(error);
	switch (error) {
	case ENOENT:
		return fail(STATUS_NOT_FOUND, "%s: %s that you may see; look for it with: xpmemctl list", name, message);
	case EPERM:
	case EACCES:
		return fail(STATUS_NOT_PERMITTED, "%s: %s; ask again as root", name, message);
	case EOPNOTSUPP:
		return fail(STATUS_FAILED, "%s: the loaded module does not know this request; load one as new as this tool", name);
	case EBADMSG:
		return fail(STATUS_FAILED, "%s: the module's answer makes no sense; use a tool as new as the module", name);
	default:
		return fail(STATUS_FAILED, "%s: %s", name, message);
	}
}

enum status netlink_open(struct netlink *netlink)
{
	int yes = 1, error;

	*netlink = (struct netlink){ .socket = nl_socket_alloc() };
	if (!netlink->socket)
		return fail(STATUS_FAILED, "out of memory");
	error = genl_connect(netlink->socket);
	if (!error)
		error = netlink->family = genl_ctrl_resolve(netlink->socket, XPMEM_FAMILY_NAME);
	if (error < 0) {
		netlink_close(netlink);
		if (error == -NLE_OBJ_NOTFOUND)
			return fail(STATUS_NO_MODULE, "the xpmem module is not loaded; load it with: modprobe xpmem");
		return fail(STATUS_FAILED, "generic netlink does not answer: %s", nl_geterror(error));
	}
	/* Without these options errors only lack the module's words. */
	setsockopt(nl_socket_get_fd(netlink->socket), SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof(yes));
	setsockopt(nl_socket_get_fd(netlink->socket), SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof(yes));
	nl_socket_enable_msg_peek(netlink->socket);
	return STATUS_OK;
}

void netlink_close(struct netlink *netlink)
{
	nl_socket_free(netlink->socket);
	netlink->socket = NULL;
}

enum status netlink_get(struct netlink *netlink, const struct operation *operation, int64_t id, struct json_object **object)
{
	struct reply reply;
	int error = request(netlink, operation, NLM_F_ACK, id, &reply);

	*object = NULL;
	if (!error && !json_object_array_length(reply.array))
		error = EBADMSG;
	if (!error)
		*object = json_object_get(json_object_array_get_idx(reply.array, 0));
	json_object_put(reply.array);
	return error ? explain(operation, id, error, reply.message) : STATUS_OK;
}

enum status netlink_dump(struct netlink *netlink, const struct operation *operation, struct json_object **array)
{
	const struct timespec pause = { .tv_nsec = DUMP_PAUSE_NS };
	struct reply reply;
	int attempt, error;

	*array = NULL;
	for (attempt = 1;; attempt++) {
		error = request(netlink, operation, NLM_F_DUMP, 0, &reply);
		if (error || !reply.interrupted || attempt == DUMP_ATTEMPTS)
			break;
		json_object_put(reply.array);
		nanosleep(&pause, NULL);
	}
	if (error) {
		json_object_put(reply.array);
		return explain(operation, 0, error, reply.message);
	}
	netlink->interrupted |= reply.interrupted;
	*array = reply.array;
	return STATUS_OK;
}
