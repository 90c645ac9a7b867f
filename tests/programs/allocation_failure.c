/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each operation is repeated with its first, its second, ... allocation or user copy failing, until it runs
 * through without a failure. What fails is refused with the right error, changes nothing, and works when it
 * is tried again. Needs a kernel with fault injection (fail-nth).
 */
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device.h"

#define LENGTH (4 * PAGE)
#define WINDOW (2 * MIB)
#define MOST 200	/* failures that a sweep may take */
#define WINDOWS 240	/* of 2 MiB, of which each fault takes a new one */

static int injection;

static void prepare_injection(void)
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
}

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

/* --- how many objects there are, by netlink without anything that allocates in this process --- */

struct message {
	struct nlmsghdr header;
	struct genlmsghdr command;
	char attributes[48];
};

static int family;

static long nl_request(int type, int flags, int command, int attribute, const void *value, int length, char *reply, int room)
{
	struct message message = {
		.header = { .nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags },
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

static uint64_t nl_value(const char *reply, int wanted)
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)reply;
	const char *at = reply + NLMSG_LENGTH(GENL_HDRLEN), *end = reply + header->nlmsg_len;
	uint64_t value = 0;

	while (at < end) {
		const struct nlattr *nla = (const struct nlattr *)at;

		if (nla->nla_type == wanted) {
			memcpy(&value, at + NLA_HDRLEN, nla->nla_len - NLA_HDRLEN);
			return value;
		}
		at += NLA_ALIGN(nla->nla_len);
	}
	FAIL("no attribute %d in the reply", wanted);
}

static long objects(void)
{
	char reply[4096];

	if (!family) {
		CHECK_OK(nl_request(GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, XPMEM_FAMILY_NAME,
				    sizeof(XPMEM_FAMILY_NAME), reply, sizeof(reply)));
		family = nl_value(reply, CTRL_ATTR_FAMILY_ID);
	}
	CHECK_OK(nl_request(family, 0, XPMEM_NL_CMD_INFO_GET, 0, NULL, 0, reply, sizeof(reply)));
	return nl_value(reply, XPMEM_A_INFO_SEGMENTS) + nl_value(reply, XPMEM_A_INFO_PERMITS) +
	       nl_value(reply, XPMEM_A_INFO_ATTACHMENTS);
}

/* --- the sweep --- */

struct sweep {
	void (*prepare)(void);			/* before each attempt */
	long (*attempt)(void);
	void (*undo)(long result);		/* after each that succeeded, injected or not */
	void (*unchanged)(void);		/* checks after each that failed */
};

static bool is_refusal(long result)
{
	return result == -ENOMEM || result == -EFAULT;
}

static void run(const struct sweep *sweep)
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

/* --- memory of a peer, and objects of this process --- */

static struct peer *exporter;
static long source, segid, apid, at;

static void start(void)
{
	prepare_injection();
	CHECK_OK(device_open());
	exporter = peer_start();
	source = CHECK_OK(on(exporter, do_map, LENGTH));
	CHECK_OK(on(exporter, do_fill, source, LENGTH, 1));
	segid = CHECK_OK(on(exporter, do_export, source, LENGTH));
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
}

static long mappings(void)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");
	long count = 0;

	CHECK(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "[xpmem]") != NULL;
	fclose(maps);
	return count;
}

static void nothing_is_mapped(void)
{
	CHECK_EQ(mappings(), 0);
}

static long attempt_open(void)
{
	return answer(open("/dev/xpmem", O_RDWR | O_CLOEXEC));
}

static void undo_open(long descriptor)
{
	close(descriptor);
}

CASE(open)
{
	start();
	run(&(struct sweep){ .attempt = attempt_open, .undo = undo_open });
}

static long attempt_query(void)
{
	return QUERY((&SIZED(xpmem_ioc_query, .flags = 0)));
}

CASE(query)
{
	start();
	run(&(struct sweep){ .attempt = attempt_query });
}

/* The first segment of a process makes its space. */
static void in_a_new_space(void)
{
	static long page;

	if (!page)
		page = map_anonymous(PAGE);
	at = page;
}

static long attempt_make(void)
{
	return MAKE(.vaddr = at, .length = PAGE, .mode = 0600, .name = "swept");
}

static void undo_make(long id)
{
	CHECK_OK(REMOVE(.segid = id));
}

CASE(make)
{
	start();
	run(&(struct sweep){ .prepare = in_a_new_space, .attempt = attempt_make, .undo = undo_make });
}

static void make_one(void)
{
	in_a_new_space();
	segid = CHECK_OK(attempt_make());
}

static long attempt_remove(void)
{
	return REMOVE(.segid = segid);
}

CASE(remove)
{
	start();
	run(&(struct sweep){ .prepare = make_one, .attempt = attempt_remove });
}

static long attempt_get(void)
{
	return GET(.segid = segid, .flags = XPMEM_GET_RDWR);
}

static void undo_get(long id)
{
	CHECK_OK(RELEASE(.apid = id));
}

CASE(get)
{
	start();
	run(&(struct sweep){ .attempt = attempt_get, .undo = undo_get });
}

static int descriptor;

static long attempt_get_fd(void)
{
	return GET(.fd = descriptor, .flags = XPMEM_GET_RDWR | XPMEM_GET_FD);
}

static long attempt_segment_fd(void)
{
	return SEGMENT_FD(.segid = segid, .flags = XPMEM_GET_RDWR);
}

static void undo_segment_fd(long number)
{
	close(number);
}

CASE(segment_fd)
{
	start();
	make_one();
	run(&(struct sweep){ .attempt = attempt_segment_fd, .undo = undo_segment_fd });
	descriptor = CHECK_OK(attempt_segment_fd());
	run(&(struct sweep){ .attempt = attempt_get_fd, .undo = undo_get });
}

static long attempt_attach(void)
{
	return ATTACH(.apid = apid, .length = LENGTH);
}

static void undo_attach(long address)
{
	CHECK_EQ(verify(address, LENGTH, 1), 0);
	CHECK_OK(DETACH(.vaddr = address));
	nothing_is_mapped();
}

CASE(attach)
{
	start();
	run(&(struct sweep){ .attempt = attempt_attach, .undo = undo_attach, .unchanged = nothing_is_mapped });
}

/* a populated attachment never fails for want of memory: what is not mapped is faulted later */
static long attempt_attach_populated(void)
{
	return ATTACH(.apid = apid, .length = LENGTH, .flags = XPMEM_ATTACH_POPULATE);
}

CASE(attach_populated)
{
	start();
	run(&(struct sweep){ .attempt = attempt_attach_populated, .undo = undo_attach, .unchanged = nothing_is_mapped });
}

/* private, shared and private pages: three mappings in one attachment */
static long do_map_mixed(const long *none)
{
	int file = memory_file(PAGE);
	long start = map_anonymous(LENGTH);

	(void)none;
	map_over(start + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	fill(start, LENGTH, 1);
	return start;
}

CASE(attach_mixed)
{
	start();
	source = CHECK_OK(on(exporter, do_map_mixed, 0));
	apid = CHECK_OK(GET(.segid = CHECK_OK(on(exporter, do_export, source, LENGTH)), .flags = XPMEM_GET_RDWR));
	at = CHECK_OK(attempt_attach());
	CHECK_EQ(mappings(), 3);
	CHECK_OK(DETACH(.vaddr = at));
	run(&(struct sweep){ .attempt = attempt_attach, .undo = undo_attach, .unchanged = nothing_is_mapped });
}

static long place;

static long attempt_attach_fixed(void)
{
	return ATTACH(.apid = apid, .length = LENGTH, .vaddr = place, .flags = XPMEM_ATTACH_FIXED);
}

CASE(attach_fixed)
{
	start();
	place = map_anonymous(LENGTH);
	unmap(place, LENGTH);
	run(&(struct sweep){ .attempt = attempt_attach_fixed, .undo = undo_attach, .unchanged = nothing_is_mapped });
}

static void attach_one(void)
{
	at = CHECK_OK(attempt_attach());
	CHECK_EQ(verify(at, LENGTH, 1), 0);
}

static void still_attached(void)
{
	CHECK_EQ(verify(at, LENGTH, 1), 0);
	CHECK_OK(store(at, load(at)));
}

static void undo_attach_one(long result)
{
	(void)result;
	still_attached();
	CHECK_OK(DETACH(.vaddr = at));
	nothing_is_mapped();
}

static long attempt_detach(void)
{
	return DETACH(.vaddr = at);
}

static void is_detached(long result)
{
	(void)result;
	nothing_is_mapped();
	CHECK_EQ(load(at), GOT_SIGSEGV);
}

CASE(detach)
{
	start();
	run(&(struct sweep){ .prepare = attach_one, .attempt = attempt_detach, .undo = is_detached,
			     .unchanged = still_attached });
}

/* The right ends even where memory is short; the mapping may then stay, without anything in it. */
static void get_and_attach(void)
{
	apid = CHECK_OK(attempt_get());
	attach_one();
}

static long attempt_release(void)
{
	return RELEASE(.apid = apid);
}

static void is_released(long result)
{
	(void)result;
	CHECK_EITHER(load(at), GOT_SIGSEGV, GOT_SIGBUS);
	munmap((void *)at, LENGTH);
	CHECK_EQ(attempt_release(), -ENOENT);
}

CASE(release)
{
	start();
	run(&(struct sweep){ .prepare = get_and_attach, .attempt = attempt_release, .undo = is_released,
			     .unchanged = still_attached });
}

static long unmap_middle(void)
{
	return answer(munmap((void *)(at + PAGE), PAGE));
}

static void middle_is_unmapped(long result)
{
	(void)result;
	CHECK_EQ(load(at + PAGE), GOT_SIGSEGV);
	CHECK_EQ(verify(at, PAGE, 1), 0);
	CHECK_OK(load(at + 2 * PAGE));
	CHECK_OK(DETACH(.vaddr = at));
	nothing_is_mapped();
}

CASE(unmap_a_part)
{
	start();
	run(&(struct sweep){ .prepare = attach_one, .attempt = unmap_middle, .undo = middle_is_unmapped,
			     .unchanged = still_attached });
}

static long protect_middle(void)
{
	return answer(mprotect((void *)(at + PAGE), PAGE, PROT_NONE));
}

static void middle_is_protected(long result)
{
	(void)result;
	CHECK_EQ(load(at + PAGE), GOT_SIGSEGV);
	protect(at + PAGE, PAGE, PROT_READ | PROT_WRITE);
	undo_attach_one(0);
}

CASE(protect_a_part)
{
	start();
	run(&(struct sweep){ .prepare = attach_one, .attempt = protect_middle, .undo = middle_is_protected,
			     .unchanged = still_attached });
}

static long move_all(void)
{
	return answer((long)mremap((void *)at, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)place));
}

static void is_moved(long address)
{
	CHECK_EQ(address, place);
	/* where memory is short, mremap leaves the old mapping behind, empty */
	unmap(at, LENGTH);
	at = place;
	undo_attach_one(0);
}

static void attach_beside_place(void)
{
	if (place)
		map_over(place, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	else
		place = map_anonymous(LENGTH);
	attach_one();
}

CASE(move)
{
	start();
	run(&(struct sweep){ .prepare = attach_beside_place, .attempt = move_all, .undo = is_moved, .unchanged = still_attached });
}

/* --- the historical calls --- */

static long legacy_make(void)
{
	struct xpmem_cmd_make make = { .vaddr = at, .size = PAGE, .permit_type = 1, .permit_value = 0600 };
	long result = device_call(XPMEM_CMD_MAKE, &make);

	return result ? result : make.segid;
}

static long legacy_get(void)
{
	struct xpmem_cmd_get get = { .segid = segid, .flags = 2, .permit_type = 1 };
	long result = device_call(XPMEM_CMD_GET, &get);

	return result ? result : get.apid;
}

static long legacy_attach(void)
{
	struct xpmem_cmd_attach attach = { .apid = apid, .size = LENGTH };
	long result = device_call(XPMEM_CMD_ATTACH, &attach);

	return result ? result : (long)attach.vaddr;
}

static long legacy_detach(void)
{
	struct xpmem_cmd_detach detach = { .vaddr = at };

	return device_call(XPMEM_CMD_DETACH, &detach);
}

CASE(legacy)
{
	start();
	run(&(struct sweep){ .attempt = legacy_get, .undo = undo_get });
	run(&(struct sweep){ .attempt = legacy_attach, .undo = undo_attach, .unchanged = nothing_is_mapped });
	run(&(struct sweep){ .prepare = attach_one, .attempt = legacy_detach, .undo = is_detached, .unchanged = still_attached });
	run(&(struct sweep){ .prepare = in_a_new_space, .attempt = legacy_make, .undo = undo_make });
}

/* --- faults: each attempt in a window of its own, of an attachment of its own --- */

static long memory, whole;

static void export_windows(operation *map)
{
	start();
	CHECK_OK(RELEASE(.apid = apid));
	memory = CHECK_OK(on(exporter, map, WINDOWS * WINDOW));
	whole = CHECK_OK(on(exporter, do_export, memory, WINDOWS * WINDOW));
	apid = CHECK_OK(GET(.segid = whole, .flags = XPMEM_GET_RDWR));
}

static void attach_window(void)
{
	static int used;

	CHECK(++used < WINDOWS);
	source = (memory + WINDOW - 1) / WINDOW * WINDOW + (used - 1) * WINDOW;
	at = CHECK_OK(ATTACH(.apid = apid, .offset = source - memory, .length = LENGTH));
}

static void attach_present_window(void)
{
	attach_window();
	CHECK_OK(on(exporter, do_fill, source, LENGTH, 1));
}

static long attempt_load(void)
{
	return load(at) < 0 ? -EFAULT : 0;
}

static long attempt_store(void)
{
	return store(at, 7) < 0 ? -EFAULT : 0;
}

static int scratch;

/* through a system call a failure is not retried: it is EFAULT */
static long attempt_copy(void)
{
	return answer(pwrite(scratch, (void *)at, 8, 0));
}

static void undo_load(long result)
{
	(void)result;
	CHECK_EQ(load(at), on(exporter, do_load, source));
	CHECK_OK(DETACH(.vaddr = at));
}

static void undo_store(long result)
{
	(void)result;
	CHECK_EQ(on(exporter, do_load, source), 7);
	undo_load(0);
}

static void sweep_faults(operation *map)
{
	scratch = memory_file(PAGE);
	CHECK_EQ(pwrite(scratch, "here", 5, 0), 5);
	export_windows(map);
	run(&(struct sweep){ .prepare = attach_window, .attempt = attempt_load, .undo = undo_load });
	run(&(struct sweep){ .prepare = attach_present_window, .attempt = attempt_load, .undo = undo_load });
	CHECK_OK(on(exporter, do_advise, memory, WINDOWS * WINDOW, MADV_DONTNEED));
	run(&(struct sweep){ .prepare = attach_window, .attempt = attempt_store, .undo = undo_store });
	run(&(struct sweep){ .prepare = attach_present_window, .attempt = attempt_store, .undo = undo_store });
	run(&(struct sweep){ .prepare = attach_present_window, .attempt = attempt_copy, .undo = undo_load });
}

CASE(fault_private)
{
	sweep_faults(do_map);
}

static long do_map_shared(const long *length)
{
	return map_file(memory_file(length[0]), length[0], PROT_READ | PROT_WRITE, MAP_SHARED);
}

CASE(fault_shared)
{
	sweep_faults(do_map_shared);
}

static long do_map_huge(const long *length)
{
	long address = map_aligned(length[0], WINDOW);

	CHECK_OK(answer(madvise((void *)address, length[0], MADV_HUGEPAGE)));
	return address;
}

CASE(fault_huge)
{
	sweep_faults(do_map_huge);
}

/* read first, so that the store finds an entry that is read-only: the exporter's page is the zero page */
static void attach_and_load(void)
{
	attach_window();
	CHECK_EQ(load(at), 0);
}

CASE(fault_upgrade)
{
	export_windows(do_map);
	run(&(struct sweep){ .prepare = attach_and_load, .attempt = attempt_store, .undo = undo_store });
}

static long attempt_populate(void)
{
	return ATTACH(.apid = apid, .offset = source - memory, .length = WINDOW, .flags = XPMEM_ATTACH_POPULATE);
}

static void next_present_window(void)
{
	attach_present_window();
	CHECK_OK(DETACH(.vaddr = at));
}

static void undo_populate(long address)
{
	CHECK_EQ(verify(address, LENGTH, 1), 0);
	CHECK_OK(DETACH(.vaddr = address));
	nothing_is_mapped();
}

CASE(populate)
{
	export_windows(do_map);
	run(&(struct sweep){ .prepare = next_present_window, .attempt = attempt_populate, .undo = undo_populate,
			     .unchanged = nothing_is_mapped });
}

/* --- netlink --- */

static char reply[32768];

/* a socket that could not be made, or a reply that could not be queued */
static long in_one_word(long result)
{
	return result == -ENFILE || result == -ENOBUFS || result == -EAGAIN ? -ENOMEM : result;
}

static long attempt_info(void)
{
	return in_one_word(nl_request(family, 0, XPMEM_NL_CMD_INFO_GET, 0, NULL, 0, reply, sizeof(reply)));
}

static long attempt_segment_get(void)
{
	return in_one_word(nl_request(family, 0, XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, &segid, sizeof(segid), reply,
				      sizeof(reply)));
}

static long attempt_dump(void)
{
	return in_one_word(nl_request(family, NLM_F_DUMP, XPMEM_NL_CMD_SEGMENT_GET, 0, NULL, 0, reply, sizeof(reply)));
}

CASE(netlink)
{
	start();
	CHECK(objects() > 0);
	run(&(struct sweep){ .attempt = attempt_info });
	run(&(struct sweep){ .attempt = attempt_segment_get });
	run(&(struct sweep){ .attempt = attempt_dump });
}
