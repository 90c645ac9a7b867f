// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How the library keeps its one descriptor, and what it refuses by itself: run with
 * fake_device preloaded. Each case has a process of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xpmem_ext.h>

#define THREADS 16
#define TIME_LIMIT 30	/* seconds a case */

#define CHECK(condition)                                                                      \
	do {                                                                                  \
		if (!(condition)) {                                                           \
			dprintf(report, "%s:%d: not so: %s (errno %s)\n", __FILE__, __LINE__, \
				#condition, strerror(errno));                                 \
			_exit(1);                                                             \
		}                                                                             \
	} while (0)

#define CHECK_ERRNO(call, error) CHECK((errno = 0, (call) == -1) && errno == (error))

static int report;	/* where failures are told; standard error may be closed by a case */

static xpmem_segid_t make(void)
{
	return xpmem_make(NULL, XPMEM_MAXADDR_SIZE, XPMEM_PERMIT_MODE, (void *)0600);
}

/* Returns how many descriptors of the device the process has; *last is one of them. */
static int count_devices(int *last)
{
	struct stat device, status;
	int count = 0;

	if (stat("/dev/zero", &device))
		return -1;
	for (int fd = 0; fd < 256; fd++) {
		if (fstat(fd, &status) || status.st_rdev != device.st_rdev)
			continue;
		if (last)
			*last = fd;
		count++;
	}
	return count;
}

static int wait_for(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void opens_once_and_close_on_exec(void)
{
	int fd = -1;

	CHECK(count_devices(NULL) == 0);
	CHECK(xpmem_init() == 0);
	CHECK(make() > 0 && make() > 0);
	CHECK(count_devices(&fd) == 1);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static pthread_barrier_t start;
static xpmem_segid_t made[THREADS];

static void *make_at_once(void *slot)
{
	pthread_barrier_wait(&start);
	*(xpmem_segid_t *)slot = make();
	return NULL;
}

static void make_in_threads(void)
{
	pthread_t threads[THREADS];

	CHECK(!pthread_barrier_init(&start, NULL, THREADS));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, make_at_once, &made[i]));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(threads[i], NULL));
}

static void threads_share_one_open_file(void)
{
	for (int round = 0; round < 50; round++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (!child) {
			make_in_threads();
			for (int i = 0; i < THREADS; i++)
				CHECK(made[i] > 0 && xpmem_remove(made[i]) == 0);
			CHECK(count_devices(NULL) == 1);
			_exit(0);
		}
		CHECK(wait_for(child) == 0);
	}
}

static void fork_gives_the_child_its_own(void)
{
	xpmem_segid_t segid = make();
	pid_t child;

	CHECK(segid > 0);
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		CHECK(count_devices(NULL) == 0);
		CHECK_ERRNO(xpmem_remove(segid), EACCES);
		CHECK(make() > 0);
		CHECK(count_devices(NULL) == 1);
		_exit(0);
	}
	CHECK(wait_for(child) == 0);
	CHECK(xpmem_remove(segid) == 0);
}

static void clone_without_handlers_is_noticed(void)
{
	xpmem_segid_t segid = make();

	CHECK(segid > 0);
	for (int raw = 0; raw < 2; raw++) {
		pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

		CHECK(child >= 0);
		if (!child) {
			struct xpmem_cmd_make request = { .permit_type = XPMEM_PERMIT_MODE };

			if (raw)
				CHECK(xpmem_ioctl(XPMEM_CMD_MAKE, &request) == 0 &&
				      request.segid > 0);
			else
				CHECK(make() > 0);
			CHECK_ERRNO(xpmem_remove(segid), EACCES);
			_exit(0);
		}
		CHECK(wait_for(child) == 0);
	}
	CHECK(xpmem_remove(segid) == 0);
}

static void *make_until_killed(void *unused)
{
	(void)unused;
	for (;;)
		make();
	return NULL;
}

static void fork_amid_threads_never_hangs(void)
{
	pthread_t thread;

	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&thread, NULL, make_until_killed, NULL));
	for (int round = 0; round < 200; round++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (!child)
			_exit(make() > 0 ? 0 : 1);
		CHECK(wait_for(child) == 0);
	}
}

static void survives_close_of_all(void)
{
	int here = report;

	CHECK(make() > 0);
	for (int fd = 3; fd < 256; fd++)
		if (fd != here)
			close(fd);
	CHECK(make() > 0);
	CHECK(count_devices(NULL) == 1);
}

static void spares_a_foreign_file(void)
{
	char path[] = "/tmp/xpmem-foreign-XXXXXX";
	int foreign[] = { open("/dev/null", O_RDWR), mkstemp(path) };

	unlink(path);
	for (int i = 0; i < 2; i++) {
		struct stat before, after;
		int fd = -1;

		CHECK(foreign[i] >= 0);
		CHECK(make() > 0);
		CHECK(count_devices(&fd) == 1);
		CHECK(dup2(foreign[i], fd) == fd);
		CHECK(!fstat(fd, &before));
		CHECK(make() > 0);
		CHECK(!fstat(fd, &after));
		CHECK(before.st_ino == after.st_ino && before.st_dev == after.st_dev);
	}
}

static void spares_a_foreign_file_in_a_fork(void)
{
	int fd = -1;
	pid_t child;

	CHECK(make() > 0);
	CHECK(count_devices(&fd) == 1);
	CHECK(dup2(report, fd) == fd);
	child = fork();
	CHECK(child >= 0);
	if (!child) {
		CHECK(fcntl(fd, F_GETFD) >= 0);
		CHECK(make() > 0);
		_exit(0);
	}
	CHECK(wait_for(child) == 0);
}

static void stays_off_the_standard_streams(void)
{
	int fd = -1;

	close(0);
	close(1);
	close(2);
	CHECK(make() > 0);
	CHECK(count_devices(&fd) == 1);
	CHECK(fd > 2);
}

static void an_old_module_is_told_as_such(void)
{
	struct xpmem_capabilities capabilities;

	setenv("FAKE_XPMEM_OLD", "1", 1);
	CHECK_ERRNO(make(), ENOSYS);
	CHECK_ERRNO(xpmem_query(&capabilities), ENOSYS);
	CHECK_ERRNO(xpmem_version(), ENOSYS);
	CHECK_ERRNO(xpmem_ioctl(XPMEM_IOC_QUERY, &capabilities), ENOTTY);
}

static void wrong_arguments_never_reach_the_device(void)
{
	const char *long_name = "12345678901234567890123456789012";

	CHECK_ERRNO(xpmem_make(NULL, 4096, 0, (void *)0600), EINVAL);
	CHECK_ERRNO(xpmem_make(NULL, 4096, 2, (void *)0600), EINVAL);
	CHECK_ERRNO(xpmem_make(NULL, 4096, XPMEM_PERMIT_MODE, (void *)01600), EINVAL);
	CHECK_ERRNO(xpmem_make(NULL, 4096, XPMEM_PERMIT_MODE, (void *)0x100000180), EINVAL);
	CHECK_ERRNO(xpmem_make_segment(NULL, 4096, 0600, 0, long_name), EINVAL);
	CHECK(xpmem_make_segment(NULL, 4096, 0600, 0, long_name + 1) > 0);
	for (int flags = -1; flags < 9; flags++) {
		if (flags == XPMEM_RDONLY || flags == XPMEM_RDWR) {
			CHECK(xpmem_get(1, flags, XPMEM_PERMIT_MODE, NULL) > 0);
			CHECK_ERRNO(xpmem_get(1, flags, 0, NULL), EINVAL);
			continue;
		}
		CHECK_ERRNO(xpmem_get(1, flags, XPMEM_PERMIT_MODE, NULL), EINVAL);
		CHECK_ERRNO(xpmem_get_segment(1, flags, NULL), EINVAL);
		CHECK_ERRNO(xpmem_get_fd(0, flags, NULL), EINVAL);
		CHECK_ERRNO(xpmem_segment_fd(1, flags), EINVAL);
	}
}

static void attach_rounds_up_and_replaces(void)
{
	struct xpmem_addr address = { .apid = 1 };
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	void *base =
		xpmem_attach_range(1, 0, 0, NULL, 0, NULL); /* what the fake answers for length 0 */

	CHECK((uintptr_t)xpmem_attach(address, 1, NULL) - (uintptr_t)base == page);
	CHECK((uintptr_t)xpmem_attach(address, page, NULL) - (uintptr_t)base == page);
	CHECK((uintptr_t)xpmem_attach(address, page + 1, NULL) - (uintptr_t)base == 2 * page);
	CHECK((uintptr_t)xpmem_attach_range(1, 0, 1, NULL, 0, NULL) - (uintptr_t)base == 1);
	errno = 0;
	CHECK(xpmem_attach(address, SIZE_MAX, NULL) == XPMEM_FAILED && errno == EINVAL);
	/* Only the historical ioctl of the fake leaves the address alone. */
	CHECK(xpmem_attach(address, 1, (void *)(64 * page)) == (void *)(64 * page));
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "opens once, close-on-exec", opens_once_and_close_on_exec },
	{ "threads share one open file", threads_share_one_open_file },
	{ "fork gives the child its own", fork_gives_the_child_its_own },
	{ "clone without handlers is noticed", clone_without_handlers_is_noticed },
	{ "fork amid threads never hangs", fork_amid_threads_never_hangs },
	{ "survives close of all descriptors", survives_close_of_all },
	{ "spares a foreign file", spares_a_foreign_file },
	{ "spares a foreign file in a fork", spares_a_foreign_file_in_a_fork },
	{ "stays off the standard streams", stays_off_the_standard_streams },
	{ "an old module is told as such", an_old_module_is_told_as_such },
	{ "wrong arguments never reach the device", wrong_arguments_never_reach_the_device },
	{ "attach rounds up and replaces", attach_rounds_up_and_replaces },
};

int main(void)
{
	size_t count = sizeof(cases) / sizeof(cases[0]);
	int failed = 0;

	report = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
	printf("1..%zu\n", count);
	fflush(stdout);
	for (size_t i = 0; i < count; i++) {
		bool passed;
		pid_t child = fork();

		if (!child) {
			alarm(TIME_LIMIT);
			cases[i].run();
			_exit(0);
		}
		passed = child > 0 && wait_for(child) == 0;
		failed += !passed;
		printf("%sok %zu - %s\n", passed ? "" : "not ", i + 1, cases[i].name);
		fflush(stdout);
	}
	return failed != 0;
}
