/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests without a module: replies and events that are cut short, garbled or made up. The tool must
 * end with a status, and its output must be JSON. --wrap redirects nl_send_auto() and
 * nl_recvmsgs() to this file.
 */
#include <json-c/json.h>
#include <netlink/handlers.h>
#include <sanitizer/common_interface_defs.h>
#include <stdlib.h>
#include <unistd.h>

#include "monitor.c"

#define ROUNDS 20000
#define FAMILY 30

struct options options;

static FILE *report;
static int failures;
static uint64_t state = 88172645463325252;	/* of a xorshift generator, the same in every run */

static unsigned int roll(unsigned int sides)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % sides;
}

static unsigned char reply[1 << 14];
static size_t reply_length;
static bool delivered;

int __wrap_nl_send_auto(struct nl_sock *socket, struct nl_msg *message);
int __wrap_nl_recvmsgs(struct nl_sock *socket, struct nl_cb *callbacks);
int __real_nl_recvmsgs(struct nl_sock *socket, struct nl_cb *callbacks);

static uint32_t sequence;

int __wrap_nl_send_auto(struct nl_sock *socket, struct nl_msg *message)
{
	nl_complete_msg(socket, message);
	sequence = nlmsg_hdr(message)->nlmsg_seq;
	return 1;
}

static int deliver(struct nl_sock *socket, struct sockaddr_nl *from, unsigned char **buffer,
		   struct ucred **credentials)
{
	struct nlmsghdr *header;

	(void)socket;
	(void)credentials;
	if (delivered || !reply_length)
		return -NLE_AGAIN;
	delivered = true;
	*from = (struct sockaddr_nl){ .nl_family = AF_NETLINK };
	*buffer = malloc(reply_length);
	if (!*buffer)
		abort();
	memcpy(*buffer, reply, reply_length);
	/* The kernel never gets these wrong, and libnl looks at them. */
	for (size_t place = 0; place + sizeof(*header) <= reply_length;
	     place += NLMSG_ALIGN(header->nlmsg_len)) {
		header = (struct nlmsghdr *)(*buffer + place);
		header->nlmsg_seq = sequence;
		if (header->nlmsg_len < sizeof(*header) || header->nlmsg_len > reply_length)
			break;
	}
	return reply_length;
}

int __wrap_nl_recvmsgs(struct nl_sock *socket, struct nl_cb *callbacks)
{
	nl_cb_overwrite_recv(callbacks, deliver);
	return __real_nl_recvmsgs(socket, callbacks);
}

static void append(struct nl_msg *message)
{
	struct nlmsghdr *header = nlmsg_hdr(message);

	memcpy(reply + reply_length, header, header->nlmsg_len);
	reply_length += NLMSG_ALIGN(header->nlmsg_len);
	nlmsg_free(message);
}

static void append_objects(const struct attribute_set *set, int command, int flags)
{
	struct nl_msg *message = nlmsg_alloc();
	size_t i;

	if (!message || !genlmsg_put(message, 0, 0, FAMILY, 0, flags, command, 1))
		abort();
	for (i = 0; i < set->count; i++) {
		const struct attribute *attribute = &set->attributes[i];

		if (attribute->type == ATTRIBUTE_STRING)
			nla_put_string(message, attribute->id, "a \"name\"\t\\");
		else if (attribute->type == ATTRIBUTE_U32)
			nla_put_u32(message, attribute->id, roll(3));
		else
			nla_put_u64(message, attribute->id, state);
	}
	append(message);
}

static void append_end(int error)
{
	struct nl_msg *message = nlmsg_alloc_simple(NLMSG_DONE, NLM_F_MULTI);

	if (!message || nlmsg_append(message, &error, sizeof(error), 0))
		abort();
	append(message);
}

/* text: of the module; NULL: the kernel refuses. */
static void append_refusal(int error, const char *text)
{
	struct nl_msg *message = nlmsg_alloc_simple(NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED);
	struct nlmsgerr refusal = { .error = error, .msg.nlmsg_len = NLMSG_HDRLEN };

	if (!message || nlmsg_append(message, &refusal, sizeof(refusal), NLMSG_ALIGNTO))
		abort();
	if (text)
		nla_put_string(message, NLMSGERR_ATTR_MSG, text);
	append(message);
}

/* Bytes, lengths and types that are wrong, and an end that comes early. */
static void garble(void)
{
	unsigned int changes = roll(8), i;

	for (i = 0; i < changes && reply_length; i++) {
		size_t place = roll(reply_length);

		switch (roll(4)) {
		case 0:
			reply[place] = roll(256);
			break;
		case 1:
			reply[place & ~(size_t)3] = roll(64);
			break;
		case 2:
			memset(reply + place, roll(2) ? 0xff : 0,
			       reply_length - place < 8 ? reply_length - place : 8);
			break;
		default:
			reply_length = place;
		}
	}
}

static enum status see(struct json_object *object, void *data)
{
	struct json_object *again = json_tokener_parse(json_object_to_json_string(object));

	(void)data;
	/* json-c before 0.14 reads no number above INT64_MAX. */
	if (!again || (JSON_C_VERSION_NUM >= 14 << 8 && !json_object_equal(again, object))) {
		fprintf(report, "not JSON: %s\n", json_object_to_json_string(object));
		failures++;
	}
	json_object_put(again);
	return STATUS_OK;
}

/* A row of what was received, which is dropped. */
static enum status see_row(struct json_object *object, void *data)
{
	return table_row(data, object) ? STATUS_OK : out_of_memory();
}

/* Tables of what is received; only the sanitizers look at them. */
static void test_tables(void)
{
	struct netlink netlink = { .family = FAMILY };
	FILE *file = fopen("/dev/null", "w"), *real = stdout;
	struct table table;
	int round;

	if (!file)
		abort();
	stdout = file;
	for (round = 0; round < ROUNDS / 10; round++) {
		const struct noun *noun = &nouns[roll(NOUN_COUNT)];
		unsigned int objects = roll(4);

		netlink.socket = nl_socket_alloc();
		reply_length = 0;
		delivered = false;
		while (objects--)
			append_objects(noun->get->set, noun->get->command, NLM_F_MULTI);
		append_end(0);
		if (round % 10)
			garble();
		table_begin(&table, noun->plural, true, noun->get->set,
			    roll(2) ? noun->columns : NULL);
		if (netlink_dump(&netlink, noun->get, NULL, see_row, &table) == STATUS_OK)
			table_end(&table);
		else
			table_drop(&table);
		nl_socket_free(netlink.socket);
	}
	stdout = real;
	fclose(file);
}

static void test_replies(void)
{
	static const struct operation *const operations[] = {
		&operation_info_get,	   &operation_segment_get,  &operation_permit_get,
		&operation_attachment_get, &operation_exporter_get, &operation_stats_get,
	};
	struct netlink netlink = { .family = FAMILY };
	int round, statuses[STATUS_NOT_FOUND + 1] = { 0 };
	struct json_object *object;
	enum status status;

	for (round = 0; round < ROUNDS; round++) {
		const struct operation *operation = operations[roll(6)];
		unsigned int objects = roll(4);

		netlink.socket = nl_socket_alloc();
		reply_length = 0;
		delivered = false;
		while (objects--)
			append_objects(operation->set, operation->command, NLM_F_MULTI);
		if (roll(4))
			append_end(roll(4) ? 0 : -(int)roll(100));
		else
			append_refusal(-(int)roll(40), "no such thing");
		if (round % 10)
			garble();
		if (roll(2)) {
			status = netlink_dump(&netlink, operation, NULL, see, NULL);
		} else {
			status = netlink_get(&netlink, operation, 1, &object);
			if (status == STATUS_OK)
				see(object, NULL);
			json_object_put(object);
		}
		statuses[status]++;
		nl_socket_free(netlink.socket);
	}
	fprintf(report, "replies: %d taken, %d failed, %d refused, %d not found\n",
		statuses[STATUS_OK], statuses[STATUS_FAILED], statuses[STATUS_NOT_PERMITTED],
		statuses[STATUS_NOT_FOUND]);
	if (!statuses[STATUS_OK] || !statuses[STATUS_FAILED] || !statuses[STATUS_NOT_PERMITTED] ||
	    !statuses[STATUS_NOT_FOUND])
		failures++;
}

static void expect_status(const char *text, enum status expected)
{
	struct netlink netlink = { .family = FAMILY, .socket = nl_socket_alloc() };
	enum status status;

	reply_length = 0;
	delivered = false;
	append_refusal(-ENOENT, text);
	status = netlink_dump(&netlink, &operation_segment_get, NULL, see, NULL);
	if (status != expected) {
		fprintf(report, "ENOENT, %s: status %d\n", text ? text : "no text", status);
		failures++;
	}
	nl_socket_free(netlink.socket);
}

/* The module says what does not exist, and the kernel answers in its place once it is unloaded. */
static void test_unloaded(void)
{
	expect_status("no such segment", STATUS_NOT_FOUND);
	expect_status(NULL, STATUS_NO_MODULE);
}

/* Collects the output of monitor and reads it again. */
static void test_events(void)
{
	struct monitor monitor = { .netlink.family = FAMILY };
	FILE *file = tmpfile(), *real = stdout;
	int round, lines = 0;
	char line[1 << 14];

	if (!file)
		abort();
	stdout = file;
	for (round = 0; round < ROUNDS; round++) {
		const struct event *event = &events[roll(EVENT_COUNT)];
		unsigned char *exact;

		reply_length = 0;
		append_objects(event->set, event->command, 0);
		if (round % 10)
			garble();
		exact = malloc(reply_length + 1);
		if (!exact)
			abort();
		memcpy(exact, reply, reply_length);
		handle_message(&monitor, (struct nlmsghdr *)exact, reply_length);
		free(exact);
	}
	stdout = real;
	rewind(file);
	while (fgets(line, sizeof(line), file)) {
		struct json_object *document = json_tokener_parse(line);

		if (!document) {
			fprintf(report, "not JSON: %s", line);
			failures++;
		}
		json_object_put(document);
		lines++;
	}
	fclose(file);
	fprintf(report, "events: %d documents\n", lines);
	if (lines < ROUNDS / 10)
		failures++;
}

/* Texts of monitor name the kind of each object, after the event. */
static void test_texts(void)
{
	struct monitor monitor = { .netlink.family = FAMILY };
	FILE *file = tmpfile(), *real = stdout;
	char line[1 << 12], date[16], hour[16], name[64], kind[64];
	size_t i;

	if (!file)
		abort();
	stdout = file;
	for (i = 0; i < EVENT_COUNT; i++) {
		reply_length = 0;
		append_objects(events[i].set, events[i].command, 0);
		handle_message(&monitor, (struct nlmsghdr *)reply, reply_length);
	}
	stdout = real;
	rewind(file);
	for (i = 0; i < EVENT_COUNT; i++)
		if (!fgets(line, sizeof(line), file) ||
		    sscanf(line, "%15s %15s %63s %63s", date, hour, name, kind) != 4 ||
		    strcmp(name, events[i].name) || strcmp(kind, events[i].set->name)) {
			fprintf(report, "not the text of %s: %s\n", events[i].name, line);
			failures++;
		}
	fclose(file);
}

int main(void)
{
	int copy = dup(STDERR_FILENO);

	report = copy < 0 ? NULL : fdopen(copy, "w");
	/* Errors are said, many times. What the sanitizers say is not among them. */
	__sanitizer_set_report_fd((void *)(intptr_t)copy);
	if (!report || !freopen("/dev/null", "w", stderr))
		return 1;
	options.format = FORMAT_TABLE;
	test_replies();
	test_unloaded();
	test_tables();
	test_texts();
	options.format = FORMAT_JSON;
	test_events();
	fclose(report);
	return failures ? 1 : 0;
}
