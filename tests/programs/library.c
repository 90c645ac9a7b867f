/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxpmem as programs use it: the historical calls, the extended ones, threads and forks. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xpmem_ext.h>

#include "device.h"

#define LENGTH (4 * PAGE)
#define UNKNOWN_ID 0x123456789abcdefL

static void *memory(void)
{
	return (void *)map_anonymous(LENGTH);
}

static long make(void *address, size_t size, long mode)
{
	return answer(xpmem_make(address, size, XPMEM_PERMIT_MODE, (void *)mode));
}

static long get(long segid, int flags)
{
	return answer(xpmem_get(segid, flags, XPMEM_PERMIT_MODE, NULL));
}

static long attach(long apid, off_t offset, size_t size, void *where)
{
	struct xpmem_addr address = { .apid = apid, .offset = offset };

	return answer((long)xpmem_attach(address, size, where));
}

CASE(version)
{
	CHECK_EQ(answer(xpmem_init()), 0);
	CHECK(xpmem_version() > 0x00027004);
	CHECK_OK(device_open());
	CHECK_EQ(xpmem_version(), device_call(XPMEM_CMD_VERSION, NULL));
	CHECK_EQ(xpmem_ioctl(XPMEM_CMD_VERSION, NULL), xpmem_version());
}

CASE(exchange)
{
	volatile long *words = memory();
	long segid, apid, at;

	words[0] = 7;
	segid = CHECK_OK(make((void *)words, LENGTH, 0600));
	apid = CHECK_OK(get(segid, XPMEM_RDWR));
	at = CHECK_OK(attach(apid, 0, LENGTH, NULL));
	CHECK_EQ(load(at), 7);
	CHECK_OK(store(at + PAGE, 8));
	CHECK_EQ(words[PAGE / 8], 8);
	CHECK_EQ(answer(xpmem_detach((void *)(at + PAGE))), 0);
	CHECK_EQ(load(at), GOT_SIGSEGV);
	CHECK_EQ(answer(xpmem_release(apid)), 0);
	CHECK_EQ(answer(xpmem_remove(segid)), 0);
}

CASE(errors)
{
	char *address = memory();
	long segid, apid;

	CHECK_EQ(make(address + 1, PAGE, 0600), -EINVAL);
	CHECK_EQ(make(address, 0, 0600), -EINVAL);
	CHECK_EQ(make(address, PAGE, 01000), -EINVAL);
	CHECK_EQ(answer(xpmem_make(address, PAGE, 0, (void *)0600)), -EINVAL);
	segid = CHECK_OK(make(address, PAGE, 0600));
	CHECK_EQ(get(segid, 0), -EINVAL);
	CHECK_EQ(get(segid, XPMEM_RDONLY | XPMEM_RDWR), -EINVAL);
	CHECK_EQ(get(UNKNOWN_ID, XPMEM_RDWR), -ENOENT);
	apid = CHECK_OK(get(segid, XPMEM_RDWR));
	CHECK_EQ(attach(apid, 1, PAGE, NULL), -EINVAL);
	CHECK_EQ(attach(apid, 0, PAGE + 1, NULL), -EINVAL);
	CHECK_EQ(attach(UNKNOWN_ID, 0, PAGE, NULL), -ENOENT);
	CHECK_EQ(answer(xpmem_detach(address)), -EINVAL);
	CHECK_EQ(answer(xpmem_detach(NULL)), 0);
	CHECK_OK(answer(xpmem_release(apid)));
	CHECK_EQ(answer(xpmem_release(apid)), -ENOENT);
	CHECK_OK(answer(xpmem_remove(segid)));
	CHECK_EQ(answer(xpmem_remove(segid)), -ENOENT);
	for (apid = 0; apid >= -1; apid--) {
		CHECK_EQ(get(apid, XPMEM_RDWR), -EINVAL);
		CHECK_EQ(attach(apid, 0, PAGE, NULL), -EINVAL);
		CHECK_EQ(answer(xpmem_release(apid)), -EINVAL);
		CHECK_EQ(answer(xpmem_remove(apid)), -EINVAL);
	}
}

CASE(whole_address_space)
{
	static long word = 5;
	long address = (long)&word & -PAGE;
	long apid = CHECK_OK(get(CHECK_OK(make(NULL, XPMEM_MAXADDR_SIZE, 0666)), XPMEM_RDWR));

	CHECK_EQ(load(CHECK_OK(attach(apid, address, PAGE, NULL)) + (long)&word % PAGE), 5);
}

CASE(attach_at_an_address)
{
	long where = map_anonymous(LENGTH);
	long *words = memory();

	words[0] = 9;
	CHECK_EQ(attach(CHECK_OK(get(CHECK_OK(make(words, LENGTH, 0600)), XPMEM_RDWR)), 0, LENGTH,
			(void *)where),
		 where);
	CHECK_EQ(load(where), 9);
}

static long do_library_get(const long *segid)
{
	return get(segid[0], XPMEM_RDWR);
}

static long do_library_make(const long *address_length)
{
	return make((void *)address_length[0], address_length[1], 0600);
}

static long do_library_attach(const long *apid_length)
{
	return attach(apid_length[0], 0, apid_length[1], NULL);
}

static long do_library_remove(const long *segid)
{
	return answer(xpmem_remove(segid[0]));
}

/* the child never mentions the device: the library sees to it */
CASE(fork)
{
	struct peer *child;
	long *words = memory();
	long segid, apid, at;

	words[0] = 3;
	segid = CHECK_OK(make(words, LENGTH, 0600));
	child = peer_fork();
	apid = CHECK_OK(on(child, do_library_get, segid));
	at = CHECK_OK(on(child, do_library_attach, apid, LENGTH));
	CHECK_EQ(on(child, do_load, at), 3);
	CHECK_OK(on(child, do_library_make, (long)words, LENGTH));
	CHECK_EQ(on(child, do_library_remove, segid), -EACCES);
	CHECK_EQ(answer(xpmem_release(apid)), -EACCES);
	peer_end(child, 0);
	CHECK_OK(get(segid, XPMEM_RDWR));
	CHECK_OK(answer(xpmem_remove(segid)));
}

CASE(fork_of_a_fork)
{
	struct peer *first, *second;
	long segid = CHECK_OK(make(memory(), LENGTH, 0600));

	first = peer_fork();
	CHECK_OK(on(first, do_library_get, segid));
	second = peer_fork();
	CHECK_OK(on(second, do_library_get, segid));
	CHECK_OK(on(first, do_library_get, segid));
	CHECK_OK(get(segid, XPMEM_RDWR));
}

CASE(exporter_after_a_child_ended)
{
	struct peer *attacher = peer_fork(), *child;
	long *words = memory();
	long segid, at;

	segid = CHECK_OK(make(words, LENGTH, 0600));
	at = CHECK_OK(on(attacher, do_library_attach, CHECK_OK(on(attacher, do_library_get, segid)),
			 LENGTH));
	child = peer_fork();
	CHECK_OK(on(child, do_library_get, segid));
	peer_end(child, SIGKILL);
	words[0] = 6;
	CHECK_EQ(on(attacher, do_load, at), 6);
}

static void *use_in_thread(void *segid)
{
	int i;

	for (i = 0; i < 50; i++) {
		long apid = CHECK_OK(get((long)segid, XPMEM_RDWR));
		long at = CHECK_OK(attach(apid, 0, PAGE, NULL));

		CHECK_EQ(load(at), 4);
		CHECK_OK(answer(xpmem_detach((void *)at)));
		CHECK_OK(answer(xpmem_release(apid)));
	}
	return NULL;
}

/* the first calls of all come from threads at once */
CASE(threads)
{
	struct peer *exporter;
	pthread_t threads[4];
	long page = map_anonymous(PAGE), segid, i;

	*(long *)page = 4;
	exporter = peer_fork();
	segid = CHECK_OK(on(exporter, do_library_make, page, PAGE));
	for (i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, use_in_thread, (void *)segid), 0);
	for (i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static int open_descriptors(void)
{
	int number, count = 0;

	for (number = 0; number < 256; number++)
		count += fcntl(number, F_GETFD) >= 0;
	return count;
}

CASE(one_descriptor_closed_on_exec)
{
	int before = open_descriptors(), number, i;
	char path[64], target[64];
	ssize_t length;

	for (i = 0; i < 10; i++)
		CHECK_OK(make(memory(), LENGTH, 0600));
	CHECK_EQ(open_descriptors(), before + 1);
	for (number = 0; number < 256; number++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", number);
		length = readlink(path, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		target[length] = 0;
		if (!strcmp(target, "/dev/xpmem"))
			CHECK(fcntl(number, F_GETFD) & FD_CLOEXEC);
	}
}

/* the library's descriptor */
static int library_descriptor(void)
{
	char path[64], target[64];
	int number;

	for (number = 0; number < 256; number++) {
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", number);
		length = readlink(path, target, sizeof(target) - 1);
		if (length == (ssize_t)strlen("/dev/xpmem") &&
		    !strncmp(target, "/dev/xpmem", length))
			return number;
	}
	FAIL("no descriptor of the device");
}

static void install_filter(struct sock_filter *filter, size_t length)
{
	struct sock_fprog program = { .filter = filter, .len = length };

	CHECK_EQ(answer(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)), 0);
	CHECK_EQ(answer(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)), 0);
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_UNLESS(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (count))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))

/* from here on, an ioctl on the number is the end of this process */
static void guard(int number)
{
	struct sock_filter filter[] = {
		LOAD(nr), SKIP_UNLESS(SYS_ioctl, 3),
		LOAD(args[0]), SKIP_UNLESS(number, 1), RETURN(SECCOMP_RET_KILL_PROCESS),
		RETURN(SECCOMP_RET_ALLOW),
	};

	install_filter(filter, sizeof(filter) / sizeof(*filter));
}

/* what a library whose descriptor is gone does: all of it anew, on another number */
static void check_use_after_loss(long lost_segid, int number)
{
	int before = open_descriptors();
	long segid;

	guard(number);
	CHECK_EQ(answer(xpmem_remove(lost_segid)), -ENOENT);
	segid = CHECK_OK(make(memory(), LENGTH, 0600));
	CHECK_OK(answer(xpmem_release(CHECK_OK(get(segid, XPMEM_RDWR)))));
	CHECK_OK(answer(xpmem_remove(segid)));
	CHECK_EQ(open_descriptors(), before + 1);
	CHECK(library_descriptor() != number);
}

/* enough calls for a library that checks only the first ones */
static long use_library(void)
{
	long segid = 0;
	int i;

	for (i = 0; i < 3; i++)
		segid = CHECK_OK(make(memory(), LENGTH, 0600));
	return segid;
}

static void replace(int number)
{
	int other = CHECK_OK(answer(open("/dev/null", O_RDWR)));

	CHECK_EQ(answer(dup2(other, number)), number);
	close(other);
}

CASE(descriptor_closed)
{
	long segid = use_library();
	int number = library_descriptor();

	CHECK_OK(answer(close(number)));
	CHECK_EQ(answer(xpmem_remove(segid)), -ENOENT);
	CHECK_OK(use_library());
	CHECK_OK(answer(close(library_descriptor())));
	CHECK_OK(use_library());
}

CASE(descriptor_replaced)
{
	long segid = use_library();
	int number = library_descriptor();

	replace(number);
	check_use_after_loss(segid, number);
}

CASE(descriptor_closed_and_reused)
{
	long segid = use_library();
	int number = library_descriptor(), other;

	CHECK_OK(answer(syscall(SYS_close_range, number, number, 0)));
	do
		other = CHECK_OK(answer(open("/dev/null", O_RDWR)));
	while (other < number);
	CHECK_EQ(other, number);
	check_use_after_loss(segid, number);
}

/*
 * the objects belong to a copy that the application keeps, and the library does not know its number
 */
CASE(descriptor_moved)
{
	long segid = use_library();
	int number = library_descriptor(), copy = CHECK_OK(answer(fcntl(number, F_DUPFD, 100)));

	replace(number);
	guard(number);
	CHECK_OK(use_library());
	CHECK_OK(answer(xpmem_remove(segid)));
	CHECK_OK(answer(close(copy)));
	CHECK_OK(use_library());
}

static void *replace_in_thread(void *number)
{
	replace((int)(long)number);
	return NULL;
}

CASE(descriptor_replaced_by_a_thread)
{
	long segid = use_library();
	int number = library_descriptor();
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, replace_in_thread, (void *)(long)number), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	check_use_after_loss(segid, number);
}

/* without memory for the word that a close clears */
CASE(descriptor_replaced_without_memory)
{
	struct rlimit limit = { .rlim_cur = 0, .rlim_max = RLIM_INFINITY };
	int number;
	long segid;

	CHECK_EQ(answer(setrlimit(RLIMIT_AS, &limit)), 0);
	CHECK_EQ(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MAP_FAILED);
	segid = CHECK_OK(make((void *)((long)&limit & -PAGE), PAGE, 0600));
	number = library_descriptor();
	replace(number);
	guard(number);
	CHECK_EQ(answer(xpmem_remove(segid)), -ENOENT);
	CHECK_OK(make((void *)((long)&limit & -PAGE), PAGE, 0600));
	limit.rlim_cur = RLIM_INFINITY;
	CHECK_EQ(answer(setrlimit(RLIMIT_AS, &limit)), 0);
	CHECK_OK(use_library());
	number = library_descriptor();
	replace(number);
	guard(number);
	CHECK_OK(use_library());
}

/* forks as a program does that does not use the C library's fork: no handler runs */
static pid_t raw_fork(void)
{
	return CHECK_OK(answer(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)));
}

static void wait_for(pid_t child)
{
	int status;

	CHECK_EQ(answer(waitpid(child, &status, 0)), child);
	CHECK_EQ(status, 0);
}

CASE(fork_without_handlers)
{
	long segid = use_library();
	int number = library_descriptor();
	pid_t child = raw_fork();

	if (!child) {
		CHECK_EQ(answer(xpmem_remove(segid)), -EACCES);
		CHECK_OK(use_library());
		_exit(0);
	}
	wait_for(child);
	CHECK_EQ(library_descriptor(), number);
	CHECK_OK(answer(xpmem_remove(segid)));
}

CASE(fork_without_handlers_and_reuse)
{
	long segid = use_library();
	int number = library_descriptor();
	pid_t child = raw_fork();

	if (!child) {
		replace(number);
		guard(number);
		CHECK_EQ(answer(xpmem_remove(segid)), -EACCES);
		CHECK_OK(use_library());
		number = library_descriptor();
		replace(number);
		guard(number);
		CHECK_OK(use_library());
		_exit(0);
	}
	wait_for(child);
	CHECK_OK(answer(xpmem_remove(segid)));
}

/* a child that shares the memory and has descriptors of its own, as posix_spawn() makes one */
CASE(vfork_and_close)
{
	long segid = use_library();
	int number = library_descriptor();
	pid_t child = vfork();

	if (!child) {
		close(number);
		_exit(0);
	}
	wait_for(child);
	CHECK_OK(use_library());
	CHECK_EQ(library_descriptor(), number);
	CHECK_OK(answer(xpmem_remove(segid)));
}

/* once the library has begun, a call is one system call */
CASE(one_system_call_each)
{
	struct sock_filter filter[] = {
		LOAD(nr), SKIP_UNLESS(SYS_ioctl, 1), RETURN(SECCOMP_RET_ALLOW),
		SKIP_UNLESS(SYS_exit_group, 1), RETURN(SECCOMP_RET_ALLOW),
		SKIP_UNLESS(SYS_write, 1), RETURN(SECCOMP_RET_ALLOW),
		RETURN(SECCOMP_RET_KILL_PROCESS),
	};
	void *address = memory();
	pid_t child;

	use_library();
	child = CHECK_OK(answer(fork()));
	if (!child) {
		long segid, apid, at;

		use_library();
		install_filter(filter, sizeof(filter) / sizeof(*filter));
		segid = CHECK_OK(make(address, LENGTH, 0600));
		apid = CHECK_OK(get(segid, XPMEM_RDWR));
		at = CHECK_OK(attach(apid, 0, LENGTH, NULL));
		CHECK_OK(answer(xpmem_detach((void *)at)));
		CHECK_OK(answer(xpmem_release(apid)));
		CHECK_OK(answer(xpmem_remove(segid)));
		_exit(0);
	}
	wait_for(child);
}

CASE(query)
{
	struct xpmem_capabilities capabilities = { 0 };

	CHECK_OK(answer(xpmem_query(&capabilities)));
	CHECK_EQ(capabilities.abi_version, XPMEM_ABI_VERSION);
	CHECK_EQ(capabilities.module_version, xpmem_version());
	CHECK_EQ(capabilities.page_size, PAGE);
	CHECK(capabilities.features & XPMEM_FEATURE_SEGMENT_FD);
	CHECK(capabilities.address_limit > (uint64_t)&capabilities);
	CHECK_EQ(capabilities.mode_mask & ~0777, 0);
}

CASE(make_segment)
{
	void *address = memory();
	long segid;

	CHECK_EQ(answer(xpmem_make_segment(address, LENGTH, 0600, 0,
					   "a name of thirty-two characters!")),
		 -EINVAL);
	CHECK_EQ(answer(xpmem_make_segment(address, LENGTH, 0600, 0, "tab\there")), -EINVAL);
	CHECK_EQ(answer(xpmem_make_segment(address, LENGTH, 0600, 1U << 31, NULL)), -EINVAL);
	CHECK_OK(answer(
		xpmem_make_segment(address, LENGTH, 0600, 0, "a name of thirty-one characters")));
	CHECK_OK(answer(xpmem_make_segment(NULL, SIZE_MAX, 0600, 0, NULL)));
	segid = CHECK_OK(
		answer(xpmem_make_segment(address, LENGTH, 0666, XPMEM_MAKE_RDONLY, "read only")));
	CHECK_EQ(get(segid, XPMEM_RDWR), -EACCES);
	CHECK_OK(get(segid, XPMEM_RDONLY));
}

CASE(get_segment)
{
	size_t length = 0;
	long segid = CHECK_OK(make(memory(), LENGTH, 0600));

	CHECK_OK(answer(xpmem_get_segment(segid, XPMEM_RDONLY, &length)));
	CHECK_EQ(length, LENGTH);
	CHECK_OK(answer(xpmem_get_segment(segid, XPMEM_RDWR, NULL)));
	CHECK_EQ(answer(xpmem_get_segment(segid, 0, NULL)), -EINVAL);
	CHECK_EQ(answer(xpmem_get_segment(segid, 3, NULL)), -EINVAL);
	CHECK_EQ(answer(xpmem_get_segment(UNKNOWN_ID, XPMEM_RDWR, NULL)), -ENOENT);
}

CASE(segment_descriptor)
{
	long *words = memory();
	size_t length = 0;
	long segid, descriptor, reader, apid;

	words[0] = 2;
	segid = CHECK_OK(make(words, LENGTH, 0));
	CHECK_EQ(answer(xpmem_segment_fd(segid, 0)), -EINVAL);
	CHECK_EQ(answer(xpmem_segment_fd(UNKNOWN_ID, XPMEM_RDWR)), -ENOENT);
	descriptor = CHECK_OK(answer(xpmem_segment_fd(segid, XPMEM_RDWR)));
	reader = CHECK_OK(answer(xpmem_segment_fd(segid, XPMEM_RDONLY)));
	apid = CHECK_OK(answer(xpmem_get_fd(descriptor, XPMEM_RDWR, &length)));
	CHECK_EQ(length, LENGTH);
	CHECK_EQ(load(CHECK_OK(attach(apid, 0, LENGTH, NULL))), 2);
	CHECK_OK(answer(xpmem_get_fd(reader, XPMEM_RDONLY, NULL)));
	CHECK_EQ(answer(xpmem_get_fd(reader, XPMEM_RDWR, NULL)), -EACCES);
	CHECK_EQ(answer(xpmem_get_fd(-1, XPMEM_RDWR, NULL)), -EBADF);
	CHECK_EQ(answer(xpmem_get_fd(STDERR_FILENO, XPMEM_RDWR, NULL)), -EINVAL);
	CHECK_OK(answer(xpmem_remove(segid)));
	CHECK_EQ(answer(xpmem_get_fd(descriptor, XPMEM_RDWR, NULL)), -ENOENT);
}

CASE(attach_range)
{
	int64_t attid = 0;
	long *words = memory();
	long apid, at, taken;

	words[0] = 1;
	apid = CHECK_OK(get(CHECK_OK(make(words, LENGTH, 0600)), XPMEM_RDWR));
	at = CHECK_OK(answer((long)xpmem_attach_range(apid, 0, LENGTH, NULL, 0, &attid)));
	CHECK(attid > 0);
	CHECK_EQ(load(at), 1);
	at = CHECK_OK(answer((long)xpmem_attach_range(
		apid, 0, LENGTH, NULL, XPMEM_ATTACH_RDONLY | XPMEM_ATTACH_POPULATE, NULL)));
	CHECK_EQ(store(at, 1), GOT_SIGSEGV);
	taken = map_anonymous(LENGTH);
	CHECK_EQ(answer((long)xpmem_attach_range(apid, 0, LENGTH, (void *)taken, XPMEM_ATTACH_FIXED,
						 NULL)),
		 -EEXIST);
	CHECK_EQ(answer((long)xpmem_attach_range(apid, 0, LENGTH, (void *)taken, 0, NULL)),
		 -EINVAL);
	unmap(taken, LENGTH);
	CHECK_EQ(answer((long)xpmem_attach_range(apid, 0, LENGTH, (void *)taken, XPMEM_ATTACH_FIXED,
						 NULL)),
		 taken);
	CHECK_EQ(answer((long)xpmem_attach_range(apid, 0, LENGTH + PAGE, NULL, 0, NULL)), -EINVAL);
	CHECK_EQ(answer((long)xpmem_attach_range(apid, 0, 1, NULL, 0, NULL)), -EINVAL);
}

/* answers the size of what the pipe took from the page itself, or an error */
static long splice_word(long address)
{
	struct iovec vector = { (void *)address, sizeof(long) };
	int ends[2];
	long result;

	CHECK_OK(answer(pipe2(ends, O_CLOEXEC)));
	result = answer(vmsplice(ends[1], &vector, 1, 0));
	close(ends[0]);
	close(ends[1]);
	return result;
}

CASE(pinnable_attachments)
{
	long memory = map_anonymous(LENGTH), apid, at;
	struct xpmem_capabilities known;

	apid = CHECK_OK(get(CHECK_OK(make((void *)memory, LENGTH, 0600)), XPMEM_RDWR));
	CHECK_OK(answer(xpmem_query(&known)));
	at = answer((long)xpmem_attach_range(apid, 0, LENGTH, NULL, XPMEM_ATTACH_PINNABLE, NULL));
	if (!(known.features & XPMEM_FEATURE_PINNABLE)) {
		CHECK_EQ(at, -EOPNOTSUPP);
		SKIP("this kernel has no pinnable attachments");
	}
	CHECK_EQ(splice_word(CHECK_OK(at)), sizeof(long));
}

/* Programs that know the historical calls only ask for it so, and go on where it is refused. */
CASE(pinnable_attachments_by_the_environment)
{
	long memory = map_anonymous(LENGTH), apid, at;
	struct xpmem_capabilities known;

	CHECK_OK(answer(setenv("XPMEM_PINNABLE", "1", true)));
	CHECK_OK(answer(xpmem_query(&known)));
	apid = CHECK_OK(get(CHECK_OK(make((void *)memory, LENGTH, 0600)), XPMEM_RDWR));
	at = CHECK_OK(attach(apid, 0, LENGTH, NULL));
	CHECK_EQ(splice_word(at),
		 known.features & XPMEM_FEATURE_PINNABLE ? (long)sizeof(long) : -EFAULT);
	apid = CHECK_OK(get(CHECK_OK(answer(xpmem_make_segment((void *)memory, LENGTH, 0600,
							       XPMEM_MAKE_NO_GUP, NULL))),
			    XPMEM_RDWR));
	at = CHECK_OK(attach(apid, 0, LENGTH, NULL));
	CHECK_EQ(load(at), load(memory));
	CHECK_EQ(splice_word(at), -EFAULT);
	CHECK_EQ(attach(apid, 0, LENGTH + PAGE, NULL), -EINVAL);
}

CASE(attachments_are_ordinary_by_default)
{
	long memory = map_anonymous(LENGTH), at;

	at = CHECK_OK(attach(CHECK_OK(get(CHECK_OK(make((void *)memory, LENGTH, 0600)),
					  XPMEM_RDWR)),
			     0, LENGTH, NULL));
	CHECK_EQ(load(at), 0);
	CHECK_EQ(splice_word(at), -EFAULT);
}

CASE(old_and_new_calls_mix)
{
	long segid = CHECK_OK(answer(xpmem_make_segment(memory(), LENGTH, 0600, 0, "mixed")));
	long apid = CHECK_OK(get(segid, XPMEM_RDWR));

	CHECK_EQ(load(CHECK_OK(answer((long)xpmem_attach_range(apid, PAGE, PAGE, NULL, 0, NULL)))),
		 0);
	CHECK_OK(answer(xpmem_release(apid)));
	CHECK_OK(answer(xpmem_remove(segid)));
}

static void *wake_after_store(void *word)
{
	usleep(100000);
	*(volatile int *)word = 1;
	while (xpmem_wake(word, INT_MAX) == 0)
		usleep(1000);
	return NULL;
}

CASE(wait)
{
	const struct timespec past = { 0 }, odd = { .tv_nsec = 1000000000 },
			      negative = { .tv_sec = -1 };
	const struct timespec far = { .tv_sec = LONG_MAX };
	long words = (long)memory(), at;
	pthread_t thread;

	at = CHECK_OK(attach(CHECK_OK(get(CHECK_OK(make((void *)words, LENGTH, 0600)), XPMEM_RDWR)),
			     0, LENGTH, NULL));
	CHECK_EQ(answer(xpmem_wait((void *)at, 1, NULL)), -EAGAIN);
	CHECK_EQ(answer(xpmem_wait((void *)at, 0, &past)), -ETIMEDOUT);
	CHECK_EQ(answer(xpmem_wait((void *)at, 0, &odd)), -EINVAL);
	CHECK_EQ(answer(xpmem_wait((void *)at, 0, &negative)), -EINVAL);
	CHECK_EQ(answer(xpmem_wait((void *)(at + 1), 0, NULL)), -EINVAL);
	CHECK_EQ(answer(xpmem_wait64((void *)(at + 4), 0, NULL)), -EINVAL);
	CHECK_EQ(answer(xpmem_wait(NULL, 0, NULL)), -EFAULT);
	CHECK_EQ(answer(xpmem_wake((void *)at, -1)), -EINVAL);
	CHECK_EQ(answer(xpmem_wake((void *)at, INT_MAX)), 0);
	CHECK_OK(store(words + 8, 1L << 32));
	CHECK_EQ(answer(xpmem_wait64((void *)(at + 8), 0, NULL)), -EAGAIN);
	CHECK_EQ(answer(xpmem_wait64((void *)(at + 8), 1L << 32, &past)), -ETIMEDOUT);
	CHECK_EQ(pthread_create(&thread, NULL, wake_after_store, (void *)words), 0);
	CHECK_EQ(answer(xpmem_wait((void *)at, 0, &far)), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(load(at), 1);
}

/* attaches memory of this process to itself */
static long attach_own(long address, size_t length)
{
	return CHECK_OK(
		attach(CHECK_OK(get(CHECK_OK(make((void *)address, length, 0600)), XPMEM_RDWR)), 0,
		       length, NULL));
}

/* 0 where futexes work: nobody waits */
static long wake_futex(long address)
{
	return answer(syscall(SYS_futex, address, FUTEX_WAKE, 1, NULL, NULL, 0));
}

static void check_file_behind(long address, const char *name)
{
	unsigned long from, to;
	char line[512];
	FILE *file = fopen("/proc/self/maps", "re");

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && (long)from <= address &&
		    address < (long)to)
			break;
	fclose(file);
	if (!strstr(line, name))
		FAIL("not %s: %s", name, line);
}

/* bytes of address space */
static long mapped(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	CHECK(file && fscanf(file, "%ld", &pages) == 1);
	fclose(file);
	return pages * PAGE;
}

CASE(alloc)
{
	long memory, other, at, before;

	CHECK_EQ(answer(xpmem_init()), 0);
	free(malloc(1));
	before = mapped();
	memory = (long)xpmem_alloc(3 * PAGE - 5, 0);
	CHECK(memory);
	CHECK_EQ(memory % PAGE, 0);
	check_file_behind(memory, "memfd:xpmem");
	other = (long)xpmem_alloc(1, 0);
	CHECK(other);
	CHECK_EQ(load(memory), 0);
	CHECK_EQ(load(memory + 3 * PAGE - 8), 0);
	CHECK_EQ(load(memory - 8), GOT_SIGSEGV);
	CHECK_EQ(store(memory + 3 * PAGE, 1), GOT_SIGSEGV);
	CHECK_EQ(store(other + PAGE, 1), GOT_SIGSEGV);
	fill(memory, 3 * PAGE, 1);
	at = attach_own(memory, 3 * PAGE);
	CHECK_EQ(verify(at, 3 * PAGE, 1), 0);
	CHECK_EQ(wake_futex(at), 0);
	CHECK_EQ(answer(xpmem_detach((void *)at)), 0);
	CHECK_EQ(answer(xpmem_free((void *)memory)), 0);
	CHECK_EQ(load(memory), GOT_SIGSEGV);
	CHECK_EQ(answer(xpmem_free((void *)other)), 0);
	CHECK_EQ(mapped(), before);
}

/* a child has it too, and gives back its own part in it only */
CASE(alloc_then_fork)
{
	long memory = (long)xpmem_alloc(PAGE, 0);
	int status;
	pid_t child;

	CHECK(memory);
	child = CHECK_OK(fork());
	if (!child)
		_exit(store(memory, 5) || xpmem_free((void *)memory) ||
		      load(memory) != GOT_SIGSEGV);
	CHECK_OK(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
	CHECK_EQ(load(memory), 5);
	CHECK_EQ(answer(xpmem_free((void *)memory)), 0);
}

CASE(alloc_arguments)
{
	long page = map_anonymous(4 * PAGE);

	errno = 0;
	CHECK(!xpmem_alloc(0, 0) && errno == EINVAL);
	errno = 0;
	CHECK(!xpmem_alloc(PAGE, 2) && errno == EINVAL);
	errno = 0;
	CHECK(!xpmem_alloc(SIZE_MAX, 0) && errno == ENOMEM);
	errno = 0;
	CHECK(!xpmem_alloc(SIZE_MAX / 4, 0) && errno == ENOMEM);
	CHECK_EQ(answer(xpmem_free(NULL)), 0);
	CHECK_EQ(answer(xpmem_free((void *)(page + 3 * PAGE))), -EINVAL);
	CHECK_EQ(answer(xpmem_free((void *)(page + 1))), -EINVAL);
	CHECK_EQ(answer(xpmem_free((void *)PAGE)), -EINVAL);
	CHECK_EQ(answer(xpmem_free((void *)(8 * PAGE))), -EINVAL);
}

static long huge_pages_of(long address)
{
	unsigned long from, to;
	long kib = 0;
	char line[512];
	bool inside = false;
	FILE *file = fopen("/proc/self/smaps", "re");

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = (long)from <= address && address < (long)to;
		else if (inside && sscanf(line, "ShmemPmdMapped: %ld kB", &kib) == 1)
			break;
	}
	fclose(file);
	return kib * 1024 / HUGE_PAGE;
}

/* whether the kernel has huge pages for files in memory, for any user */
static bool has_shared_huge_pages(void)
{
	long memory = map_aligned(HUGE_PAGE, HUGE_PAGE);

	map_over(memory, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file(HUGE_PAGE));
	fill(memory, HUGE_PAGE, 1);
	return !madvise((void *)memory, HUGE_PAGE, 25 /* MADV_COLLAPSE */);
}

CASE(alloc_huge)
{
	long memory = (long)xpmem_alloc(HUGE_PAGE * 3 / 2, XPMEM_ALLOC_HUGE), at;

	CHECK(memory);
	CHECK_EQ(memory % HUGE_PAGE, 0);
	fill(memory, 2 * HUGE_PAGE, 1);
	CHECK_EQ(store(memory + 2 * HUGE_PAGE, 1), GOT_SIGSEGV);
	CHECK_EQ(huge_pages_of(memory), has_shared_huge_pages() ? 2 : 0);
	at = attach_own(memory, 2 * HUGE_PAGE);
	CHECK_EQ(verify(at, 2 * HUGE_PAGE, 1), 0);
	CHECK_EQ(wake_futex(at + HUGE_PAGE * 3 / 2), 0);
	CHECK_EQ(answer(xpmem_free((void *)memory)), 0);
	CHECK_EQ(load(at), GOT_SIGBUS);
}

/*
 * a process locks a mutex through its attachment and is killed: the owner of the memory learns of
 * it
 */
CASE(alloc_for_a_robust_mutex)
{
	pthread_mutexattr_t attributes;
	pthread_mutex_t *mutex = xpmem_alloc(sizeof(*mutex), 0);
	struct xpmem_addr address = { 0 };
	long segid;
	pid_t child;
	int status;

	CHECK(mutex);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	CHECK_EQ(pthread_mutex_init(mutex, &attributes), 0);
	segid = CHECK_OK(make(mutex, PAGE, 0600));
	child = CHECK_OK(fork());
	if (!child) {
		address.apid = xpmem_get(segid, XPMEM_RDWR, XPMEM_PERMIT_MODE, NULL);
		mutex = xpmem_attach(address, PAGE, NULL);
		if (mutex == (void *)-1 || pthread_mutex_lock(mutex))
			_exit(1);
		raise(SIGKILL);
	}
	CHECK_OK(waitpid(child, &status, 0));
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(pthread_mutex_lock(mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(mutex), 0);
	CHECK_EQ(pthread_mutex_lock(mutex), 0);
}

static void check_turned(long memory, long length)
{
	long at, fresh;

	at = attach_own(memory, length);
	CHECK_EQ(verify(at, length, 1), 0);
	CHECK_EQ(wake_futex(at), -EFAULT);
	CHECK_EQ(answer(xpmem_share((void *)memory, length, 0)), 0);
	check_file_behind(memory, "memfd:xpmem");
	CHECK_EQ(verify(memory, length, 1), 0);
	/* what is attached follows; what is attached now is as of any shared memory */
	fill(memory, length, 2);
	CHECK_EQ(verify(at, length, 2), 0);
	fresh = attach_own(memory, length);
	CHECK_EQ(wake_futex(fresh), 0);
	fill(fresh, length, 3);
	CHECK_EQ(verify(memory, length, 3), 0);
	CHECK_EQ(verify(at, length, 3), 0);
	CHECK_EQ(answer(xpmem_share((void *)memory, length, 0)), -EOPNOTSUPP);
}

CASE(share)
{
	long memory = map_anonymous(LENGTH);

	fill(memory, LENGTH, 1);
	check_turned(memory, LENGTH);
}

CASE(share_heap)
{
	long memory = (long)aligned_alloc(PAGE, LENGTH);
	void *heap;

	fill(memory, LENGTH, 1);
	check_turned(memory, LENGTH);
	/* the heap goes on around it */
	heap = malloc(64 * PAGE);
	CHECK(heap);
	free(heap);
	free((void *)memory);
}

CASE(share_mapped_file)
{
	int file = memory_file(LENGTH);
	long shared = map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED), memory;

	fill(shared, LENGTH, 1);
	/* nothing of it is touched before */
	memory = map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	CHECK_EQ(answer(xpmem_share((void *)memory, LENGTH, 0)), 0);
	CHECK_EQ(verify(memory, LENGTH, 1), 0);
	fill(memory, LENGTH, 2);
	CHECK_EQ(verify(shared, LENGTH, 1), 0);
}

/* what was never touched takes no memory afterwards either; what was touched may be a huge page */
CASE(share_sparse)
{
	long length = 64 * MIB, memory = map_anonymous(length),
	     before = read_counter("/proc/meminfo", "Shmem:");

	fill(memory + 32 * MIB, PAGE, 1);
	CHECK_EQ(answer(xpmem_share((void *)memory, length, 0)), 0);
	CHECK_EQ(verify(memory + 32 * MIB, PAGE, 1), 0);
	CHECK(read_counter("/proc/meminfo", "Shmem:") - before < (HUGE_PAGE + 14 * MIB) / 1024);
	CHECK_EQ(load(memory), 0);
	CHECK_EQ(load(memory + length - 8), 0);
}

CASE(share_then_fork)
{
	long memory = map_anonymous(LENGTH);
	struct peer *child;

	fill(memory, LENGTH, 1);
	CHECK_EQ(answer(xpmem_share((void *)memory, LENGTH, 0)), 0);
	child = peer_fork();
	CHECK_OK(on(child, do_fill, memory, LENGTH, 2));
	CHECK_EQ(verify(memory, LENGTH, 2), 0);
}

static void check_refused(long address, long length, long error)
{
	CHECK_EQ(answer(xpmem_share((void *)address, length, 0)), error);
}

CASE(share_refused)
{
	long memory = map_anonymous(LENGTH), rest = map_anonymous(LENGTH),
	     stack = ((long)&memory & -PAGE), huge;

	fill(memory, LENGTH, 1);
	check_refused(memory + 1, PAGE, -EINVAL);
	check_refused(memory, PAGE - 1, -EINVAL);
	check_refused(memory, 0, -EINVAL);
	check_refused(-PAGE, 2 * PAGE, -EINVAL);
	CHECK_EQ(answer(xpmem_share((void *)memory, PAGE, 1)), -EINVAL);
	check_refused(stack, PAGE, -EOPNOTSUPP);
	check_refused(attach_own(rest, LENGTH), LENGTH, -EOPNOTSUPP);
	check_refused((long)xpmem_alloc(PAGE, 0), PAGE, -EOPNOTSUPP);
	protect(memory + PAGE, PAGE, PROT_READ);
	check_refused(memory, LENGTH, -EACCES);
	protect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	check_refused(memory, LENGTH, -EACCES);
	protect(memory + PAGE, PAGE, PROT_READ | PROT_WRITE);
	CHECK_OK(answer(mlock((void *)(memory + PAGE), PAGE)));
	check_refused(memory, LENGTH, -EBUSY);
	CHECK_OK(answer(munlock((void *)(memory + PAGE), PAGE)));
	CHECK_OK(answer(madvise((void *)(memory + PAGE), PAGE, MADV_DONTFORK)));
	check_refused(memory, LENGTH, -EOPNOTSUPP);
	CHECK_OK(answer(madvise((void *)(memory + PAGE), PAGE, MADV_DOFORK)));
	unmap(memory + 3 * PAGE, PAGE);
	check_refused(memory, LENGTH, -ENOMEM);
	/* nothing has changed by all that */
	CHECK_EQ(verify(memory, 3 * PAGE, 1), 0);
	CHECK_EQ(answer(xpmem_share((void *)memory, 3 * PAGE, 0)), 0);
	CHECK_EQ(verify(memory, 3 * PAGE, 1), 0);
	write_file("/proc/sys/vm/nr_hugepages", "2");
	huge = (long)mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (huge != -1)
		check_refused(huge, 2 * MIB, -EOPNOTSUPP);
}
