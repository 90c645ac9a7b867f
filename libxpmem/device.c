// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The process's one descriptor of the device. All objects of the process belong to
 * that open file, so the library never closes or replaces it while it is valid.
 *
 * It is valid until the process forks (then the open file belongs to the parent) or the
 * application closes the number (then the number may name another file, which must never
 * see an ioctl of this library). There is no lock, so nothing here can deadlock in a
 * signal handler or in the child of a multithreaded parent.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/xpmem.h>

#include "device.h"
#include "xpmem.h"

#define FIRST_UNRESERVED_FD 3

/*
 * A handle has a descriptor in its low half and the number of earlier handles in its high
 * half: the kernel reuses descriptors, but handles are unique. Zero is not a handle.
 */
static _Atomic uint64_t current;

/* Written before the handle is published. All open files of one loaded module have one number. */
static _Atomic dev_t device_number;

static int handle_fd(uint64_t handle)
{
	return (int)(uint32_t)handle;
}

/* Returns false if the application closed the descriptor, and its number may name another file. */
static bool handle_is_device(uint64_t handle)
{
	struct stat status;

	return !fstat(handle_fd(handle), &status) && S_ISCHR(status.st_mode) &&
	       status.st_rdev == atomic_load(&device_number);
}

/* Returns a descriptor that no other thread knows, or -1 and errno. */
static int open_device(void)
{
	struct stat status;
	int fd = open(XPMEM_DEV_PATH, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && fd < FIRST_UNRESERVED_FD) {
		/* A program that closed its standard streams must not print into the device. */
		int low = fd;

		fd = fcntl(low, F_DUPFD_CLOEXEC, FIRST_UNRESERVED_FD);
		close(low);
	}
	if (fd < 0)
		return -1;
	if (fstat(fd, &status) || !S_ISCHR(status.st_mode)) {
		close(fd);
		errno = ENXIO;
		return -1;
	}
	atomic_store(&device_number, status.st_rdev);
	return fd;
}

/*
 * Returns the current handle, or 0 and errno. Replaces the handle if it is invalid or equals
 * @bad.
 */
static uint64_t current_handle(uint64_t bad)
{
	uint64_t seen, opened;
	int fd;

	for (;;) {
		seen = atomic_load(&current);
		if (seen && seen != bad && handle_is_device(seen))
			return seen;
		fd = open_device();
		if (fd < 0)
			return 0;
		opened = ((seen >> 32) + 1) << 32 | (uint32_t)fd;
		if (atomic_compare_exchange_strong(&current, &seen, opened))
			return opened;
		/* Another thread was faster; this one has no objects yet, so nothing is lost. */
		close(fd);
	}
}

int xpmem_device_open(void)
{
	return current_handle(0) ? 0 : -1;
}

int xpmem_device_ioctl(unsigned long command, void *argument)
{
	uint64_t handle = current_handle(0);
	int result;

	if (!handle)
		return -1;
	result = ioctl(handle_fd(handle), command, argument);
	if (result >= 0 || (errno != ESTALE && errno != XPMEM_ERRNO_NOPROC))
		return result;
	/*
	 * The open file is another process's, after a fork that bypassed the handler
	 * below. It stays open: another thread may be about to use its number.
	 */
	handle = current_handle(handle);
	if (!handle)
		return -1;
	return ioctl(handle_fd(handle), command, argument);
}

int xpmem_device_call(unsigned long command, void *request)
{
	int result = xpmem_device_ioctl(command, request);

	if (result < 0 && errno == ENOTTY)
		errno = ENOSYS;
	return result;
}

/* The child has one thread, so no other can use the number. Closing it stops chains of leaks. */
static void drop_inherited(void)
{
	uint64_t inherited = atomic_exchange(&current, 0);
	int error = errno;

	if (inherited && handle_is_device(inherited))
		close(handle_fd(inherited));
	errno = error;
}

__attribute__((constructor)) static void watch_forks(void)
{
	/* If this fails for lack of memory, ESTALE has the same effect and costs a descriptor. */
	pthread_atfork(NULL, NULL, drop_inherited);
}
