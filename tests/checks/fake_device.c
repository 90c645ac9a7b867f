// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Preloaded, this plays /dev/xpmem just far enough to test how the library keeps its
 * descriptor: who opened it (F_SETOWN) and which open file it is (F_SETSIG) are kept by
 * the kernel with the open file itself, so they survive fork and dup as in the real module.
 * With FAKE_XPMEM_OLD set the new ioctls are unknown.
 *
 * An ioctl of ours on any other file ends the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/xpmem.h>

#define STAND_IN "/dev/zero"
#define IDS_PER_FILE 1000000
#define FIRST_ADDRESS 0x10000

int fake_open(const char *path, int flags, ...) __asm__("open");
int fake_open64(const char *path, int flags, ...) __asm__("open64");
int fake_ioctl(int fd, unsigned long command, ...) __asm__("ioctl");

static int open_any(const char *path, int flags, mode_t mode)
{
	static atomic_int files;
	int fd;

	if (strcmp(path, "/dev/xpmem"))
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	fd = (int)syscall(SYS_openat, AT_FDCWD, STAND_IN, flags, mode);
	if (fd >= 0) {
		fcntl(fd, F_SETOWN, getpid());
		/*
		 * In a child the count goes on from the parent's, so siblings share numbers,
		 * ancestors never.
		 */
		fcntl(fd, F_SETSIG, atomic_fetch_add(&files, 1) % SIGRTMAX + 1);
	}
	return fd;
}

static mode_t creation_mode(int flags, va_list arguments)
{
	return flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
}

int fake_open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = creation_mode(flags, arguments);
	va_end(arguments);
	return open_any(path, flags, mode);
}

int fake_open64(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = creation_mode(flags, arguments);
	va_end(arguments);
	return open_any(path, flags, mode);
}

static int refuse(int error)
{
	errno = error;
	return -1;
}

static int is_stand_in(int fd)
{
	struct stat status, expected;

	return !fstat(fd, &status) && !stat(STAND_IN, &expected) && S_ISCHR(status.st_mode) &&
	       status.st_rdev == expected.st_rdev;
}

static int64_t new_id(int fd)
{
	static _Atomic int64_t ids;

	return fcntl(fd, F_GETSIG) * (int64_t)IDS_PER_FILE + atomic_fetch_add(&ids, 1);
}

static int serve(int fd, unsigned long command, void *argument)
{
	int legacy = command < XPMEM_IOC_QUERY;
	int own = fcntl(fd, F_GETOWN) == getpid();

	if (!legacy && getenv("FAKE_XPMEM_OLD"))
		return refuse(ENOTTY);
	if (!own && command != XPMEM_IOC_QUERY)
		return refuse(legacy ? XPMEM_ERRNO_NOPROC : ESTALE);

	switch (command) {
	case XPMEM_IOC_QUERY:
		((struct xpmem_ioc_query *)argument)->module_version = 0x00030000;
		return 0;
	case XPMEM_IOC_MAKE:
		((struct xpmem_ioc_make *)argument)->segid = new_id(fd);
		return 0;
	case XPMEM_CMD_MAKE:
		((struct xpmem_cmd_make *)argument)->segid = new_id(fd);
		return 0;
	case XPMEM_IOC_REMOVE:
		if (((struct xpmem_ioc_remove *)argument)->segid / IDS_PER_FILE !=
		    fcntl(fd, F_GETSIG))
			return refuse(EACCES);
		return 0;
	case XPMEM_IOC_GET:
		((struct xpmem_ioc_get *)argument)->apid = new_id(fd);
		return 0;
	case XPMEM_IOC_ATTACH:
		/* The address tells the caller what length arrived here. */
		((struct xpmem_ioc_attach *)argument)->vaddr =
			FIRST_ADDRESS + ((struct xpmem_ioc_attach *)argument)->length;
		return 0;
	case XPMEM_CMD_ATTACH:
	case XPMEM_IOC_RELEASE:
	case XPMEM_IOC_DETACH:
		return 0;
	default:
		return refuse(ENOTTY);
	}
}

int fake_ioctl(int fd, unsigned long command, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);

	if (is_stand_in(fd))
		return serve(fd, command, argument);
	if ((command >> 8 & 0xff) == 'x') {
		fprintf(stderr, "the library sent ioctl %#lx to a file that is not the device\n",
			command);
		abort();
	}
	return (int)syscall(SYS_ioctl, fd, command, argument);
}
