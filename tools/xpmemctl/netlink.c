/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to the generic netlink family of the module. */
#include <errno.h>
#include <limits.h>
#include <linux/xpmem.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "xpmemctl.h"

/* Attempts to list objects while none of them changes. */
#define DUMP_ATTEMPTS 10
#define DUMP_PAUSE_NS 5000000

struct reply {
	const struct attribute_set *set;
	const struct filter *filter;	/* or NULL */
	visitor *visit;
	void *data;
	enum status status;		/* status of a visit that failed */
	int error;			/* errno, from the module or from this tool */
	char message[256];		/* the module's message, or empty */
	bool finished;
	bool interrupted;
};

/* error: 0, or an errno below zero. */
static int finish(struct reply *reply, int error)
{
	reply->error = error > 0 || error == INT_MIN ? EBADMSG : -error;
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
		snprintf(reply->message, sizeof(reply->message), "%.*s", nla_len(text),
			 (char *)nla_data(text));
}

void netlink_policy(const struct attribute_set *set, struct nla_policy *policy)
{
	size_t i;

	memset(policy, 0, (set->maximum + 1) * sizeof(*policy));
	for (i = 0; i < set->count; i++)
		policy[set->attributes[i].id].type =
			set->attributes[i].type == ATTRIBUTE_STRING ? NLA_STRING :
			set->attributes[i].type == ATTRIBUTE_U32    ? NLA_U32 :
								      NLA_U64;
}

static int on_object(struct nl_msg *message, void *data)
{
	struct reply *reply = data;
	struct nlattr *attributes[reply->set->maximum + 1];
	struct nla_policy policy[reply->set->maximum + 1];
	struct json_object *object;

	netlink_policy(reply->set, policy);
	if (genlmsg_parse(nlmsg_hdr(message), 0, attributes, reply->set->maximum, policy) < 0)
		return finish(reply, -EBADMSG);
	object = json_from_attributes(reply->set, attributes);
	if (!object)
		return finish(reply, -ENOMEM);
	reply->status = filter_matches(reply->filter, object) ?
				reply->visit(object, reply->data) :
				STATUS_OK;
	json_object_put(object);
	return reply->status == STATUS_OK ? NL_OK : finish(reply, -ECANCELED);
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

/* The last message of a dump has its error. */
static int on_end_of_dump(struct nl_msg *message, void *data)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	int error = 0;

	if (nlmsg_datalen(header) >= (int)sizeof(error))
		memcpy(&error, nlmsg_data(header), sizeof(error));
	if (error < 0)
		read_message(data, header, sizeof(error));
	return finish(data, error < 0 ? error : 0);
}

static int on_error(struct sockaddr_nl *sender, struct nlmsgerr *error, void *data)
{
	struct nlmsghdr *header = (struct nlmsghdr *)((char *)error - NLMSG_HDRLEN);
	size_t skip = sizeof(*error);

	(void)sender;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
	read_message(data, header, skip);
	return finish(data, error->error);
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

static enum status explain(const struct operation *operation, int64_t id, int error,
			   const char *message);

/* Reports the error, unless a visit has. */
static enum status request(struct netlink *netlink, const struct operation *operation, int flags,
			   int64_t id, const struct filter *filter, struct reply *reply)
{
	struct nl_msg *message = nlmsg_alloc();
	int error = ENOMEM;

	if (message &&
	    genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, netlink->family, 0,
			NLM_F_REQUEST | flags, operation->command, XPMEM_FAMILY_VERSION) &&
	    (!id || !nla_put_u64(message, operation->selector, id)) && filter_put(filter, message))
		error = nl_send_auto(netlink->socket, message) < 0 ? EIO : receive(netlink, reply);
	nlmsg_free(message);
	if (error == ECANCELED && reply->status != STATUS_OK)
		return reply->status;
	return error ? explain(operation, id, error, reply->message) : STATUS_OK;
}

enum status module_was_unloaded(void)
{
	return fail(STATUS_NO_MODULE,
		    "the xpmem module was unloaded; load it with: modprobe xpmem");
}

static enum status explain(const struct operation *operation, int64_t id, int error,
			   const char *message)
{
	char name[64], text[32] = "";

	if (id)
		json_format_id(text, sizeof(text), id);
	snprintf(name, sizeof(name), "%s%s%s", operation->set->name, id ? " " : "", text);
	/* The module says what it does not find, and this is the kernel, which lacks the family. */
	if (error == ENOENT && !*message)
		return module_was_unloaded();
	if (!*message)
		message = strerror(error);
	switch (error) {
	case ENOENT:
		return fail(STATUS_NOT_FOUND,
			    "%s: %s that you may see; look for it with: xpmemctl list", name,
			    message);
	case EPERM:
	case EACCES:
		return fail(STATUS_NOT_PERMITTED, "%s: %s; ask again as root", name, message);
	case EINVAL:
		return fail(
			STATUS_FAILED,
			"%s: the loaded module refuses this request (%s); load one as new as this tool",
			name, message);
	case EOPNOTSUPP:
		return fail(
			STATUS_FAILED,
			"%s: the loaded module does not know this request; load one as new as this tool",
			name);
	case EBADMSG:
		return fail(
			STATUS_FAILED,
			"%s: the module's answer is invalid; use a tool as new as the module",
			name);
	default:
		return fail(STATUS_FAILED, "%s: %s", name, message);
	}
}

bool network_namespace_is_first(void)
{
	static const char *const files[] = {
		"/proc/sys/net/core/netdev_max_backlog",
		"/proc/sys/net/core/netdev_budget",
		"/proc/sys/net/core/dev_weight",
	};
	char own[64] = "", first[64] = "";
	size_t i;

	/* Only an administrator may read the second, and in a container it is not the machine's. */
	if (readlink("/proc/self/ns/net", own, sizeof(own) - 1) > 0 &&
	    readlink("/proc/1/ns/net", first, sizeof(first) - 1) > 0 && strcmp(own, first))
		return false;
	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (!access(files[i], F_OK))
			return true;
	return access("/proc/sys/net/core/somaxconn", F_OK);
}

bool netlink_is_served(bool *usable)
{
	struct nl_sock *socket = nl_socket_alloc();
	bool served;

	*usable = socket && !genl_connect(socket);
	served = *usable && genl_ctrl_resolve(socket, XPMEM_FAMILY_NAME) >= 0;
	nl_socket_free(socket);
	return served;
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
		if (error == -NLE_OBJ_NOTFOUND && !access("/sys/module/xpmem", F_OK))
			return fail(
				STATUS_NO_MODULE,
				"a different xpmem module is loaded; see: xpmemctl doctor --table");
		if (error == -NLE_OBJ_NOTFOUND)
			return fail(STATUS_NO_MODULE,
				    "the xpmem module is not loaded; xpmemctl doctor says why; load it with: modprobe xpmem");
		return fail(STATUS_FAILED, "generic netlink does not answer: %s",
			    nl_geterror(error));
	}
	/* Without these options, errors only lack the module's message. */
	setsockopt(nl_socket_get_fd(netlink->socket), SOL_NETLINK, NETLINK_EXT_ACK, &yes,
		   sizeof(yes));
	setsockopt(nl_socket_get_fd(netlink->socket), SOL_NETLINK, NETLINK_CAP_ACK, &yes,
		   sizeof(yes));
	nl_socket_enable_msg_peek(netlink->socket);
	return STATUS_OK;
}

void netlink_close(struct netlink *netlink)
{
	nl_socket_free(netlink->socket);
	netlink->socket = NULL;
}

static enum status keep(struct json_object *object, void *data)
{
	struct json_object **kept = data;

	json_object_put(*kept);
	*kept = json_object_get(object);
	return STATUS_OK;
}

enum status netlink_get(struct netlink *netlink, const struct operation *operation, int64_t id,
			struct json_object **object)
{
	struct reply reply = { .set = operation->set, .visit = keep, .data = object };
	enum status status;

	*object = NULL;
	status = request(netlink, operation, NLM_F_ACK, id, NULL, &reply);
	if (status == STATUS_OK && !*object)
		status = explain(operation, id, EBADMSG, "");
	if (status != STATUS_OK) {
		json_object_put(*object);
		*object = NULL;
	}
	return status;
}

static enum status ignore(struct json_object *object, void *data)
{
	(void)object;
	(void)data;
	return STATUS_OK;
}

enum status netlink_do(struct netlink *netlink, const struct operation *operation, int64_t id)
{
	struct reply reply = { .set = operation->set, .visit = ignore };

	return request(netlink, operation, NLM_F_ACK, id, NULL, &reply);
}

enum status netlink_dump(struct netlink *netlink, const struct operation *operation,
			 const struct filter *filter, visitor *visit, void *data)
{
	struct reply reply = {
		.set = operation->set, .filter = filter, .visit = visit, .data = data
	};
	enum status status = request(netlink, operation, NLM_F_DUMP, 0, filter, &reply);

	netlink->interrupted |= reply.interrupted;
	return status;
}

enum status netlink_dump_whole(struct netlink *netlink, const struct operation *operation,
			       const struct filter *filter, visitor *visit,
			       void (*restart)(void *data), void *data)
{
	const struct timespec pause = { .tv_nsec = DUMP_PAUSE_NS };
	bool before = netlink->interrupted;
	enum status status;
	int attempt;

	for (attempt = 1;; attempt++) {
		netlink->interrupted = false;
		status = netlink_dump(netlink, operation, filter, visit, data);
		if (status != STATUS_OK || !netlink->interrupted || attempt == DUMP_ATTEMPTS)
			break;
		restart(data);
		nanosleep(&pause, NULL);
	}
	netlink->interrupted |= before;
	return status;
}

static enum status append(struct json_object *object, void *data)
{
	return json_object_array_add(data, json_object_get(object)) ? out_of_memory() : STATUS_OK;
}

static void empty(void *array)
{
	json_object_array_del_idx(array, 0, json_object_array_length(array));
}

enum status netlink_collect(struct netlink *netlink, const struct operation *operation,
			    const struct filter *filter, struct json_object **array)
{
	enum status status;

	*array = json_object_new_array();
	if (!*array)
		return out_of_memory();
	status = netlink_dump_whole(netlink, operation, filter, append, empty, *array);
	if (status != STATUS_OK) {
		json_object_put(*array);
		*array = NULL;
	}
	return status;
}
