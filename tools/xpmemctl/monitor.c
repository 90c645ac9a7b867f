/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events as they happen, one document a line. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/xpmem.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "xpmemctl.h"

/* Room for some ten thousand unread events. The kernel may grant less. */
#define BUFFER_SIZE (16 << 20)

static volatile sig_atomic_t ended;

struct monitor {
	struct netlink netlink;		/* for snapshots */
	struct nl_sock *socket;		/* for events */
	uint64_t latest;		/* time of the last event that was read */
	int count;			/* of the terms, pairs of arguments */
	char **terms;
};

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static enum status check_event(const char *name)
{
	char names[256] = "present";
	size_t i, length = strlen(names);
	struct guess guess;

	guess_begin(&guess, name);
	guess_add(&guess, "present");
	for (i = 0; i < EVENT_COUNT && strcmp(events[i].name, name) && length < sizeof(names);
	     i++) {
		length += snprintf(names + length, sizeof(names) - length, ", %s", events[i].name);
		guess_add(&guess, events[i].name);
	}
	return i < EVENT_COUNT || !strcmp(name, "present") ? STATUS_OK :
	       fail(STATUS_USAGE, "\"%s\" is not an event; events are %s%s", name, names,
		    guess_text(&guess, "; ", ""));
}

/* The kind of a word, which may be a plural, or NULL. */
static const char *kind_of(const char *name)
{
	size_t i, length;

	for (i = 0; i < EVENT_COUNT; i++) {
		length = strlen(events[i].set->name);
		if (!strncmp(events[i].set->name, name, length) &&
		    (!name[length] || !strcmp(name + length, "s")))
			return events[i].set->name;
	}
	return NULL;
}

static enum status check_kind(const char *name)
{
	struct guess guess;
	size_t i;

	guess_begin(&guess, name);
	for (i = 0; i < EVENT_COUNT; i++)
		guess_add(&guess, events[i].set->name);
	if (kind_of(name))
		return STATUS_OK;
	return fail(
		STATUS_USAGE,
		"\"%s\" is not a kind of event; give segment, permit, attachment, limit or refusal%s",
		name, guess_text(&guess, "; ", ""));
}

static enum status refuse_key(const char *key)
{
	struct guess guess;
	size_t i, j;

	guess_begin(&guess, key);
	guess_add(&guess, "event");
	guess_add(&guess, "kind");
	guess_add(&guess, "comm");
	for (i = 0; i < EVENT_COUNT; i++)
		for (j = 0; j < events[i].set->count; j++)
			guess_add(&guess, events[i].set->attributes[j].key);
	return fail(STATUS_USAGE,
		    "cannot select events by \"%s\"; give event, kind, comm or a key of the events' objects%s",
		    key, guess_text(&guess, "; ", ""));
}

/* At least one event must have the key and the value. */
static enum status check_term(const char *key, const char *text)
{
	const struct attribute *attribute, *known = NULL;
	uint64_t number;
	size_t i;

	if (!strcmp(key, "event"))
		return check_event(text);
	if (!strcmp(key, "kind"))
		return check_kind(text);
	if (is_command_key(key))
		return STATUS_OK;
	for (i = 0; i < EVENT_COUNT; i++) {
		attribute = attribute_of_key(events[i].set, filter_key(key));
		if (attribute && parse_value(attribute, text, &number))
			return STATUS_OK;
		known = attribute ? attribute : known;
	}
	return known ? refuse_value(known, text) : refuse_key(key);
}

static enum status check_terms(int count, char **terms)
{
	enum status status = STATUS_OK;
	int i;

	for (i = 0; i < count && status == STATUS_OK; i += 2)
		status = i + 1 == count ? fail(STATUS_USAGE, "\"%s\" lacks a value", terms[i]) :
					  check_term(terms[i], terms[i + 1]);
	return status;
}

/* Compares ids in any notation. */
static bool is_value(const struct attribute *attribute, const char *actual, const char *wanted)
{
	uint64_t number, other;

	if (!attribute || !actual)
		return false;
	if (attribute->type == ATTRIBUTE_STRING || !strcmp(actual, wanted))
		return !strcmp(actual, wanted);
	return parse_value(attribute, actual, &number) && parse_value(attribute, wanted, &other) &&
	       number == other;
}

static bool is_wanted(const struct monitor *monitor, const char *event,
		      const struct attribute_set *set, struct json_object *object)
{
	bool wanted = true;
	int i;

	for (i = 0; i < monitor->count && wanted; i += 2) {
		const char *key = monitor->terms[i], *text = monitor->terms[i + 1];

		if (!strcmp(key, "event"))
			wanted = !strcmp(event, text);
		else if (!strcmp(key, "kind"))
			wanted = !strcmp(set->name, kind_of(text));
		else if (is_command_key(key))
			wanted = filter_matches(&(struct filter){ .command = text }, object);
		else
			wanted = is_value(attribute_of_key(set, filter_key(key)),
					  json_text(object, filter_key(key)), text);
	}
	return wanted;
}

static void put_value(const char *key, struct json_object *value)
{
	output_value(key, value);
	json_object_put(value);
}

/* The time, the event, the kind of its object, and the object. */
static void print_for_people(const char *event, uint64_t time, const char *reason,
			     const struct attribute_set *set, struct json_object *object)
{
	struct columns columns = { .count = 0 };
	char text[64];
	size_t i;

	text_local_time(text, sizeof(text), FORMAT_DATE, time / 1000000000);
	printf("%s.%03u %s", text, (unsigned int)(time / 1000000 % 1000), event);
	if (set)
		printf(" %s", set->name);
	if (reason)
		printf(" (%s)", reason);
	if (set)
		columns_choose(&columns, set, NULL);
	for (i = 0; i < columns.count; i++) {
		const struct attribute *attribute = columns.items[i];
		struct json_object *value = column_value(object, attribute->key);

		if (value && (options.columns || attribute->form != FORM_COUNTER)) {
			printf(" %s ", attribute->key);
			table_print_cell(stdout, attribute, value);
		}
		json_object_put(value);
	}
	putchar('\n');
}

/* time: nanoseconds since 1970. The object may be NULL. */
static enum status print_event(const char *event, uint64_t time, const char *reason,
			       const struct attribute_set *set, struct json_object *object)
{
	if (options.format == FORMAT_TABLE) {
		print_for_people(event, time, reason, set, object);
		return output_finish();
	}
	output_begin();
	put_value("event", json_object_new_string(event));
	put_value("time", json_time(time));
	if (reason)
		put_value("reason", json_object_new_string(reason));
	if (object) {
		object = columns_select(object);
		if (!object)
			return out_of_memory();
		put_value(set->name, object);
	}
	return output_end();
}

static enum status print_mark(const char *event)
{
	return print_event(event, now(), NULL, NULL, NULL);
}

static enum status print_present(struct json_object *object, void *data)
{
	const void *const *of = data;
	const struct monitor *monitor = of[0];
	const struct attribute_set *set = of[1];

	if (!is_wanted(monitor, "present", set, object))
		return STATUS_OK;
	return print_event("present", now(), NULL, set, object);
}

/* Prints the existing objects. Events of changes meanwhile wait in the socket. */
static enum status print_snapshot(struct monitor *monitor)
{
	enum status status = print_mark("snapshot_begin");
	int i;

	for (i = NOUN_SEGMENT; i < NOUN_COUNT && status == STATUS_OK; i++) {
		const void *of[] = { monitor, nouns[i].get->set };

		status = netlink_dump(&monitor->netlink, nouns[i].get, NULL, print_present, of);
	}
	return status == STATUS_OK ? print_mark("snapshot_complete") : status;
}

static enum status handle_event(struct monitor *monitor, struct nlmsghdr *header)
{
	const struct genlmsghdr *generic = nlmsg_data(header);
	const struct event *event = events;
	struct json_object *object;
	enum status status = STATUS_OK;
	const char *reason;
	size_t i;

	for (i = 0; i < EVENT_COUNT && events[i].command != generic->cmd; i++)
		;
	if (i == EVENT_COUNT)
		return STATUS_OK;
	event = &events[i];
	struct nlattr *attributes[event->set->maximum + 1];
	struct nla_policy policy[event->set->maximum + 1];

	netlink_policy(event->set, policy);
	if (genlmsg_parse(header, 0, attributes, event->set->maximum, policy) < 0)
		return fail(STATUS_FAILED, "an event is invalid; use a tool as new as the module");
	object = json_from_attributes(event->set, attributes);
	if (!object)
		return out_of_memory();
	monitor->latest = json_number(object, "time");
	forget_processes();
	reason = json_text(object, "reason");
	if (is_wanted(monitor, event->name, event->set, object)) {
		char said[32];

		snprintf(said, sizeof(said), "%s", reason ? reason : "");
		json_object_object_del(object, "time");
		json_object_object_del(object, "reason");
		status = print_event(event->name, monitor->latest, *said ? said : NULL, event->set,
				     object);
	}
	json_object_put(object);
	return status;
}

static bool is_end_of_module(struct nlmsghdr *header)
{
	const struct genlmsghdr *generic = nlmsg_data(header);
	struct nlattr *name = nlmsg_find_attr(header, GENL_HDRLEN, CTRL_ATTR_FAMILY_NAME);

	return header->nlmsg_type == GENL_ID_CTRL && generic->cmd == CTRL_CMD_DELFAMILY && name &&
	       !nla_strcmp(name, XPMEM_FAMILY_NAME);
}

static enum status handle_message(struct monitor *monitor, struct nlmsghdr *header, int length)
{
	for (; nlmsg_ok(header, length); header = nlmsg_next(header, &length)) {
		enum status status = STATUS_OK;

		if (nlmsg_datalen(header) < (int)GENL_HDRLEN)
			continue;
		if (is_end_of_module(header))
			return module_was_unloaded();
		if (header->nlmsg_type == monitor->netlink.family)
			status = handle_event(monitor, header);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

/*
 * Reads one message, if there is one. error: 0, or EAGAIN when there is none, or ENOBUFS when
 * events were lost.
 */
static enum status receive(struct monitor *monitor, int *error)
{
	static unsigned char buffer[1 << 16];
	ssize_t length =
		recv(nl_socket_get_fd(monitor->socket), buffer, sizeof(buffer), MSG_DONTWAIT);

	*error = length < 0 ? errno : 0;
	if (length >= 0)
		return handle_message(monitor, (struct nlmsghdr *)buffer, length);
	return *error == EAGAIN || *error == EINTR || *error == ENOBUFS ? STATUS_OK :
	       fail(STATUS_FAILED, "cannot receive events: %s", strerror(*error));
}

/*
 * Events were lost. The kernel reports this at once, while older events are still queued, and
 * silently drops further ones until the queue is empty. So read the queue to its end first: then no
 * event from before the loss follows the snapshot, and the kernel drops no event after it. An event
 * that is younger than this call was queued after the queue had been empty, so the loop may end
 * there under constant load.
 */
static enum status recover(struct monitor *monitor)
{
	uint64_t noticed = now();
	enum status status;
	int error;

	do {
		status = receive(monitor, &error);
		if (error == ENOBUFS)
			noticed = now();
	} while (status == STATUS_OK && error != EAGAIN && monitor->latest < noticed && !ended);
	if (status == STATUS_OK)
		status = print_mark("lost");
	return status == STATUS_OK && options.snapshot ? print_snapshot(monitor) : status;
}

static enum status follow(struct monitor *monitor, const sigset_t *unblocked)
{
	struct pollfd ready = { .fd = nl_socket_get_fd(monitor->socket), .events = POLLIN };
	enum status status = STATUS_OK;
	int error;

	while (status == STATUS_OK && !ended) {
		if (ppoll(&ready, 1, NULL, unblocked) < 0)
			continue;
		status = receive(monitor, &error);
		if (status == STATUS_OK && error == ENOBUFS)
			status = recover(monitor);
	}
	return status;
}

static enum status join(struct nl_sock *socket, const char *family, const char *name)
{
	int group = genl_ctrl_resolve_grp(socket, family, name);

	if (group < 0)
		return fail(
			STATUS_FAILED,
			"the module sends no events, because this kernel cannot restrict listening to them");
	if (!setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			sizeof(group)))
		return STATUS_OK;
	if (errno == EPERM)
		return fail(STATUS_NOT_PERMITTED,
			    "events require CAP_SYS_ADMIN; run monitor as root");
	return fail(STATUS_FAILED, "cannot listen to events: %s", strerror(errno));
}

static enum status open_events(struct monitor *monitor)
{
	const int size = BUFFER_SIZE;
	enum status status;

	if (!network_namespace_is_first())
		return fail(STATUS_FAILED,
			    "events reach the machine's first network namespace only, and this is another one; "
			    "run on the host: nsenter --net=/proc/1/ns/net xpmemctl monitor");

	monitor->socket = nl_socket_alloc();
	if (!monitor->socket)
		return out_of_memory();
	if (genl_connect(monitor->socket))
		return fail(STATUS_FAILED, "generic netlink does not answer");
	if (setsockopt(nl_socket_get_fd(monitor->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		       sizeof(size)))
		setsockopt(nl_socket_get_fd(monitor->socket), SOL_SOCKET, SO_RCVBUF, &size,
			   sizeof(size));
	status = join(monitor->socket, XPMEM_FAMILY_NAME, XPMEM_GROUP_EVENTS);
	return status == STATUS_OK ? join(monitor->socket, "nlctrl", "notify") : status;
}

enum status monitor(int count, char **arguments)
{
	char *words[2 * count + 1];
	struct monitor monitor = { .count = filter_split(count, arguments, words),
				   .terms = words };
	static const struct attribute_set *const sets[] = {
		&segment_attributes, &permit_attributes, &attachment_attributes, &limit_attributes,
		&refusal_attributes, NULL,
	};
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked, unblocked;
	enum status status = check_terms(monitor.count, words);

	if (status == STATUS_OK)
		status = columns_check(sets);
	if (status == STATUS_OK)
		status = netlink_open(&monitor.netlink);
	if (status != STATUS_OK)
		return status;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &unblocked);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	names_of_first_namespaces();
	status = open_events(&monitor);
	if (status == STATUS_OK && options.snapshot)
		status = print_snapshot(&monitor);
	if (status == STATUS_OK)
		status = follow(&monitor, &unblocked);
	nl_socket_free(monitor.socket);
	netlink_close(&monitor.netlink);
	return status;
}
