/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that an actor can call: every ioctl of the generated table, netlink, and what moves
 * memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/xpmem.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "abi_table_gen.h"
#include "actors.h"

struct call_type call_types[MAX_CALL_TYPES];
unsigned int call_type_count;

static int family, send_socket, receive_socket, own_device = -1;
static void (*become_child)(void);

static __thread sigjmp_buf escape;
static __thread volatile bool escaping;

static void on_fault(int number)
{
	if (!escaping)
		_exit(1);
	siglongjmp(escape, number);
}

/* 0, or the signal that a touch in the statement raised */
#define GUARDED(statement) ({ \
	int number_ = sigsetjmp(escape, 1); \
	escaping = !number_; \
	if (!number_) { \
		statement; \
	} \
	escaping = false; \
	number_; })

static bool copy(void *to, const void *from, size_t length)
{
	return !GUARDED(memcpy(to, from, length));
}

static long answer(long result)
{
	return result == -1 ? -errno : result;
}

void calls_actor_init(int to, int from, void (*child)(void))
{
	const int faults[] = { SIGBUS, SIGSEGV };
	struct sigaction action = { .sa_handler = on_fault };

	for (size_t i = 0; i < LENGTH(faults); i++)
		sigaction(faults[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	send_socket = to;
	receive_socket = from;
	become_child = child;
}

static int device(void)
{
	if (own_device < 0)
		own_device = open("/dev/xpmem", O_RDWR | O_CLOEXEC);
	return own_device;
}

/* Who waits for ever calls nothing more: four milliseconds at most. */
static void limit_wait(struct xpmem_ioc_wait *wait)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	wait->deadline = now.tv_sec * 1000000000ULL + now.tv_nsec + (wait->deadline & 0x3fffff);
}

/*
 * Parameters: the fields that the module reads, `device` (0: this process's own), `at` (0: good
 * memory).
 */
static void run_ioctl(const struct call_type *type, const uint64_t *arguments,
		      struct result *result)
{
	_Alignas(8) unsigned char buffer[256] = { 0 };
	const struct abi_ioctl *ioctl_type = type->ioctl;
	unsigned char *place = buffer;
	unsigned int next = 0;
	int descriptor;

	for (unsigned int i = 0; i < ioctl_type->field_count; i++) {
		const struct abi_field *field = &ioctl_type->fields[i];

		if (field->direction != ABI_OUT)
			memcpy(buffer + field->offset, &arguments[next++],
			       field->size < 8 ? field->size : 8);
	}
	if (ioctl_type->request == XPMEM_IOC_WAIT)
		limit_wait((struct xpmem_ioc_wait *)buffer);
	descriptor = arguments[next] ? (int)arguments[next] : device();
	next++;
	if (ioctl_type->size && arguments[next]) {
		place = (unsigned char *)arguments[next];
		/* where that faults, the kernel gets the address all the same */
		copy(place, buffer, sizeof(buffer));
	}
	result->value = answer(ioctl(descriptor, ioctl_type->request, place));
	if (result->value < 0)
		return;
	if (place != buffer && !copy(buffer, place, sizeof(buffer)))
		return;
	for (unsigned int i = 0; i < ioctl_type->field_count; i++) {
		const struct abi_field *field = &ioctl_type->fields[i];
		long value = 0;

		if (field->direction != ABI_OUT && field->direction != ABI_INOUT)
			continue;
		memcpy(&value, buffer + field->offset, field->size < 8 ? field->size : 8);
		if (!strcmp(field->name, "segid") || !strcmp(field->name, "apid") ||
		    !strcmp(field->name, "fd") || !strcmp(field->name, "vaddr"))
			result->value = value;
		else if (!strcmp(field->name, "attid"))
			result->second = value;
	}
}

static void put_attribute(unsigned char *message, unsigned int *length,
			  const uint64_t *type_length_value)
{
	struct nlattr attribute = { .nla_type = type_length_value[0],
				    .nla_len = NLA_HDRLEN + type_length_value[1] };
	unsigned int bytes = type_length_value[1] < 64 ? type_length_value[1] : 64;

	if (!type_length_value[0])
		return;
	memcpy(message + *length, &attribute, sizeof(attribute));
	memcpy(message + *length + NLA_HDRLEN, &type_length_value[2], bytes < 8 ? bytes : 8);
	*length += NLA_ALIGN(NLA_HDRLEN + bytes);
}

static void take_replies(int netlink, uint64_t reads, struct result *result)
{
	static __thread _Alignas(8) unsigned char buffer[32768];

	for (uint64_t i = 0;
	     i < reads && poll(&(struct pollfd){ .fd = netlink, .events = POLLIN }, 1, 50) == 1;
	     i++) {
		ssize_t length = recv(netlink, buffer, sizeof(buffer), MSG_DONTWAIT);
		struct nlmsghdr *header;

		for (header = (void *)buffer; length > 0 && NLMSG_OK(header, length);
		     header = NLMSG_NEXT(header, length)) {
			struct nlattr *attribute =
				(void *)((char *)NLMSG_DATA(header) + GENL_HDRLEN);
			const struct genlmsghdr *generic = NLMSG_DATA(header);

			if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE) {
				int error = *(int *)NLMSG_DATA(header);

				result->value = error ? error : result->value;
				return;
			}
			result->value++;
			/* the id comes first */
			if (generic->cmd != XPMEM_NL_CMD_SEGMENT_GET ||
			    header->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN + 12)
				continue;
			for (int hop = 0; hop < 2 && attribute->nla_type != XPMEM_A_SEGMENT_ID;
			     hop++)
				attribute =
					(void *)((char *)attribute + NLA_ALIGN(attribute->nla_len));
			if (attribute->nla_type == XPMEM_A_SEGMENT_ID &&
			    result->id_count < LENGTH(result->ids))
				memcpy(&result->ids[result->id_count++],
				       (char *)attribute + NLA_HDRLEN, 8);
		}
	}
}

/* command flags version type1 length1 value1 type2 length2 value2 cut reads */
static void run_netlink(const struct call_type *type, const uint64_t *arguments,
			struct result *result)
{
	_Alignas(8) unsigned char message[512] = { 0 };
	struct genlmsghdr generic = { .cmd = arguments[0], .version = arguments[2] };
	struct nlmsghdr header = { .nlmsg_type = family,
				   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | arguments[1] };
	unsigned int length = NLMSG_HDRLEN + GENL_HDRLEN;
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	(void)type;
	if (netlink < 0) {
		result->value = -errno;
		return;
	}
	put_attribute(message, &length, arguments + 3);
	put_attribute(message, &length, arguments + 6);
	length -= arguments[9] < length ? arguments[9] : 0;
	header.nlmsg_len = length;
	memcpy(message, &header, sizeof(header));
	memcpy(message + NLMSG_HDRLEN, &generic, sizeof(generic));
	result->value = 0;
	if (sendto(netlink, message, length, 0, (void *)&kernel, sizeof(kernel)) < 0)
		result->value = -errno;
	else
		take_replies(netlink, arguments[10], result);
	close(netlink);
}

enum memory_of { ANONYMOUS, SHARED_ANONYMOUS, MEMORY_FILE, PRIVATE_FILE, SECRET, GROWING, NONE };

/* address pages protection memory descriptor */
static void run_map(const struct call_type *type, const uint64_t *arguments, struct result *result)
{
	unsigned long length = arguments[1] % 1025 * PAGE;
	int file = arguments[4] ? (int)arguments[4] : -1;
	int flags = arguments[0] ? MAP_FIXED : 0;

	(void)type;
	switch (arguments[3] % (NONE + 1)) {
	case ANONYMOUS:
		flags |= MAP_PRIVATE | MAP_ANONYMOUS;
		break;
	case SHARED_ANONYMOUS:
		flags |= MAP_SHARED | MAP_ANONYMOUS;
		break;
	case MEMORY_FILE:
	case PRIVATE_FILE:
		flags |= arguments[3] % (NONE + 1) == MEMORY_FILE ? MAP_SHARED : MAP_PRIVATE;
		if (file < 0) {
			file = memfd_create("fuzz", MFD_CLOEXEC);
			if (file < 0 || ftruncate(file, length))
				break;
		}
		break;
	case SECRET:
		flags |= MAP_SHARED;
		file = syscall(SYS_memfd_secret, 0);
		if (file < 0 || ftruncate(file, length))
			break;
		break;
	case GROWING:
		flags |= MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN;
		break;
	case NONE:
		flags |= MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
		length *= 1024;
		break;
	}
	if (flags & MAP_ANONYMOUS)
		file = -1;
	result->value =
		answer((long)mmap((void *)arguments[0], length, arguments[2] & 7, flags, file, 0));
	result->second = file;
}

static void run_unmap(const struct call_type *type, const uint64_t *arguments,
		      struct result *result)
{
	(void)type;
	result->value = answer(munmap((void *)arguments[0], arguments[1]));
}

static void run_protect(const struct call_type *type, const uint64_t *arguments,
			struct result *result)
{
	(void)type;
	result->value = answer(mprotect((void *)arguments[0], arguments[1], arguments[2] & 7));
}

/* address length new_length flags new_address */
static void run_remap(const struct call_type *type, const uint64_t *arguments,
		      struct result *result)
{
	(void)type;
	result->value = answer((long)mremap((void *)arguments[0], arguments[1], arguments[2],
					    (int)arguments[3], (void *)arguments[4]));
}

/* Not the advices that take memory from the machine for good. */
static void run_advise(const struct call_type *type, const uint64_t *arguments,
		       struct result *result)
{
	(void)type;
	result->value = arguments[2] >= MADV_HWPOISON ? -EINVAL :
		answer(madvise((void *)arguments[0], arguments[1], (int)arguments[2]));
}

static void run_lock(const struct call_type *type, const uint64_t *arguments, struct result *result)
{
	(void)type;
	result->value = answer(arguments[2] ? munlock((void *)arguments[0], arguments[1]) :
				mlock((void *)arguments[0], arguments[1]));
}

static void run_sync(const struct call_type *type, const uint64_t *arguments, struct result *result)
{
	(void)type;
	result->value = answer(msync((void *)arguments[0], arguments[1], arguments[2] & 7));
}

static void run_load(const struct call_type *type, const uint64_t *arguments, struct result *result)
{
	volatile long value = 0;
	int number = GUARDED(value = *(volatile long *)arguments[0]);

	(void)type;
	result->value = number ? BY_SIGNAL(number) : value;
}

static void run_store(const struct call_type *type, const uint64_t *arguments,
		      struct result *result)
{
	int number = GUARDED(*(volatile long *)arguments[0] = arguments[1]);

	(void)type;
	result->value = number ? BY_SIGNAL(number) : 0;
}

/* Every page of a range, as far as it goes without a fault. */
static void run_sweep(const struct call_type *type, const uint64_t *arguments,
		      struct result *result)
{
	volatile char *at = (volatile char *)arguments[0];
	uint64_t length = arguments[1] < 1024 * PAGE ? arguments[1] : 1024 * PAGE;
	volatile uint64_t reached = 0;
	int number = GUARDED(
		for (; reached < length; reached += PAGE)
			if (arguments[2])
				at[reached] = 1;
			else
				(void)at[reached]);

	(void)type;
	result->value = number ? BY_SIGNAL(number) : (long)(reached / PAGE);
}

/* The kernel reads (0) or writes (1) user memory for the caller. */
static void run_transfer(const struct call_type *type, const uint64_t *arguments,
			 struct result *result)
{
	int file = open(arguments[2] ? "/dev/zero" : "/dev/null", O_RDWR | O_CLOEXEC), ends[2];
	uint64_t length = arguments[1] < 16 * PAGE ? arguments[1] : 16 * PAGE;

	(void)type;
	if (arguments[2]) {
		result->value = answer(read(file, (void *)arguments[0], length));
	} else if (!pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
		result->value = answer(write(ends[1], (void *)arguments[0], length));
		close(ends[0]);
		close(ends[1]);
	}
	close(file);
}

/* victim address length write: the memory of another actor by the kernel's own call */
static void run_process_vm(const struct call_type *type, const uint64_t *arguments,
			   struct result *result)
{
	static __thread char buffer[8 * PAGE];
	struct iovec local = { buffer, sizeof(buffer) };
	struct iovec remote = { (void *)arguments[1],
				arguments[2] < sizeof(buffer) ? arguments[2] : sizeof(buffer) };

	(void)type;
	result->value =
		answer(arguments[3] ? process_vm_writev(arguments[0], &local, 1, &remote, 1, 0) :
				      process_vm_readv(arguments[0], &local, 1, &remote, 1, 0));
}

static void run_open(const struct call_type *type, const uint64_t *arguments, struct result *result)
{
	(void)type;
	(void)arguments;
	result->value = answer(open("/dev/xpmem", O_RDWR | O_CLOEXEC));
}

/* 0: this process's own device */
static void run_close(const struct call_type *type, const uint64_t *arguments,
		      struct result *result)
{
	int descriptor = arguments[0] ? (int)arguments[0] : own_device;

	(void)type;
	if (descriptor >= 0 && descriptor == own_device)
		own_device = -1;
	result->value = descriptor == send_socket || descriptor == receive_socket ?
				-EBADF :
				answer(close(descriptor));
}

static void run_dup(const struct call_type *type, const uint64_t *arguments, struct result *result)
{
	(void)type;
	result->value = answer(dup(arguments[0] ? (int)arguments[0] : device()));
}

static void run_truncate(const struct call_type *type, const uint64_t *arguments,
			 struct result *result)
{
	(void)type;
	result->value =
		answer(ftruncate((int)arguments[0], arguments[1] % (16 * MAX_CALLS * PAGE)));
}

static void run_send(const struct call_type *type, const uint64_t *arguments, struct result *result)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct iovec byte = { control.room, 1 };
	struct msghdr message = { .msg_iov = &byte,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };
	int descriptor = arguments[0] ? (int)arguments[0] : device();

	(void)type;
	memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(descriptor));
	result->value = answer(sendmsg(send_socket, &message, MSG_DONTWAIT));
}

static void run_receive(const struct call_type *type, const uint64_t *arguments,
			struct result *result)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char data;
	struct iovec byte = { &data, 1 };
	struct msghdr message = { .msg_iov = &byte,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };
	int descriptor = -1;

	(void)type;
	(void)arguments;
	result->value = answer(recvmsg(receive_socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
	if (result->value < 0 || message.msg_controllen < CMSG_LEN(sizeof(int)))
		return;
	memcpy(&descriptor, CMSG_DATA(&control.header), sizeof(descriptor));
	result->value = descriptor;
}

static void run_fork(const struct call_type *type, const uint64_t *arguments, struct result *result)
{
	long child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	(void)type;
	(void)arguments;
	if (!child)
		become_child();
	result->value = answer(child);
}

/* What is not an ioctl. Weights say how often exploration makes them up. */
static const struct call_type other_calls[] = {
	{ "netlink",
	  KIND_NUMBER,
	  KIND_NONE,
	  6,
	  { { "command", KIND_NUMBER, 1, XPMEM_NL_CMD_MAX + 1 },
	    { "flags", KIND_FLAGS, 0, NLM_F_DUMP },
	    { "version", KIND_NUMBER, XPMEM_FAMILY_VERSION, 2 },
	    { "type1", KIND_NUMBER, 0, 13 },
	    { "length1", KIND_NUMBER, 8, 12 },
	    { "value1", KIND_ATTID, 0, 0 },
	    { "type2", KIND_NUMBER, 0, 13 },
	    { "length2", KIND_NUMBER, 8, 12 },
	    { "value2", KIND_SEGID, 0, 0 },
	    { "cut", KIND_NUMBER, 0, 0 },
	    { "reads", KIND_NUMBER, 8, 8 } },
	  11,
	  run_netlink,
	  NULL },
	{ "map",
	  KIND_ADDRESS,
	  KIND_DESCRIPTOR,
	  10,
	  { { "address", KIND_NONE, 0, 0 },
	    { "pages", KIND_NUMBER, 4, 600 },
	    { "protection", KIND_NUMBER, 3, 7 },
	    { "memory", KIND_NUMBER, 0, NONE },
	    { "file", KIND_NONE, 0, 0 } },
	  5,
	  run_map,
	  NULL },
	{ "map-over",
	  KIND_ADDRESS,
	  KIND_DESCRIPTOR,
	  4,
	  { { "address", KIND_ADDRESS, 0, 0 },
	    { "pages", KIND_NUMBER, 1, 8 },
	    { "protection", KIND_NUMBER, 3, 7 },
	    { "memory", KIND_NUMBER, 0, NONE },
	    { "file", KIND_DESCRIPTOR, 0, 0 } },
	  5,
	  run_map,
	  NULL },
	{ "unmap",
	  KIND_NUMBER,
	  KIND_NONE,
	  6,
	  { { "address", KIND_ADDRESS, 0, 0 }, { "length", KIND_LENGTH, PAGE, 0 } },
	  2,
	  run_unmap,
	  NULL },
	{ "protect",
	  KIND_NUMBER,
	  KIND_NONE,
	  6,
	  { { "address", KIND_ADDRESS, 0, 0 },
	    { "length", KIND_LENGTH, PAGE, 0 },
	    { "protection", KIND_NUMBER, 0, 7 } },
	  3,
	  run_protect,
	  NULL },
	{ "remap",
	  KIND_ADDRESS,
	  KIND_NONE,
	  5,
	  { { "address", KIND_ADDRESS, 0, 0 },
	    { "length", KIND_LENGTH, PAGE, 0 },
	    { "new_length", KIND_LENGTH, PAGE, 0 },
	    { "flags", KIND_FLAGS, MREMAP_MAYMOVE,
	      MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP },
	    { "new_address", KIND_ADDRESS, 0, 0 } },
	  5,
	  run_remap,
	  NULL },
	{ "advise",
	  KIND_NUMBER,
	  KIND_NONE,
	  6,
	  { { "address", KIND_ADDRESS, 0, 0 },
	    { "length", KIND_LENGTH, PAGE, 0 },
	    { "advice", KIND_NUMBER, MADV_DONTNEED, 25 } },
	  3,
	  run_advise,
	  NULL },
	{ "lock",
	  KIND_NUMBER,
	  KIND_NONE,
	  2,
	  { { "address", KIND_ADDRESS, 0, 0 },
	    { "length", KIND_LENGTH, PAGE, 0 },
	    { "unlock", KIND_NUMBER, 0, 1 } },
	  3,
	  run_lock,
	  NULL },
	{ "sync",
	  KIND_NUMBER,
	  KIND_NONE,
	  1,
	  { { "address", KIND_ADDRESS, 0, 0 },
	    { "length", KIND_LENGTH, PAGE, 0 },
	    { "flags", KIND_NUMBER, MS_SYNC, 7 } },
	  3,
	  run_sync,
	  NULL },
	{ "load",
	  KIND_NUMBER,
	  KIND_NONE,
	  10,
	  { { "address", KIND_ADDRESS, 0, 0 } },
	  1,
	  run_load,
	  NULL },
	{ "store",
	  KIND_NUMBER,
	  KIND_NONE,
	  10,
	  { { "address", KIND_ADDRESS, 0, 0 }, { "value", KIND_NUMBER, 1, 1000 } },
	  2,
	  run_store,
	  NULL },
	{ "sweep",
	  KIND_NUMBER,
	  KIND_NONE,
	  5,
	  { { "address", KIND_ADDRESS, 0, 0 },
	    { "length", KIND_LENGTH, 4 * PAGE, 0 },
	    { "write", KIND_NUMBER, 0, 1 } },
	  3,
	  run_sweep,
	  NULL },
	{ "transfer",
	  KIND_NUMBER,
	  KIND_NONE,
	  4,
	  { { "address", KIND_ADDRESS, 0, 0 },
	    { "length", KIND_LENGTH, PAGE, 0 },
	    { "write", KIND_NUMBER, 0, 1 } },
	  3,
	  run_transfer,
	  NULL },
	{ "process-vm",
	  KIND_NUMBER,
	  KIND_NONE,
	  3,
	  { { "actor", KIND_ACTOR, ATTACHER, 0 },
	    { "address", KIND_ADDRESS, 0, 0 },
	    { "length", KIND_LENGTH, PAGE, 0 },
	    { "write", KIND_NUMBER, 0, 1 } },
	  4,
	  run_process_vm,
	  NULL },
	{ "open", KIND_DESCRIPTOR, KIND_NONE, 2, { { 0 } }, 0, run_open, NULL },
	{ "close",
	  KIND_NUMBER,
	  KIND_NONE,
	  3,
	  { { "descriptor", KIND_DESCRIPTOR, 0, 0 } },
	  1,
	  run_close,
	  NULL },
	{ "dup",
	  KIND_DESCRIPTOR,
	  KIND_NONE,
	  2,
	  { { "descriptor", KIND_DESCRIPTOR, 0, 0 } },
	  1,
	  run_dup,
	  NULL },
	{ "truncate",
	  KIND_NUMBER,
	  KIND_NONE,
	  2,
	  { { "descriptor", KIND_DESCRIPTOR, 0, 0 }, { "length", KIND_LENGTH, 0, 0 } },
	  2,
	  run_truncate,
	  NULL },
	{ "send",
	  KIND_NUMBER,
	  KIND_NONE,
	  2,
	  { { "descriptor", KIND_DESCRIPTOR, 0, 0 } },
	  1,
	  run_send,
	  NULL },
	{ "receive", KIND_DESCRIPTOR, KIND_NONE, 2, { { 0 } }, 0, run_receive, NULL },
	{ "fork", KIND_NUMBER, KIND_NONE, 3, { { 0 } }, 0, run_fork, NULL },
	{ "kill",
	  KIND_NUMBER,
	  KIND_NONE,
	  2,
	  { { "actor", KIND_ACTOR, EXPORTER, 0 } },
	  1,
	  NULL,
	  NULL },
	{ "compare",
	  KIND_NUMBER,
	  KIND_NONE,
	  6,
	  { { "address", KIND_ADDRESS, 0, 0 } },
	  1,
	  NULL,
	  NULL },
};

static void add_parameter(struct call_type *type, const char *name, enum kind kind, uint64_t usual,
			  uint64_t mask)
{
	if (type->parameter_count == MAX_PARAMETERS)
		die("%s has more than %d parameters: raise MAX_PARAMETERS", type->name,
		    MAX_PARAMETERS);
	type->parameters[type->parameter_count++] = (struct parameter){ name, kind, usual, mask };
}

static enum kind kind_of(const char *name)
{
	static const struct {
		const char *name;
		enum kind kind;
	} kinds[] = {
		{ "vaddr", KIND_ADDRESS }, { "length", KIND_LENGTH }, { "offset", KIND_LENGTH },
		{ "segid", KIND_SEGID },   { "apid", KIND_APID },     { "attid", KIND_ATTID },
		{ "fd", KIND_DESCRIPTOR },
	};

	for (size_t i = 0; i < LENGTH(kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return kinds[i].kind;
	return KIND_NUMBER;
}

static void add_ioctl(const struct abi_ioctl *ioctl_type)
{
	struct call_type *type = &call_types[call_type_count++];
	char *name;

	if (asprintf(&name, "%s%s", ioctl_type->legacy ? "legacy-" : "", ioctl_type->name) < 0)
		die("out of memory");
	*type = (struct call_type){
		.name = name,
		.result = KIND_NUMBER,
		.ioctl = ioctl_type,
		.run = run_ioctl,
		.weight = ioctl_type->field_count > (ioctl_type->legacy ? 0 : 2) + 1 ?
				  ioctl_type->legacy ? 6 : 12 :
				  3,
	};
	for (unsigned int i = 0; i < ioctl_type->field_count; i++) {
		const struct abi_field *field = &ioctl_type->fields[i];
		enum kind kind = kind_of(field->name);

		if (field->direction == ABI_OUT || field->direction == ABI_INOUT) {
			if (kind == KIND_ATTID)
				type->second = kind;
			else if (kind != KIND_NUMBER && kind != KIND_LENGTH)
				type->result = kind;
		}
		if (field->direction == ABI_OUT)
			continue;
		if (!ioctl_type->legacy && !strcmp(field->name, "size"))
			add_parameter(type, "size", KIND_NUMBER, ioctl_type->size,
				      ioctl_type->size + 8);
		else if (ioctl_type->legacy && !strcmp(field->name, "size"))
			add_parameter(type, "size", KIND_LENGTH, PAGE, 0);
		else if (!strcmp(field->name, "length"))
			add_parameter(type, "length", kind, PAGE, 0);
		else if (!strcmp(field->name, "permit_type"))
			add_parameter(type, "permit_type", KIND_NUMBER, 1, 2);
		else if (!strcmp(field->name, "mode") || !strcmp(field->name, "permit_value"))
			add_parameter(type, field->name, KIND_FLAGS, 0600, 0777);
		else if (!strcmp(field->name, "flags"))
			add_parameter(type, "flags", KIND_FLAGS,
				      strcmp(ioctl_type->name, "get") &&
						      strcmp(ioctl_type->name, "segment_fd") ?
					      0 :
					      XPMEM_GET_RDWR,
				      ioctl_type->legacy ? 3 : ioctl_type->flags);
		else
			add_parameter(type, field->name, kind, 0, 0);
	}
	add_parameter(type, "device", KIND_DESCRIPTOR, 0, 0);
	add_parameter(type, "at", KIND_ADDRESS, 0, 0);
}

void calls_init(int netlink_family)
{
	family = netlink_family;
	for (size_t i = 0; i < ABI_IOCTL_COUNT; i++)
		add_ioctl(&abi_ioctls[i]);
	for (size_t i = 0; i < LENGTH(other_calls); i++)
		call_types[call_type_count++] = other_calls[i];
}

const struct call_type *call_type_find(const char *name)
{
	for (unsigned int i = 0; i < call_type_count; i++)
		if (!strcmp(call_types[i].name, name))
			return &call_types[i];
	return NULL;
}

int parameter_find(const struct call_type *type, const char *name)
{
	for (unsigned int i = 0; i < type->parameter_count; i++)
		if (!strcmp(type->parameters[i].name, name))
			return i;
	return -1;
}
