// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The process's one descriptor of the device. All objects of the process belong to
 * that open file, so the library never closes or replaces it while it is valid.
 *
 * It is valid until the process forks (then the open file belongs to the parent) or the
 * application closes the number (then the number may name another file, which must never
 * see an ioctl of this library: some drivers look only at a part of an ioctl's number). There
 * is no lock, so nothing here can deadlock in a signal handler or in the child of a
 * multithreaded parent.
 *
 * A call does not ask the kernel whether the handle is valid. It reads a word that the module
 * clears when the process closes the descriptor, and that a fork clears in the child. So all
 * threads must have one table of descriptors, which no other process shares: the module does not
 * see when unshare(CLONE_FILES) gives a thread a table that lacks the descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/xpmem.h>

#include "device.h"
#include "version_note.h"
#include "xpmem.h"

#define FIRST_UNRESERVED_FD 3

/* Holds the version for tools. Programs could link to a symbol. Strings are padded to 4 bytes. */
static const struct {
	uint32_t name_size, text_size, type;
	char name[(sizeof(XPMEM_NOTE_NAME) + 3) & ~3];
	char text[(sizeof(XPMEM_VERSION) + 3) & ~3];
} version_note __attribute__((used, aligned(4), section(".note.xpmem"))) = {
	.name_size = sizeof(XPMEM_NOTE_NAME),
	.text_size = sizeof(XPMEM_VERSION),
	.type = XPMEM_NOTE_VERSION,
	.name = XPMEM_NOTE_NAME,
	.text = XPMEM_VERSION,
};

/*
 * A handle has a descriptor in its low half and the number of earlier handles in its high
 * half: the kernel reuses descriptors, but handles are unique. Zero is not a handle.
 */
static _Atomic uint64_t current;

/* Written before a handle is published. It stays the same while the module is loaded. */
static _Atomic dev_t device_number;

/*
 * The close word of all descriptors that this process opens, alone in a page that is never
 * unmapped, or NULL. It is VALID if the current handle was tested after the last close. Each test
 * has a number of its own, which the word holds meanwhile: a close clears it, and another test
 * replaces it.
 */
#define INVALID 0
#define VALID 1
#define FIRST_TEST 2

typedef _Atomic uint32_t close_word_t;

static _Atomic(close_word_t *) close_word;
static close_word_t last_test;

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

/* Returns the close word, or NULL without memory. */
static close_word_t *get_close_word(void)
{
	close_word_t *word = atomic_load(&close_word), *mapped;

	if (word)
		return word;
	/* The kernel rounds the lengths up to pages. */
	mapped = mmap(NULL, sizeof(*mapped), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (mapped == MAP_FAILED)
		return NULL;
	if (!madvise(mapped, sizeof(*mapped), MADV_WIPEONFORK) &&
	    atomic_compare_exchange_strong(&close_word, &word, mapped))
		return mapped;
	munmap(mapped, sizeof(*mapped));
	return word;
}

/* Returns a number that the word does not have, and that it gets back only after 2^32 tests. */
static uint32_t begin_test(close_word_t *word)
{
	uint32_t number;

	do
		number = atomic_fetch_add(&last_test, 1) + FIRST_TEST;
	while (number < FIRST_TEST);
	atomic_store(word, number);
	/* Pairs with the module, which clears the word after the descriptor's number is free. */
	atomic_thread_fence(memory_order_seq_cst);
	return number;
}

/*
 * Returns whether the handle is valid. The caller read it after it began the test @number. If the
 * module does not know the close word, the word does not become VALID and every call makes the
 * test.
 */
static bool handle_test(uint64_t handle, close_word_t *word, uint32_t number)
{
	struct xpmem_ioc_close_word request = { .size = sizeof(request), .vaddr = (uintptr_t)word };

	if (!handle_is_device(handle))
		return false;
	if (!word)
		return true;
	if (ioctl(handle_fd(handle), XPMEM_IOC_CLOSE_WORD, &request))
		return errno != ESTALE && errno != EBADF;
	atomic_compare_exchange_strong(word, &number, VALID);
	return true;
}

/* Returns the current handle if the word says that it is valid, else 0. */
static uint64_t valid_handle(void)
{
	close_word_t *word = atomic_load(&close_word);

	/* Reads the handle after the word. No handle replaces a valid one. */
	return word && atomic_load(word) == VALID ? atomic_load(&current) : 0;
}

/*
 * Returns the current handle, or 0 and errno. Replaces the handle if it is invalid or equals
 * @bad.
 */
static uint64_t current_handle(uint64_t bad)
{
	close_word_t *word = get_close_word();
	uint64_t seen, opened;
	uint32_t number = 0;
	int fd;

	for (;;) {
		if (word)
			number = begin_test(word);
		seen = atomic_load(&current);
		if (seen && seen != bad && handle_test(seen, word, number))
			return seen;
		fd = open_device();
		if (fd < 0)
			return 0;
		opened = ((seen >> 32) + 1) << 32 | (uint32_t)fd;
		if (atomic_compare_exchange_strong(&current, &seen, opened)) {
			/* Tests of an earlier handle end here. The next call tests this one. */
			if (word)
				atomic_store(word, INVALID);
			return opened;
		}
		/* Another thread was faster. This open file has no objects yet. */
		close(fd);
	}
}

int xpmem_device_open(void)
{
	return valid_handle() || current_handle(0) ? 0 : -1;
}

int xpmem_device_ioctl(unsigned long command, void *argument)
{
	uint64_t handle = valid_handle();
	int result;

	if (!handle)
		handle = current_handle(0);
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

/* The child has one thread, so no other can use the number. Otherwise each fork would leak one. */
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
