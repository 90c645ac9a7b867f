/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two processes exchange data through UCX's own calls, over whatever transport UCX_TLS leaves it,
 * and check every byte.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucp/api/ucp.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"

#define LARGEST (8 * MIB)
#define PACKED 4096
#define AM_ID 1
#define ADDITIONS 1000

/* of each side, for the other */
struct side {
	size_t address_length;
	char address[PACKED];
	size_t key_length;
	char key[PACKED];
};

static struct {
	struct side side[2];	/* the main process, the peer */
	atomic_bool served;
} *common;

static const size_t sizes[] = { 1, 8, 100, 4095, 8192, 8193, 65537, MIB, LARGEST };

static struct peer *peer;
static int self;
static ucp_context_h context;
static ucp_worker_h worker;
static ucp_ep_h endpoint;
static ucp_mem_h registered;

static void check_status(int line, const char *what, ucs_status_t status)
{
	if (status != UCS_OK)
		fail(__FILE__, line, "%s: %s", what, ucs_status_string(status));
}

#define CHECK_UCS(call) check_status(__LINE__, #call, call)

/* what a non-blocking call returned: waits for its end */
static void complete(int line, const char *what, ucs_status_ptr_t request)
{
	ucs_status_t status;

	if (!UCS_PTR_IS_PTR(request)) {
		check_status(line, what, UCS_PTR_STATUS(request));
		return;
	}
	while ((status = ucp_request_check_status(request)) == UCS_INPROGRESS)
		ucp_worker_progress(worker);
	check_status(line, what, status);
	ucp_request_free(request);
}

#define COMPLETE(call) complete(__LINE__, #call, call)

static unsigned char byte_of(size_t i, long seed)
{
	return seed + i + (i >> 8) * 3 + (i >> 16) * 7;
}

static void fill(void *memory, size_t length, long seed)
{
	unsigned char *bytes = memory;
	size_t i;

	for (i = 0; i < length; i++)
		bytes[i] = byte_of(i, seed);
}

/* 0, or -EBADMSG after it has said which byte is wrong */
static long compare(const void *memory, size_t length, long seed)
{
	const unsigned char *bytes = memory;
	size_t i;

	for (i = 0; i < length; i++) {
		if (bytes[i] != byte_of(i, seed)) {
			fprintf(stderr, "byte %zu of %zu is %#x, not %#x\n", i, length, bytes[i],
				byte_of(i, seed));
			return -EBADMSG;
		}
	}
	return 0;
}

static long do_fill(const long *a)
{
	fill((void *)a[0], a[1], a[2]);
	return 0;
}

static long do_compare(const long *a)
{
	return compare((void *)a[0], a[1], a[2]);
}

static long do_initialize(const long *a)
{
	ucp_params_t parameters = {
		.field_mask = UCP_PARAM_FIELD_FEATURES,
		.features = UCP_FEATURE_TAG | UCP_FEATURE_RMA | UCP_FEATURE_AMO64 | UCP_FEATURE_AM,
	};
	ucp_worker_params_t worker_parameters = {
		.field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE,
		.thread_mode = UCS_THREAD_MODE_SINGLE,
	};
	ucp_address_t *address;
	struct side *mine;

	self = a[0];
	mine = &common->side[self];
	CHECK_UCS(ucp_init(&parameters, NULL, &context));
	CHECK_UCS(ucp_worker_create(context, &worker_parameters, &worker));
	CHECK_UCS(ucp_worker_get_address(worker, &address, &mine->address_length));
	CHECK(mine->address_length <= PACKED);
	memcpy(mine->address, address, mine->address_length);
	ucp_worker_release_address(worker, address);
	return 0;
}

static long do_connect(const long *a)
{
	ucp_ep_params_t parameters = {
		.field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS,
		.address = (const ucp_address_t *)common->side[!self].address,
	};

	(void)a;
	CHECK_UCS(ucp_ep_create(worker, &parameters, &endpoint));
	return 0;
}

static long do_disconnect(const long *a)
{
	ucp_request_param_t none = { 0 };

	(void)a;
	COMPLETE(ucp_ep_close_nbx(endpoint, &none));
	return 0;
}

static long do_clean_up(const long *a)
{
	(void)a;
	ucp_worker_destroy(worker);
	ucp_cleanup(context);
	return 0;
}

/* lets the other side's requests through until it sets common->served */
static long do_serve(const long *a)
{
	(void)a;
	while (!atomic_load(&common->served))
		ucp_worker_progress(worker);
	return 0;
}

static void serve(void)
{
	atomic_store(&common->served, false);
	peer_tell(peer, do_serve, ARGUMENTS(0));
}

static void served(void)
{
	atomic_store(&common->served, true);
	CHECK_OK(peer_answer(peer));
}

static void setup(void)
{
	common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(common != MAP_FAILED);
	peer = peer_fork();
	CHECK_OK(here(do_initialize, 0));
	CHECK_OK(on(peer, do_initialize, 1));
	CHECK_OK(here(do_connect, 0));
	CHECK_OK(on(peer, do_connect, 0));
}

/* A worker's queue is memory that the other side touches for as long as it is connected. */
static void finish(void)
{
	peer_tell(peer, do_disconnect, ARGUMENTS(0));
	CHECK_OK(here(do_disconnect, 0));
	CHECK_OK(peer_answer(peer));
	CHECK_OK(on(peer, do_clean_up, 0));
	CHECK_OK(here(do_clean_up, 0));
}

static void flush(void)
{
	ucp_request_param_t none = { 0 };

	COMPLETE(ucp_ep_flush_nbx(endpoint, &none));
}

enum memory { ANONYMOUS, HEAP, VARIABLE, SHARED, HUGE_PAGES, MEMORIES };

static const char *const memory_names[MEMORIES] = { "anonymous", "heap", "variable", "shared",
						    "huge pages" };
static char variable[LARGEST + PAGE];

/*
 * an address in memory of a kind with room for LARGEST bytes: nothing of it has been touched, and
 * not all are at a page's begin
 */
static long do_allocate(const long *a)
{
	char *memory = MAP_FAILED;
	int file;

	switch (a[0]) {
	case ANONYMOUS:
		memory = mmap(NULL, LARGEST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);
		break;
	case HEAP:
		memory = malloc(LARGEST + 3);
		return memory ? (long)memory + 3 : -ENOMEM;
	case VARIABLE:
		return (long)variable + 77;
	case SHARED:
		file = memfd_create("ucx", MFD_CLOEXEC);
		if (file < 0 || ftruncate(file, LARGEST))
			return -errno;
		memory = mmap(NULL, LARGEST, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		close(file);
		break;
	case HUGE_PAGES:
		memory = mmap(NULL, LARGEST + 2 * MIB, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory != MAP_FAILED) {
			memory = (char *)(((uintptr_t)memory + 2 * MIB - 1) & -(2 * MIB));
			madvise(memory, LARGEST, MADV_HUGEPAGE);
		}
		break;
	}
	return memory == MAP_FAILED ? -errno : (long)memory;
}

/* makes a range of this side one that the other can get the key of */
static long do_register(const long *a)
{
	ucp_mem_map_params_t parameters = {
		.field_mask = UCP_MEM_MAP_PARAM_FIELD_ADDRESS | UCP_MEM_MAP_PARAM_FIELD_LENGTH,
		.address = (void *)a[0],
		.length = a[1],
	};
	struct side *mine = &common->side[self];
	void *key;

	CHECK_UCS(ucp_mem_map(context, &parameters, &registered));
	CHECK_UCS(ucp_rkey_pack(context, registered, &key, &mine->key_length));
	CHECK(mine->key_length <= PACKED);
	memcpy(mine->key, key, mine->key_length);
	ucp_rkey_buffer_release(key);
	return 0;
}

static long do_unregister(const long *a)
{
	(void)a;
	CHECK_UCS(ucp_mem_unmap(context, registered));
	return 0;
}

static ucp_rkey_h key_of_peer(void)
{
	ucp_rkey_h key;

	CHECK_UCS(ucp_ep_rkey_unpack(endpoint, common->side[1].key, &key));
	return key;
}

static void put(const void *from, size_t size, long to, ucp_rkey_h key)
{
	ucp_request_param_t none = { 0 };

	COMPLETE(ucp_put_nbx(endpoint, from, size, to, key, &none));
	flush();
}

static void get(void *into, size_t size, long from, ucp_rkey_h key)
{
	ucp_request_param_t none = { 0 };

	COMPLETE(ucp_get_nbx(endpoint, into, size, from, key, &none));
	flush();
}

/*
 * calls step for memory of the peer of each kind, with its address and key, while nothing of it has
 * been touched
 */
static void for_each_memory(void (*step)(long memory, ucp_rkey_h key))
{
	long kind, memory;
	ucp_rkey_h key;

	setup();
	for (kind = 0; kind < MEMORIES; kind++) {
		memory = CHECK_OK(on(peer, do_allocate, kind));
		CHECK_OK(on(peer, do_register, memory, LARGEST));
		printf("%s\n", memory_names[kind]);
		key = key_of_peer();
		step(memory, key);
		ucp_rkey_destroy(key);
		CHECK_OK(on(peer, do_unregister, 0));
	}
	finish();
}

static char local[LARGEST];

static void put_all_sizes(long memory, ucp_rkey_h key)
{
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		fill(local, sizes[i], i);
		serve();
		put(local, sizes[i], memory + LARGEST - sizes[i], key);
		served();
		CHECK_OK(on(peer, do_compare, memory + LARGEST - sizes[i], sizes[i], i));
	}
}

CASE(put)
{
	for_each_memory(put_all_sizes);
}

static void get_all_sizes(long memory, ucp_rkey_h key)
{
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		CHECK_OK(on(peer, do_fill, memory, sizes[i], i + 50));
		memset(local, 0, sizes[i]);
		serve();
		get(local, sizes[i], memory, key);
		served();
		CHECK_OK(compare(local, sizes[i], i + 50));
	}
}

CASE(get)
{
	for_each_memory(get_all_sizes);
}

static void point_into(long memory, ucp_rkey_h key)
{
	void *theirs;

	CHECK_UCS(ucp_rkey_ptr(key, memory, &theirs));
	CHECK(theirs != (void *)memory);
	CHECK_OK(on(peer, do_fill, memory, LARGEST, 1));
	CHECK_OK(compare(theirs, LARGEST, 1));
	fill(theirs, LARGEST, 2);
	CHECK_OK(on(peer, do_compare, memory, LARGEST, 2));
}

CASE(pointer)
{
	for_each_memory(point_into);
}

static long do_replace(const long *a)
{
	munmap((void *)a[0], a[1]);
	return answer((long)mmap((void *)a[0], a[1], PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
}

/*
 * UCX keeps what it attached, and leaves it to XPMEM that this is what is at the peer's address now
 */
CASE(replaced)
{
	long memory, i;
	ucp_rkey_h key;

	setup();
	memory = CHECK_OK(on(peer, do_allocate, ANONYMOUS));
	CHECK_OK(on(peer, do_register, memory, LARGEST));
	key = key_of_peer();
	serve();
	put(local, LARGEST, memory, key);
	served();
	for (i = 0; i < 3; i++) {
		CHECK_EQ(on(peer, do_replace, memory, LARGEST), memory);
		CHECK_OK(on(peer, do_fill, memory, LARGEST, i));
		serve();
		get(local, LARGEST, memory, key);
		served();
		CHECK_OK(compare(local, LARGEST, i));
	}
	ucp_rkey_destroy(key);
	CHECK_OK(on(peer, do_unregister, 0));
	finish();
}

static long add_many(long counter, ucp_rkey_h key)
{
	ucp_request_param_t parameters = {
		.op_attr_mask = UCP_OP_ATTR_FIELD_DATATYPE | UCP_OP_ATTR_FIELD_REPLY_BUFFER,
		.datatype = ucp_dt_make_contig(8),
	};
	uint64_t one = 1, before, last = 0;
	long i;

	parameters.reply_buffer = &before;
	for (i = 0; i < ADDITIONS; i++) {
		COMPLETE(ucp_atomic_op_nbx(endpoint, UCP_ATOMIC_OP_ADD, &one, 1, counter, key,
					   &parameters));
		if (i && before <= last)
			return -EBADMSG;
		last = before;
	}
	return 0;
}

static long do_count(const long *a)
{
	return atomic_load((atomic_long *)a[0]);
}

/* the peer's own additions to its memory, beside those from outside */
static long do_add(const long *a)
{
	atomic_long *counter = (atomic_long *)a[0];
	long i;

	for (i = 0; i < ADDITIONS; i++) {
		atomic_fetch_add(counter, 1);
		ucp_worker_progress(worker);
	}
	return do_serve(NULL);
}

static void add_at_once(long memory, ucp_rkey_h key)
{
	memory = (memory + 7) & -8;
	CHECK_EQ(on(peer, do_count, memory), 0);
	atomic_store(&common->served, false);
	peer_tell(peer, do_add, ARGUMENTS(memory));
	CHECK_OK(add_many(memory, key));
	served();
	CHECK_EQ(on(peer, do_count, memory), 2 * ADDITIONS);
}

CASE(atomic)
{
	for_each_memory(add_at_once);
}

/* sends a message of a size from the memory at an address */
static long do_send(const long *a)
{
	ucp_request_param_t none = { 0 };

	fill((void *)a[0], a[1], a[2]);
	COMPLETE(ucp_tag_send_nbx(endpoint, (void *)a[0], a[1], a[2], &none));
	return 0;
}

static long do_receive(const long *a)
{
	ucp_request_param_t none = { 0 };

	memset((void *)a[0], 0, a[1]);
	COMPLETE(ucp_tag_recv_nbx(worker, (void *)a[0], a[1], a[2], -1, &none));
	return compare((void *)a[0], a[1], a[2]);
}

CASE(tag)
{
	long kind, memory;
	size_t i;

	setup();
	for (kind = 0; kind < MEMORIES; kind++) {
		memory = CHECK_OK(on(peer, do_allocate, kind));
		printf("%s\n", memory_names[kind]);
		for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			peer_tell(peer, do_send, ARGUMENTS(memory, sizes[i], i));
			CHECK_OK(here(do_receive, (long)local, sizes[i], i));
			CHECK_OK(peer_answer(peer));
			peer_tell(peer, do_receive, ARGUMENTS(memory, sizes[i], i + 20));
			CHECK_OK(here(do_send, (long)local, sizes[i], i + 20));
			CHECK_OK(peer_answer(peer));
		}
	}
	finish();
}

/* what the handler of active messages knows of the one that is awaited */
static struct {
	void *memory;
	ucs_status_ptr_t request;
	size_t length;
	long seed;
	bool arrived;
} message;

static ucs_status_t on_message(void *unused, const void *header, size_t header_length, void *data,
			       size_t length, const ucp_am_recv_param_t *parameters)
{
	ucp_request_param_t none = { 0 };

	(void)unused;
	CHECK_EQ(header_length, sizeof(message.seed));
	memcpy(&message.seed, header, sizeof(message.seed));
	message.length = length;
	if (parameters->recv_attr & UCP_AM_RECV_ATTR_FLAG_RNDV)
		message.request = ucp_am_recv_data_nbx(worker, data, message.memory, length, &none);
	else
		memcpy(message.memory, data, length);
	message.arrived = true;
	return UCS_PTR_IS_PTR(message.request) ? UCS_INPROGRESS : UCS_OK;
}

static long do_handle(const long *a)
{
	ucp_am_handler_param_t parameters = {
		.field_mask = UCP_AM_HANDLER_PARAM_FIELD_ID | UCP_AM_HANDLER_PARAM_FIELD_CB,
		.id = AM_ID,
		.cb = on_message,
	};

	(void)a;
	CHECK_UCS(ucp_worker_set_am_recv_handler(worker, &parameters));
	return 0;
}

static long do_send_message(const long *a)
{
	ucp_request_param_t none = { 0 };

	fill((void *)a[0], a[1], a[2]);
	COMPLETE(ucp_am_send_nbx(endpoint, AM_ID, &a[2], sizeof(a[2]), (void *)a[0], a[1], &none));
	flush();
	return 0;
}

/* an address that the message is to go to */
static long do_expect_message(const long *a)
{
	memset(&message, 0, sizeof(message));
	message.memory = (void *)a[0];
	memset(message.memory, 0, a[1]);
	return 0;
}

static long do_receive_message(const long *a)
{
	while (!message.arrived)
		ucp_worker_progress(worker);
	COMPLETE(message.request);
	CHECK_EQ(message.length, a[1]);
	CHECK_EQ(message.seed, a[2]);
	if (compare(message.memory, a[1], a[2]))
		return -EBADMSG;
	return do_serve(NULL);
}

CASE(active_message)
{
	long kind, memory;
	size_t i;

	setup();
	CHECK_OK(on(peer, do_handle, 0));
	for (kind = 0; kind < MEMORIES; kind++) {
		memory = CHECK_OK(on(peer, do_allocate, kind));
		printf("%s\n", memory_names[kind]);
		for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			CHECK_OK(on(peer, do_expect_message, memory, sizes[i]));
			atomic_store(&common->served, false);
			peer_tell(peer, do_receive_message, ARGUMENTS(memory, sizes[i], i));
			CHECK_OK(here(do_send_message, (long)local, sizes[i], i));
			served();
		}
	}
	finish();
}
