/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exported memory of a file whose pages a FUSE server supplies. The server is a child that serves
 * one file, and may fall silent: then it gives requests to read no answer, as long as it likes.
 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"

#define LENGTH (8 * PAGE)
#define SEED 7
#define FILE_NODE 2
#define STILL 20	/* seconds within which a request arrives */
#define ROUNDS 40

static struct board {
	atomic_bool silent;
	atomic_int withheld;		/* requests to read that are to get no answer */
	atomic_bool ended;
} *board;

static int connection;			/* of the server */
static pid_t server;
static char content[LENGTH] __attribute__((aligned(PAGE)));
static struct peer *attacher;
static long page, at, apid;
static int file;
static int user;			/* and group, of the mount; root by default */

/* The server. */

static void reply(const struct fuse_in_header *request, int error, const void *data, size_t length)
{
	struct fuse_out_header header = {
		.len = sizeof(header) + length, .error = error, .unique = request->unique,
	};
	struct iovec parts[] = { { &header, sizeof(header) }, { (void *)data, length } };

	/* The requester of this request may have been killed. */
	if (writev(connection, parts, 2) < 0 && errno != ENOENT)
		FAIL("no answer to request %u: %s", request->opcode, strerror(errno));
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node,
		.size = node == FILE_NODE ? LENGTH : 0,
		.mode = node == FILE_NODE ? S_IFREG | 0666 : S_IFDIR | 0755,
		.nlink = 1,
		.blksize = PAGE,
	};
}

static void reply_to_read(const struct fuse_in_header *request)
{
	const struct fuse_read_in *in = (const void *)(request + 1);

	if (board->silent) {
		board->withheld++;
		while (board->silent)
			usleep(1000);
		board->withheld--;
	}
	CHECK(in->offset + in->size <= LENGTH);
	reply(request, 0, content + in->offset, in->size);
}

static void reply_to_write(const struct fuse_in_header *request)
{
	const struct fuse_write_in *in = (const void *)(request + 1);
	struct fuse_write_out out = { .size = in->size };

	CHECK(in->offset + in->size <= LENGTH);
	memcpy(content + in->offset, in + 1, in->size);
	reply(request, 0, &out, sizeof(out));
}

static void serve(const struct fuse_in_header *request)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
		.max_write = LENGTH,
	};
	struct fuse_entry_out entry = {
		.nodeid = FILE_NODE, .entry_valid = -1, .attr_valid = -1,
		.attr = attributes(FILE_NODE),
	};
	struct fuse_attr_out attr = { .attr_valid = -1, .attr = attributes(request->nodeid) };
	struct fuse_open_out opened = { .open_flags = FOPEN_KEEP_CACHE };

	switch (request->opcode) {
	case FUSE_INIT:
		reply(request, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		reply(request, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		reply(request, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		reply(request, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		reply_to_read(request);
		break;
	case FUSE_WRITE:
		reply_to_write(request);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(request, -ENOSYS, NULL, 0);
	}
}

/* Several threads serve, so that others go on while one withholds an answer. */
static void *serve_all(void *nothing)
{
	char request[LENGTH + FUSE_MIN_READ_BUFFER] __attribute__((aligned(8)));
	long result;

	do {
		result = read(connection, request, sizeof(request));
		if (result > 0)
			serve((void *)request);
	} while (result > 0 || errno == EINTR || errno == ENOENT);
	return nothing;
}

static void start_server(void)
{
	pthread_t thread;
	int i;

	server = CHECK_OK(answer(fork_bound()));
	if (server)
		return;
	fill((long)content, LENGTH, SEED);
	for (i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&thread, NULL, serve_all, NULL), 0);
	/* The mount ends with its last open file. Another user's process sends no signal here. */
	CHECK_EQ(pthread_join(thread, NULL), 0);
	_exit(0);
}

/* The C library would change the ids of all threads. */
static void *open_as_user(void *path)
{
	CHECK_OK(answer(syscall(SYS_setresgid, user, user, user)));
	CHECK_OK(answer(syscall(SYS_setresuid, user, user, user)));
	file = CHECK_OK(answer(open(path, O_RDWR | O_CLOEXEC)));
	return NULL;
}

/* Mounts the file system where only this process sees it, and opens its file, both as the user. */
static void open_file(void)
{
	static char folder[] = "/tmp/xpmem-fuse-XXXXXX";
	char options[64], path[64];
	pthread_t thread;

	CHECK_OK(answer(system("modprobe -q fuse")));
	connection = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (connection < 0)
		SKIP("this kernel has no FUSE: %s", strerror(errno));
	board = (void *)map_shared(PAGE);
	CHECK_OK(answer(unshare(CLONE_NEWNS)));
	CHECK_OK(answer(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)));
	CHECK(mkdtemp(folder));
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%d,group_id=%d",
		 connection, user, user);
	CHECK_OK(answer(mount("xpmem-test", folder, "fuse", 0, options)));
	start_server();
	close(connection);
	snprintf(path, sizeof(path), "%s/file", folder);
	CHECK_EQ(pthread_create(&thread, NULL, open_as_user, path), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_OK(answer(umount2(folder, MNT_DETACH)));
	CHECK_OK(answer(rmdir(folder)));
}

static void share(int flags)
{
	open_file();
	CHECK_OK(device_open());
	page = map_file(file, LENGTH, PROT_READ | PROT_WRITE, flags);
	attacher = peer_start();
	apid = CHECK_OK(on(attacher, do_get, export_range(page, LENGTH), XPMEM_GET_RDWR));
	at = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH));
}

static void await_withheld(void)
{
	double end = now() + STILL * slowness();

	while (!board->withheld) {
		if (now() > end)
			FAIL("no page was asked for");
		usleep(1000);
	}
}

/* Has the attacher do what needs a page, which the server withholds. */
static void withhold(operation *what, const long *argument)
{
	board->silent = true;
	peer_tell(attacher, what, argument);
	await_withheld();
}

/* No task holds the exporter's mmap_lock meanwhile. */
static void check_exporter_is_free(void)
{
	unmap(map_anonymous(PAGE), PAGE);
}

static void check_content(int flags)
{
	share(flags);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, SEED), 0);
	CHECK_OK(on(attacher, do_store, at + PAGE, 9));
	CHECK_EQ(load(page + PAGE), 9);
	CHECK_OK(store(page + PAGE, 10));
	CHECK_EQ(on(attacher, do_load, at + PAGE), 10);
}

CASE(shared_mapping)
{
	check_content(MAP_SHARED);
}

CASE(private_mapping)
{
	check_content(MAP_PRIVATE);
}

CASE(late_answer)
{
	share(MAP_SHARED);
	withhold(do_verify, ARGUMENTS(at, LENGTH, SEED));
	check_exporter_is_free();
	board->silent = false;
	CHECK_EQ(peer_answer(attacher), 0);
}

/*
 * A request that the server has taken keeps its task until the server ends. The exporter is free
 * meanwhile.
 */
static void kill_attacher(void)
{
	check_exporter_is_free();
	CHECK_OK(answer(kill(peer_pid(attacher), SIGKILL)));
	check_exporter_is_free();
	CHECK_OK(answer(kill(server, SIGKILL)));
	peer_end(attacher, SIGKILL);
}

CASE(killed_while_the_server_is_silent)
{
	share(MAP_SHARED);
	withhold(do_load, ARGUMENTS(at));
	kill_attacher();
}

CASE(killed_while_the_server_of_a_private_mapping_is_silent)
{
	share(MAP_PRIVATE);
	withhold(do_load, ARGUMENTS(at));
	kill_attacher();
}

#define USER 2000

/* A descriptor works whatever the ids of exporter and attacher are. */
static void attach_by_descriptor(void)
{
	long descriptor;

	peer_send_descriptor(attacher, CHECK_OK(SEGMENT_FD(.segid = export_range(page, LENGTH),
							   .flags = XPMEM_GET_RDWR)));
	descriptor = CHECK_OK(on(attacher, do_receive_descriptor, 0));
	apid = CHECK_OK(on(attacher, do_get_fd, descriptor, XPMEM_GET_RDWR));
	at = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH));
}

/* Present pages are refused as well: the exporter may need the server for them at any moment. */
static void check_refused(void)
{
	CHECK_OK(store(page, 5));
	attach_by_descriptor();
	board->silent = true;
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_load, at + PAGE), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_store, at + PAGE, 1), GOT_SIGBUS);
	CHECK_EQ(board->withheld, 0);
	CHECK_EQ(load(page), 5);
}

static void refuse_others(int flags, long uid, long gid)
{
	share(flags);
	CHECK_OK(on(attacher, do_become, uid, gid));
	check_refused();
}

CASE(server_of_another_user)
{
	refuse_others(MAP_SHARED, USER, USER);
}

CASE(private_mapping_with_server_of_another_user)
{
	refuse_others(MAP_PRIVATE, USER, USER);
}

CASE(server_of_another_group)
{
	refuse_others(MAP_SHARED, 0, USER);
}

/* Exporter and attacher are of one user, and the server of another. */
CASE(exporter_with_server_of_another_user)
{
	open_file();
	CHECK_OK(here(do_become, USER, USER));
	page = map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
	attacher = peer_start();
	check_refused();
}

/* Attacher and server are of one user, and the exporter of another. */
CASE(attacher_with_server_of_its_user)
{
	user = USER;
	share(MAP_SHARED);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_OK(on(attacher, do_become, USER, USER));
	attach_by_descriptor();
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, SEED), 0);
}

CASE(removed_while_the_server_is_silent)
{
	share(MAP_SHARED);
	withhold(do_load, ARGUMENTS(at));
	here(do_close, 0);
	board->silent = false;
	CHECK_EQ(peer_answer(attacher), GOT_SIGBUS);
}

/* A populating attach takes what is there, and waits for no server. */
CASE(populate_does_not_wait)
{
	share(MAP_SHARED);
	CHECK_EQ(load(page), SEED * 0x10000000L);
	board->silent = true;
	at = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH, XPMEM_ATTACH_POPULATE));
	CHECK_EQ(board->withheld, 0);
	CHECK_EQ(on(attacher, do_load, at), load(page));
}

/* A debugger of the attacher gets what is there, and waits for no server. */
CASE(debugger_does_not_wait)
{
	char path[64];
	long value;
	int memory;

	share(MAP_PRIVATE);
	CHECK_OK(store(page, 5));
	board->silent = true;
	snprintf(path, sizeof(path), "/proc/%d/mem", peer_pid(attacher));
	memory = CHECK_OK(answer(open(path, O_RDONLY | O_CLOEXEC)));
	CHECK_EQ(answer(pread(memory, &value, sizeof(value), at + PAGE)), -EIO);
	CHECK_EQ(board->withheld, 0);
	CHECK_EQ(answer(pread(memory, &value, sizeof(value), at)), sizeof(value));
	CHECK_EQ(value, 5);
}

static void require_dmabuf(void)
{
	if (!device_has(XPMEM_FEATURE_DMABUF))
		SKIP("this kernel has no dma-bufs");
}

/* A server can keep a page of the file locked for ever, and with it the end of a dma-buf. */
CASE(shared_mapping_is_not_for_devices)
{
	share(MAP_SHARED);
	require_dmabuf();
	CHECK_OK(load(page));
	CHECK_EQ(on(attacher, do_dmabuf, apid, 0, PAGE), -EFAULT);
}

static void discard(void)
{
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_DONTNEED)));
	CHECK_EQ(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED), 0);
}

/* Whether pins of this kernel may wait for the server. */
static bool pins_may_wait(void)
{
	struct utsname kernel;
	int major, minor;

	CHECK_OK(answer(uname(&kernel)));
	CHECK_EQ(sscanf(kernel.release, "%d.%d", &major, &minor), 2);
	return major < 5 || (major == 5 && minor < 16);
}

/* A private mapping that can be given to devices, with no page in memory. */
static void share_with_devices(void)
{
	long result;

	share(MAP_PRIVATE);
	require_dmabuf();
	result = on(attacher, do_dmabuf, apid, 0, PAGE);
	if (result == -EFAULT && pins_may_wait())
		SKIP("pins of this kernel may wait for the server");
	CHECK_OK(result);
	discard();
}

CASE(given_to_a_device)
{
	share_with_devices();
	withhold(do_dmabuf, ARGUMENTS(apid, 0, 3 * PAGE));
	check_exporter_is_free();
	board->silent = false;
	CHECK_OK(peer_answer(attacher));
	CHECK_EQ(verify(page, LENGTH, SEED), 0);
}

CASE(killed_while_given_to_a_device)
{
	share_with_devices();
	withhold(do_dmabuf, ARGUMENTS(apid, 0, 3 * PAGE));
	kill_attacher();
}

/* Until the server answers no more, or this process is killed. */
static long do_give_again(const long *apid_offset_length)
{
	long descriptor;

	while (!board->ended) {
		descriptor = do_dmabuf(apid_offset_length);
		if (descriptor >= 0)
			close(descriptor);
	}
	return 0;
}

/* The pages go away again and again, and with them those of the page cache. */
static void *discard_again(void *none)
{
	while (!board->ended)
		discard();
	return none;
}

/* A page that is discarded before it is pinned must not make the pin wait for the server. */
CASE(given_to_a_device_amid_discards)
{
	pthread_t thread;
	int i;

	share_with_devices();
	CHECK_EQ(pthread_create(&thread, NULL, discard_again, NULL), 0);
	for (i = 0; i < ROUNDS; i++) {
		harness_renew();
		board->silent = true;
		if (!i)
			peer_tell(attacher, do_give_again, ARGUMENTS(apid, 0, PAGE));
		await_withheld();
		check_exporter_is_free();
		board->silent = false;
		while (board->withheld)
			usleep(1000);
	}
	board->ended = true;
	CHECK_OK(peer_answer(attacher));
	pthread_join(thread, NULL);
}
