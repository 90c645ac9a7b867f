/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must never happen, whatever is called: use of what others have, ranges beyond what was
 * given, a change or a sight of the canary's memory, memory that differs from the exporter's, and
 * anything left once all actors are gone.
 *
 * The canary is a process of the actors' user. Around a read-only export it has memory that it does
 * not export.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/xpmem.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi_table_gen.h"
#include "actors.h"

#define CANARY_PAGES 12
#define EXPORTED_FIRST 4
#define EXPORTED_PAGES 4
#define CANARY_WORDS (CANARY_PAGES * PAGE / sizeof(uint64_t))
#define INDEX_MASK 0xffffUL
#define CANARY (-2)	/* as a process */

static struct nl_sock *netlink;
static int family;
static pid_t canary;
static unsigned long canary_memory;
static long canary_segid;
static uint64_t not_secret;	/* its complement, so that no copy of this process shows it */
static int kernel_log;

struct object {
	long id;
	long segid;
	int process;
	uid_t user;
	bool other_ipc;
	unsigned long start, length;	/* of a segment; length 0: not known */
	unsigned int mode;
	bool rdonly;
};

/* where an attachment is, in which process, and what it shows */
struct view {
	int process;
	unsigned long address, length;
	int source_process;
	unsigned long source;
};

static struct object segments[MAX_CALLS + 1], permits[MAX_CALLS];
static unsigned int segment_count, permit_count;
static struct view views[MAX_CALLS];
static unsigned int view_count;
static enum actor child_parent;

static const char *say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *say(const char *format, ...)
{
	static char text[400];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	return text;
}

static enum actor as_parent(enum actor actor)
{
	return actor == CHILD ? child_parent : actor;
}

static int process_of(enum actor actor)
{
	return actor == THREAD ? ATTACHER : (int)actor;
}

static bool same_scope(enum actor actor, const struct object *object)
{
	actor = as_parent(actor);
	return actor == ADMIN ||
	       (actor_user(actor) == object->user && (actor == OTHER_IPC) == object->other_ipc);
}

static uint64_t canary_word(size_t index)
{
	return (~not_secret & ~INDEX_MASK) | index;
}

static void canary_run(int report)
{
	uint64_t *memory = mmap(NULL, CANARY_PAGES * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct xpmem_ioc_make make = { .size = sizeof(make),
				       .flags = XPMEM_MAKE_RDONLY,
				       .mode = 0600 };
	long answer[2];
	int device;

	actor_become(EXPORTER);
	if (memory == MAP_FAILED)
		_exit(1);
	for (size_t i = 0; i < CANARY_WORDS; i++)
		memory[i] = i / 512 - EXPORTED_FIRST < EXPORTED_PAGES ? i : canary_word(i);
	device = open("/dev/xpmem", O_RDWR);
	make.vaddr = (unsigned long)memory + EXPORTED_FIRST * PAGE;
	make.length = EXPORTED_PAGES * PAGE;
	if (device < 0 || ioctl(device, XPMEM_IOC_MAKE, &make))
		_exit(1);
	answer[0] = (long)memory;
	answer[1] = make.segid;
	if (write(report, answer, sizeof(answer)) != sizeof(answer))
		_exit(1);
	close(report);
	for (;;)
		pause();
}

static void canary_start(void)
{
	long answer[2];
	int ends[2];

	if (pipe(ends))
		die("pipe: %m");
	canary = fork();
	if (!canary)
		canary_run(ends[1]);
	close(ends[1]);
	if (read(ends[0], answer, sizeof(answer)) != sizeof(answer))
		die("the canary cannot export: is the module loaded?");
	close(ends[0]);
	canary_memory = answer[0];
	canary_segid = answer[1];
}

static const char *canary_check(void)
{
	static uint64_t words[CANARY_WORDS];
	struct iovec to = { words, sizeof(words) }, from = { (void *)canary_memory, sizeof(words) };

	if (process_vm_readv(canary, &to, 1, &from, 1, 0) != sizeof(words))
		return "the canary is dead or lost memory";
	for (size_t i = 0; i < CANARY_WORDS; i++) {
		bool exported = i / 512 - EXPORTED_FIRST < EXPORTED_PAGES;

		if (words[i] == (exported ? i : canary_word(i)))
			continue;
		memset(words, 0, sizeof(words));
		return say("the canary's %s memory changed, at word %zu",
			   exported ? "read-only exported" : "private", i);
	}
	/* forks must not inherit the secret */
	memset(words, 0, sizeof(words));
	return NULL;
}

/* Live objects of the machine, with the canary's segment. */
static bool live_objects(uint64_t live[3])
{
	struct nl_msg *message = nlmsg_alloc();
	struct nlattr *found[XPMEM_A_INFO_MAX + 1];
	struct sockaddr_nl from;
	unsigned char *buffer;
	bool fine = false;

	genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_REQUEST,
		    XPMEM_NL_CMD_INFO_GET, XPMEM_FAMILY_VERSION);
	nl_send_auto(netlink, message);
	nlmsg_free(message);
	if (nl_recv(netlink, &from, &buffer, NULL) <= 0)
		return false;
	if (!genlmsg_parse((void *)buffer, 0, found, XPMEM_A_INFO_MAX, NULL) &&
	    found[XPMEM_A_INFO_SEGMENTS]) {
		live[0] = nla_get_u64(found[XPMEM_A_INFO_SEGMENTS]);
		live[1] = nla_get_u64(found[XPMEM_A_INFO_PERMITS]);
		live[2] = nla_get_u64(found[XPMEM_A_INFO_ATTACHMENTS]);
		fine = true;
	}
	free(buffer);
	return fine;
}

static const char *leftovers(void)
{
	uint64_t live[3] = { 0 };

	/* what was put off to a work or to rcu may take a moment */
	for (int attempt = 0; attempt < 500; attempt++) {
		if (!live_objects(live))
			return "the module does not say how many objects there are";
		if (live[0] == 1 && !live[1] && !live[2])
			return NULL;
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	return say("left once all actors were gone: %ld segments, %ld permits, %ld attachments",
		   (long)live[0] - 1, (long)live[1], (long)live[2]);
}

static const char *kernel_complaint(void)
{
	static const char *const signs[] = {
		"BUG:",
		"WARNING:",
		"Oops",
		"general protection",
		"possible circular",
		"recursive locking",
		"inconsistent lock",
		"suspicious RCU",
		"UBSAN",
		"KASAN",
		"KCSAN",
		"blocked for more than",
		"stall",
		"scheduling while atomic",
	};
	char record[2048];
	ssize_t length;

	while ((length = read(kernel_log, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		if (length < 0)
			continue;
		record[length] = 0;
		for (size_t i = 0; i < LENGTH(signs); i++)
			if (strstr(record, signs[i]))
				return say("the kernel says: %.300s",
					   strchr(record, ';') ? strchr(record, ';') + 1 : record);
	}
	return NULL;
}

void oracle_init(void)
{
	netlink = nl_socket_alloc();
	if (!netlink || genl_connect(netlink) ||
	    (family = genl_ctrl_resolve(netlink, XPMEM_FAMILY_NAME)) < 0)
		die("the module's netlink family is not there: is the module loaded?");
	nl_socket_disable_auto_ack(netlink);
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kernel_log < 0 || lseek(kernel_log, 0, SEEK_END) < 0)
		die("cannot read the kernel's log: %m");
	not_secret = (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL | 1UL << 63;
	canary_start();
}

long oracle_canary_segid(void)
{
	return canary_segid;
}

int oracle_family(void)
{
	return family;
}

void oracle_begin(void)
{
	segments[0] = (struct object){
		.id = canary_segid,
		.process = CANARY,
		.user = actor_user(EXPORTER),
		.rdonly = true,
		.mode = 0600,
		.start = canary_memory + EXPORTED_FIRST * PAGE,
		.length = EXPORTED_PAGES * PAGE,
	};
	segment_count = 1;
	permit_count = 0;
	view_count = 0;
	child_parent = CHILD;
}

static struct object *find(struct object *objects, unsigned int count, long id)
{
	for (unsigned int i = 0; i < count; i++)
		if (objects[i].id == id)
			return &objects[i];
	return NULL;
}

static uint64_t named(const struct call *call, const uint64_t *arguments, const char *name)
{
	int index = parameter_find(call->type, name);

	return index < 0 ? 0 : arguments[index];
}

static void forget_views(int process)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < view_count; i++)
		if (views[i].process != process)
			views[kept++] = views[i];
	view_count = kept;
}

void oracle_forked(enum actor parent)
{
	child_parent = parent == THREAD ? ATTACHER : parent;
	forget_views(CHILD);
}

/* While such a call runs, and after it, addresses of the process may mean something else. */
void oracle_before(const struct call *call, const uint64_t *arguments)
{
	static const char *const movers[] = {
		"map",	  "map-over",	   "unmap",   "remap",
		"detach", "legacy-detach", "release", "legacy-release"
	};
	bool moves = !strcmp(call->type->name, "legacy-attach") && named(call, arguments, "vaddr");

	for (size_t i = 0; i < LENGTH(movers); i++)
		moves |= !strcmp(call->type->name, movers[i]);
	if (moves)
		forget_views(process_of(call->actor));
}

static const char *after_make(const struct call *call, const uint64_t *arguments, long segid)
{
	bool legacy = call->type->ioctl->legacy;

	if (segid <= 0)
		return say("a segment was given the id %ld", segid);
	if (find(segments, segment_count, segid))
		return say("two segments have the id %lx", segid);
	segments[segment_count++] = (struct object){
		.id = segid,
		.process = process_of(call->actor),
		.user = actor_user(as_parent(call->actor)),
		.other_ipc = as_parent(call->actor) == OTHER_IPC,
		.start = named(call, arguments, "vaddr"),
		.length = named(call, arguments, legacy ? "size" : "length"),
		.mode = named(call, arguments, legacy ? "permit_value" : "mode"),
		.rdonly = !legacy && named(call, arguments, "flags") & XPMEM_MAKE_RDONLY,
	};
	return NULL;
}

static const char *after_get(const struct call *call, const uint64_t *arguments, long apid)
{
	const struct object *segment =
		find(segments, segment_count, named(call, arguments, "segid"));
	bool by_descriptor =
		!call->type->ioctl->legacy && named(call, arguments, "flags") & XPMEM_GET_FD;
	bool writes = named(call, arguments, "flags") & XPMEM_GET_RDWR;

	if (find(permits, permit_count, apid))
		return say("two permits have the id %lx", apid);
	if (segment && !by_descriptor) {
		if (!same_scope(call->actor, segment))
			return "a permit was given to another user, or in another ipc namespace";
		if (writes && segment->rdonly)
			return "a read-write permit was given for a read-only segment";
		if (as_parent(call->actor) != ADMIN && ((writes ? 0600 : 0400) & ~segment->mode))
			return "a permit was given that the segment's mode forbids";
	}
	permits[permit_count++] = (struct object){
		.id = apid,
		.process = process_of(call->actor),
		.segid = segment && !by_descriptor ? segment->id : 0,
	};
	return NULL;
}

static const char *after_attach(const struct call *call, const uint64_t *arguments, long address)
{
	const struct object *permit = find(permits, permit_count, named(call, arguments, "apid"));
	unsigned long length =
		named(call, arguments, call->type->ioctl->legacy ? "size" : "length");
	unsigned long offset = named(call, arguments, "offset");
	const struct object *segment;

	if (!permit)
		return NULL;
	if (permit->process != process_of(call->actor))
		return "a process attached with the permit of another";
	segment = find(segments, segment_count, permit->segid);
	if (!segment)
		return NULL;
	length = (length + PAGE - 1) & ~(PAGE - 1);
	if (!length || offset + length < offset ||
	    offset + length > ((segment->length + PAGE - 1) & ~(PAGE - 1) ?: -PAGE))
		return say("%#lx bytes at %#lx of a segment of %#lx bytes were attached", length,
			   offset, segment->length);
	if (!call->at_once)
		views[view_count++] = (struct view){
			process_of(call->actor), address, length, segment->process,
			segment->start + offset,
		};
	return NULL;
}

static const char *after_use(const struct call *call, const struct object *object, const char *what)
{
	if (object && object->process != process_of(call->actor))
		return say("%s: it is another process's, and yet that worked", what);
	return NULL;
}

/* Netlink shows only what is of the same user and ipc namespace. */
static const char *after_netlink(const struct call *call, const struct result *result)
{
	for (unsigned int i = 0; i < result->id_count; i++) {
		const struct object *segment = find(segments, segment_count, result->ids[i]);

		if (segment && !same_scope(call->actor, segment))
			return "netlink showed a segment of another user or ipc namespace";
	}
	return NULL;
}

const char *oracle_after(const struct call *call, const uint64_t *arguments,
			 const struct result *result)
{
	const char *name = call->type->name;
	struct object *segment = find(segments, segment_count, named(call, arguments, "segid"));
	struct object *permit = find(permits, permit_count, named(call, arguments, "apid"));

	oracle_before(call, arguments);
	if (!strcmp(name, "load") &&
	    ((uint64_t)result->value & ~INDEX_MASK) == (~not_secret & ~INDEX_MASK))
		return "an actor saw memory that the canary does not export";
	if (!strcmp(name, "netlink"))
		return after_netlink(call, result);
	if (!call->type->ioctl || result->value < 0)
		return NULL;
	if (call->type->ioctl->legacy)
		name += strlen("legacy-");
	if (!strcmp(name, "make"))
		return after_make(call, arguments, result->value);
	if (!strcmp(name, "get"))
		return after_get(call, arguments, result->value);
	if (!strcmp(name, "attach"))
		return after_attach(call, arguments, result->value);
	if (!strcmp(name, "remove") || !strcmp(name, "segment_fd"))
		return after_use(call, segment, name);
	if (!strcmp(name, "release"))
		return after_use(call, permit, name);
	return NULL;
}

/* The actor and the exporter look at the same word; nobody else runs. */
const char *oracle_compare(enum actor actor, unsigned long address)
{
	for (unsigned int i = 0; i < view_count; i++) {
		const struct view *view = &views[i];
		long seen, exported;

		if (view->process != process_of(actor) || address - view->address >= view->length ||
		    address % sizeof(long) || view->source_process < 0)
			continue;
		seen = actor_load(actor, address);
		exported = actor_load(view->source_process, view->source + address - view->address);
		if (actor_is_signal(seen) || actor_is_signal(exported) || seen == exported)
			return NULL;
		return say("the attachment shows %#lx where the exporter has %#lx", seen, exported);
	}
	return NULL;
}

const char *oracle_end(void)
{
	const char *what = kernel_complaint();

	if (!what)
		what = leftovers();
	if (!what)
		what = canary_check();
	return what;
}
