// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ways to get a message from one process to another.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "xpmembench.h"

static xpmem_apid_t permit;

/* xpmem: attached once, for good */

static char *attached;

static void *attach_with(xpmem_apid_t apid, size_t offset, size_t length)
{
	struct xpmem_addr address = { .apid = apid, .offset = offset };
	void *at = xpmem_attach(address, length, NULL);

	return at == (void *)-1 ? NULL : at;
}

static void *attach(size_t offset, size_t length)
{
	return attach_with(permit, offset, length);
}

static bool get_permit(struct pair *pair)
{
	if (pair->channel->segment <= 0) {
		errno = -pair->channel->segment;
		return false;
	}
	if (permit <= 0)
		permit = xpmem_get(pair->channel->segment, XPMEM_RDWR, XPMEM_PERMIT_MODE,
				   (void *)0600);
	return permit > 0;
}

static bool xpmem_begin(struct pair *pair)
{
	if (!get_permit(pair))
		return false;
	attached = attach(0, pair->length);
	return attached;
}

static const void *xpmem_view(struct pair *pair, const struct message *message)
{
	(void)pair;
	return attached + message->offset;
}

/* xpmem-cold: attached for each message */

static const void *cold_view(struct pair *pair, const struct message *message)
{
	(void)pair;
	return attach(message->offset, message->length);
}

static bool cold_end_view(struct pair *pair, const void *view)
{
	(void)pair;
	return !xpmem_detach((void *)view);
}

/*
 * xpmem-cache: messages come from many buffers, and the receiver keeps attachments of half of them
 * in a cache. Seven of eight messages come from as many buffers as three quarters of the cache, the
 * others from any buffer.
 */

#define CACHE_SIZE 32UL
#define CACHE_MEMORY ((size_t)64 * 1024 * 1024)

static struct cached {
	size_t offset;
	size_t length;
	unsigned long used;
	void *at;
} cache[CACHE_SIZE];
static unsigned long cache_clock, cache_hits;

static size_t whole_pages(size_t length, size_t page_size)
{
	return (length + page_size - 1) & ~(page_size - 1);
}

static size_t buffer_count(const struct pair *pair, size_t length, size_t *stride)
{
	size_t count;

	*stride = whole_pages(length, pair->page_size);
	count = pair->length / *stride;
	return count < 2 * CACHE_SIZE ? count : 2 * CACHE_SIZE;
}

static bool cache_choose(const struct pair *pair, unsigned long number, struct message *message)
{
	size_t stride, count = buffer_count(pair, message->length, &stride);
	/* SplitMix64: the same messages in every run, and without order. */
	uint64_t random = (number + 1) * 0x9e3779b97f4a7c15;

	if (count < 4)
		return false;
	random = (random ^ random >> 30) * 0xbf58476d1ce4e5b9;
	random = (random ^ random >> 27) * 0x94d049bb133111eb;
	random ^= random >> 31;
	message->offset = (random >> 8) % (random % 8 ? count * 3 / 8 : count) * stride;
	return true;
}

static const void *cache_view(struct pair *pair, const struct message *message)
{
	size_t stride, capacity = buffer_count(pair, message->length, &stride) / 2, i;
	struct cached *oldest = cache;

	cache_clock++;
	for (i = 0; i < capacity; i++) {
		if (cache[i].at && cache[i].offset == message->offset &&
		    cache[i].length == message->length) {
			cache_hits++;
			cache[i].used = cache_clock;
			return cache[i].at;
		}
		if (cache[i].used < oldest->used)
			oldest = &cache[i];
	}
	if (oldest->at && xpmem_detach(oldest->at))
		return NULL;
	*oldest = (struct cached){
		.offset = message->offset,
		.length = message->length,
		.used = cache_clock,
	};
	oldest->at = attach(message->offset, message->length);
	return oldest->at;
}

double method_cache_hits(void)
{
	double hits = cache_clock ? (double)cache_hits / cache_clock : -1;
	size_t i;

	for (i = 0; i < CACHE_SIZE; i++)
		if (cache[i].at)
			xpmem_detach(cache[i].at);
	memset(cache, 0, sizeof(cache));
	cache_clock = cache_hits = 0;
	return hits;
}

/*
 * xpmem-reg: for each message, the sender makes a segment and removes it when the receiver has got,
 * attached, used, detached and released it
 */

static xpmem_apid_t message_permit;

static bool reg_send(struct pair *pair, const struct message *message)
{
	struct channel *channel = pair->channel;
	unsigned long number = atomic_load_explicit(&channel->made, memory_order_relaxed);
	xpmem_segid_t segment;

	segment = xpmem_make(pair->memory + message->offset,
			     whole_pages(message->length, pair->page_size), XPMEM_PERMIT_MODE,
			     (void *)0600);
	channel->segments[number % WINDOW] = segment > 0 ? segment : -errno;
	atomic_store_explicit(&channel->made, number + 1, memory_order_release);
	return segment > 0;
}

/* Removes the oldest segment, after the receiver or when it takes no more. */
static bool reg_finish(struct pair *pair)
{
	struct channel *channel = pair->channel;
	unsigned long number = atomic_load_explicit(&channel->finished, memory_order_relaxed);
	xpmem_segid_t segment = channel->segments[number % WINDOW];

	pair_wait(pair, &channel->received, number + 1);
	return segment <= 0 || !xpmem_remove(segment);
}

static const void *reg_view(struct pair *pair, const struct message *message)
{
	struct channel *channel = pair->channel;
	unsigned long number = atomic_load_explicit(&channel->received, memory_order_relaxed);
	xpmem_segid_t segment = channel->segments[number % WINDOW];
	const void *view;
	int error;

	if (segment <= 0) {
		errno = -segment;
		return NULL;
	}
	message_permit = xpmem_get(segment, XPMEM_RDWR, XPMEM_PERMIT_MODE, (void *)0600);
	if (message_permit <= 0)
		return NULL;
	view = attach_with(message_permit, 0, message->length);
	if (!view) {
		error = errno;
		xpmem_release(message_permit);
		errno = error;
	}
	return view;
}

static bool reg_end_view(struct pair *pair, const void *view)
{
	if (xpmem_detach((void *)view) || xpmem_release(message_permit))
		return false;
	atomic_fetch_add_explicit(&pair->channel->received, 1, memory_order_release);
	return true;
}

/* process_vm_readv and process_vm_writev: the kernel copies once */

static bool copy_across(ssize_t (*call)(pid_t, const struct iovec *, unsigned long,
					const struct iovec *, unsigned long, unsigned long),
			pid_t other, char *here, char *there, size_t length)
{
	while (length > 0) {
		struct iovec local = { here, length }, remote = { there, length };
		ssize_t done = call(other, &local, 1, &remote, 1, 0);

		if (done <= 0)
			return false;
		here += done;
		there += done;
		length -= done;
	}
	return true;
}

static bool readv_receive(struct pair *pair, const struct message *message, void *buffer)
{
	return copy_across(process_vm_readv, pair->sender, buffer, pair->memory + message->offset,
			   message->length);
}

static bool writev_send(struct pair *pair, const struct message *message)
{
	return copy_across(process_vm_writev, pair->receiver, pair->memory + message->offset,
			   pair->buffer, message->length);
}

static bool nothing_to_receive(struct pair *pair, const struct message *message, void *buffer)
{
	(void)pair;
	(void)message;
	(void)buffer;
	return true;
}

/* shm-copy: the sender copies into slots of shared memory while the receiver copies out of them */

static bool slots_send(struct pair *pair, const struct message *message)
{
	struct channel *channel = pair->channel;
	unsigned long slot = atomic_load_explicit(&channel->filled, memory_order_relaxed);
	size_t done, chunk;

	for (done = 0; done < message->length; done += chunk) {
		chunk = message->length - done < SLOT_SIZE ? message->length - done : SLOT_SIZE;
		if (slot >= SLOT_COUNT &&
		    !pair_wait(pair, &channel->emptied, slot - SLOT_COUNT + 1))
			return false;
		memcpy(channel->slots[slot % SLOT_COUNT], pair->memory + message->offset + done,
		       chunk);
		atomic_store_explicit(&channel->filled, ++slot, memory_order_release);
	}
	return true;
}

static bool slots_receive(struct pair *pair, const struct message *message, void *buffer)
{
	struct channel *channel = pair->channel;
	unsigned long slot = atomic_load_explicit(&channel->emptied, memory_order_relaxed);
	size_t done, chunk;

	for (done = 0; done < message->length; done += chunk) {
		chunk = message->length - done < SLOT_SIZE ? message->length - done : SLOT_SIZE;
		if (!pair_wait(pair, &channel->filled, slot + 1))
			return false;
		memcpy((char *)buffer + done, channel->slots[slot % SLOT_COUNT], chunk);
		atomic_store_explicit(&channel->emptied, ++slot, memory_order_release);
	}
	return true;
}

/* vmsplice: the sender's pages go into a pipe, and the receiver copies out of it */

static bool pipe_begin(struct pair *pair)
{
	/* The limit of an ordinary user. */
	fcntl(pair->pipe[0], F_SETPIPE_SZ, 1024 * 1024);
	return true;
}

static bool pipe_send(struct pair *pair, const struct message *message)
{
	struct iovec part = { pair->memory + message->offset, message->length };
	ssize_t done;

	while (part.iov_len > 0) {
		done = vmsplice(pair->pipe[1], &part, 1, 0);
		if (done <= 0) {
			/* The receiver sees the end. */
			close(pair->pipe[1]);
			return false;
		}
		part.iov_base = (char *)part.iov_base + done;
		part.iov_len -= done;
	}
	return true;
}

static bool pipe_receive(struct pair *pair, const struct message *message, void *buffer)
{
	size_t length = message->length;
	ssize_t done;

	for (; length > 0; length -= done, buffer = (char *)buffer + done) {
		done = read(pair->pipe[0], buffer, length);
		if (done <= 0)
			return false;
	}
	return true;
}

/* shared: the limit, where the sender's data are in memory that both have had from the start */

static const void *shared_view(struct pair *pair, const struct message *message)
{
	return pair->shared + message->offset;
}

const struct method methods[] = {
	{ .name = "xpmem",
	  .heads = { "", "xpmem" },
	  .what = "XPMEM, attached once",
	  .kind = KIND_XPMEM,
	  .begin = xpmem_begin,
	  .view = xpmem_view },
	{ .name = "xpmem-cold",
	  .heads = { "xpmem-", "cold" },
	  .what = "XPMEM, attached and detached for each message",
	  .kind = KIND_XPMEM,
	  .begin = get_permit,
	  .view = cold_view,
	  .end_view = cold_end_view },
	{ .name = "xpmem-cache",
	  .heads = { "xpmem-", "cache" },
	  .what = "XPMEM, many buffers, half of which a cache keeps attached",
	  .kind = KIND_XPMEM,
	  .begin = get_permit,
	  .view = cache_view,
	  .choose = cache_choose },
	{ .name = "xpmem-reg",
	  .heads = { "xpmem-", "reg" },
	  .what = "XPMEM, made, attached and removed for each message",
	  .kind = KIND_XPMEM,
	  .begin = get_permit,
	  .send = reg_send,
	  .finish = reg_finish,
	  .view = reg_view,
	  .end_view = reg_end_view },
	{ .name = "cma-read",
	  .heads = { "cma-", "read" },
	  .what = "process_vm_readv",
	  .kind = KIND_CMA,
	  .receive = readv_receive },
	{ .name = "cma-write",
	  .heads = { "cma-", "write" },
	  .what = "process_vm_writev",
	  .kind = KIND_CMA,
	  .send = writev_send,
	  .receive = nothing_to_receive },
	{ .name = "shm-copy",
	  .heads = { "shm-", "copy" },
	  .what = "two copies, through shared memory",
	  .streams = true,
	  .send = slots_send,
	  .receive = slots_receive },
	{ .name = "vmsplice",
	  .heads = { "vm", "splice" },
	  .what = "a pipe filled by vmsplice",
	  .kind = KIND_PIPE,
	  .streams = true,
	  .begin = pipe_begin,
	  .send = pipe_send,
	  .receive = pipe_receive },
	{ .name = "shared",
	  .heads = { "", "shared" },
	  .what = "memory shared from the start, the limit",
	  .is_limit = true,
	  .view = shared_view },
};
const unsigned int method_count = sizeof(methods) / sizeof(*methods);

_Static_assert(sizeof(methods) / sizeof(*methods) <= METHODS_MAX, "METHODS_MAX");

int method_find(const char *name)
{
	unsigned int number;

	for (number = 0; number < method_count; number++)
		if (!strcmp(methods[number].name, name))
			return number;
	return -1;
}

/* xpmem-cache has as many buffers as fit into 64 MiB. */
size_t method_memory(const struct plan *plan)
{
	size_t page_size = sysconf(_SC_PAGESIZE);
	size_t greatest = whole_pages(plan->sizes[plan->size_count - 1], page_size);
	size_t buffers = greatest * 2 * CACHE_SIZE;
	unsigned int number;

	for (number = 0; number < method_count; number++)
		if (plan->methods[number] && methods[number].choose)
			greatest = buffers < CACHE_MEMORY  ? buffers :
				   greatest < CACHE_MEMORY ? CACHE_MEMORY :
							     greatest;
	return greatest;
}
