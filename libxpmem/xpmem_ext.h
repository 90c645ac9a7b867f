/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls beyond the historical ones of <xpmem.h>. Programs may mix both
 * kinds: xpmem_remove(), xpmem_release() and xpmem_detach() end objects of both.
 *
 * Every call sets errno when it fails. ENOSYS: the loaded module is too old for
 * the call. Addresses, offsets and lengths are in bytes and multiples of the page
 * size; nothing is rounded.
 */
#ifndef XPMEM_EXT_H
#define XPMEM_EXT_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <xpmem.h>

#ifdef __cplusplus
extern "C" {
#endif

struct timespec;	/* of <time.h>, which leaves it out in strict C99 */

#define XPMEM_FAILED ((void *)-1)

/* version and features of the loaded module; see struct xpmem_ioc_query in <linux/xpmem.h> */
struct xpmem_capabilities {
	uint32_t abi_version;
	uint32_t module_version;	/* 0xMMMMmppp */
	uint64_t features;	/* XPMEM_FEATURE_ bits */
	uint64_t address_limit;	/* first address that cannot be exported */
	uint32_t mode_mask;	/* 0777 bits that the machine honours */
	uint32_t page_size;	/* bytes */
};

/**
 * xpmem_query() - get version and features of the loaded module
 *
 * Return: 0, or -1 and *capabilities is unchanged.
 */
int xpmem_query(struct xpmem_capabilities *capabilities);

/**
 * xpmem_make_segment() - export a range of this process
 * @vaddr: first byte
 * @length: bytes, or SIZE_MAX for all from vaddr to the end of the address space
 * @mode: 0777 bits: which users may get a permit
 * @flags: XPMEM_MAKE_ bits or 0: XPMEM_MAKE_RDONLY, XPMEM_MAKE_NO_PTRACE_CHECK, XPMEM_MAKE_NO_GUP
 * @name: shown by xpmemctl: printable ASCII, at most 31 bytes; or NULL
 *
 * Return: the segment, which the caller owns until xpmem_remove(), or -1 with
 * EINVAL for a wrong argument, or EDQUOT when the user may have no more.
 */
xpmem_segid_t xpmem_make_segment(void *vaddr, size_t length, unsigned int mode, unsigned int flags,
				 const char *name);

/**
 * xpmem_segment_fd() - a descriptor that stands for a segment of this process
 * @segid: the segment
 * @access: the maximum access of permits that it grants: XPMEM_RDONLY or XPMEM_RDWR
 *
 * The exporter can send it over a unix socket. Its holder may call xpmem_get_fd(), whatever
 * the segment's mode and the ipc namespaces are. It does not keep the segment alive.
 *
 * Return: the descriptor, close-on-exec, which the caller closes; or -1 with EINVAL
 * (access), ENOENT (no such segment), EACCES (another's, or a read-only segment
 * and XPMEM_RDWR) or EMFILE.
 */
int xpmem_segment_fd(xpmem_segid_t segid, int access);

/**
 * xpmem_get_fd() - get the right to attach the segment that a descriptor stands for
 * @fd: from xpmem_segment_fd(); the caller keeps it, and may close it afterwards
 * @access: XPMEM_RDONLY or XPMEM_RDWR
 * @length: receives the segment's bytes; may be NULL
 *
 * Return: the permit, which the caller owns until xpmem_release(), or -1 with
 * EINVAL (access, or another kind of descriptor), EBADF (not open), EACCES (more
 * than the descriptor gives), ENOENT (its segment is gone) or EDQUOT (the user may
 * have no more).
 */
xpmem_apid_t xpmem_get_fd(int fd, int access, size_t *length);

/**
 * xpmem_get_segment() - get the right to attach a segment, and learn its length
 * @segid: the segment
 * @access: XPMEM_RDONLY or XPMEM_RDWR
 * @length: receives the segment's bytes; may be NULL
 *
 * Return: as xpmem_get().
 */
xpmem_apid_t xpmem_get_segment(xpmem_segid_t segid, int access, size_t *length);

/**
 * xpmem_attach_range() - map a part of a segment
 * @apid: the permit
 * @offset: first byte, counted from the segment's start
 * @length: bytes
 * @vaddr: where to map with XPMEM_ATTACH_FIXED or XPMEM_ATTACH_REPLACE, else NULL
 * @flags: XPMEM_ATTACH_ bits or 0
 * @attid: receives the attachment's id, as xpmemctl shows it; may be NULL
 *
 * Unlike xpmem_attach(), it replaces a mapping at vaddr only with XPMEM_ATTACH_REPLACE. Then the
 * mapping may be gone after an error, too. With XPMEM_ATTACH_PINNABLE, system calls and devices can
 * take pages of private memory through the attachment; xpmem(3) says at what price.
 *
 * Return: the address, which the caller owns until xpmem_detach() or munmap(2), or
 * XPMEM_FAILED with EINVAL (a wrong argument, or beyond the segment), EEXIST
 * (XPMEM_ATTACH_FIXED, and something is mapped at vaddr), ENOENT (no such permit, or its segment is
 * gone), EACCES (another's, or XPMEM_ATTACH_PINNABLE where the permit or the segment forbids it),
 * EOPNOTSUPP (this kernel has no XPMEM_FEATURE_PINNABLE), EDQUOT (the user may have no more) or
 * ENOMEM.
 */
void *xpmem_attach_range(xpmem_apid_t apid, off_t offset, size_t length, void *vaddr,
			 unsigned int flags, int64_t *attid);

/**
 * xpmem_dmabuf() - make a dma-buf of a part of a segment
 * @apid: the permit, which must allow stores, because devices cannot be limited to reading
 * @offset: first byte, from the segment's start, a multiple of the page size
 * @length: bytes, a multiple of the page size
 *
 * Drivers that import dma-bufs use it: ibv_reg_dmabuf_mr(3), GPUs. It works on any kind of memory,
 * including heap and stack. It pins its pages for as long as it exists, and they count against
 * RLIMIT_MEMLOCK of the user. Memory that the exporter maps there later is not part of it. When the
 * segment or permit ends, no further device can map it; a device that has it mapped keeps the pages
 * until its driver unmaps them.
 *
 * Return: a descriptor, close-on-exec, which the caller owns, or -1 with EINVAL (a wrong argument,
 * or beyond the segment), ENOENT (no such permit, or its segment is gone), EACCES (another's, a
 * read-only permit, or a segment made with XPMEM_MAKE_NO_GUP), EFAULT (the exporter may not write
 * all of it, or it cannot be pinned), EDQUOT (more than RLIMIT_MEMLOCK), ENOMEM, EMFILE, or
 * EOPNOTSUPP (the kernel has no dma-bufs).
 */
int xpmem_dmabuf(xpmem_apid_t apid, off_t offset, size_t length);

/**
 * xpmem_wait() - sleep until a word of exported memory may have changed
 * @address: the word, aligned to its size: in an attachment, or in memory that this process exports
 * @expected: sleep only while the word has this value
 * @deadline: on CLOCK_MONOTONIC, or NULL for none
 *
 * It works on any kind of memory, while futexes work on shared memory only: waiters and wakers
 * meet at the exporter's address. The kernel reads the word after it has queued the caller, so a
 * task that stores and then calls xpmem_wake() wakes it. There are other reasons to be woken, so
 * read the word again.
 *
 * Return: 0 when woken, or -1 with EAGAIN (the word is not as expected), ETIMEDOUT, EINTR (a
 * signal handler ran that was installed without SA_RESTART), EFAULT (no readable memory is there),
 * EINVAL (alignment, or an invalid deadline), or EIDRM (the segment or permit is gone).
 */
int xpmem_wait(const volatile uint32_t *address, uint32_t expected,
	       const struct timespec *deadline);

/* xpmem_wait64() - like xpmem_wait(), with a word of 64 bits */
int xpmem_wait64(const volatile uint64_t *address, uint64_t expected,
		 const struct timespec *deadline);

/**
 * xpmem_wake() - wake tasks that wait for a word
 * @address: the word, as for xpmem_wait(), of either size
 * @count: maximum number of tasks, those that have waited longest first; INT_MAX for all
 *
 * Return: the number of tasks that it woke, or -1 with EFAULT (nothing is mapped there), EINVAL
 * (count is negative) or EIDRM (the segment or permit is gone).
 */
int xpmem_wake(const volatile void *address, int count);

/* use huge pages, as far as the kernel has them and lets shared memory use them */
#define XPMEM_ALLOC_HUGE 1U

/**
 * xpmem_alloc() - allocate memory whose attachments support all system calls
 * @length: bytes; rounded up to pages
 * @flags: XPMEM_ALLOC_ bits or 0
 *
 * Heap memory is private: on attachments of it, system calls that take user pages fail. This
 * memory is shared: process-shared mutexes, condition variables and semaphores, O_DIRECT and RDMA
 * registration work on attachments of it. It is zeroed, has a guard page at either end, and its
 * size is sealed. A child shares it after fork(2). The policy of mbind(2), which
 * applies to all processes, places each page, or else the memory policy of the task that touches
 * the page first; with XPMEM_ALLOC_HUGE, that of the caller.
 *
 * Return: the memory, which the caller owns until xpmem_free(), or NULL with EINVAL (length
 * 0, an unknown flag), ENOMEM, or EMFILE and ENFILE, as a descriptor is needed for a moment.
 */
void *xpmem_alloc(size_t length, unsigned int flags);

/**
 * xpmem_free() - free memory of xpmem_alloc()
 * @memory: from xpmem_alloc() in this process or its parent before the fork; NULL is fine
 *
 * Segments that export it stay, with a hole in its place.
 *
 * Return: 0, or -1 with EINVAL (something else).
 */
int xpmem_free(void *memory);

/**
 * xpmem_share() - convert memory of this process into shared memory, in place
 * @address: first byte, a multiple of the page size
 * @length: bytes, a multiple of the page size
 * @flags: 0
 *
 * Contents and address stay. Afterwards a child shares the memory after fork(2) instead of getting
 * a copy, and the settings of madvise(2) and mbind(2) are lost. No other thread, and no device
 * that the range is registered with, may use the range meanwhile. Existing attachments follow its
 * contents, but only new attachments are of shared memory. The range may be memory of malloc(3);
 * the call also converts its neighbours in the same pages.
 *
 * Return: 0, or -1 and nothing has changed: EINVAL (alignment, length, flags), ENOMEM (a hole in
 * the range, or no memory), EACCES (not readable and writable, or executable), EOPNOTSUPP (shared
 * already, huge-page files, the main thread's stack, memory of devices, an attachment), EBUSY
 * (locked by mlock(2), or watched by a userfaultfd), or EMFILE and ENFILE, as it needs descriptors
 * for a moment.
 */
int xpmem_share(void *address, size_t length, unsigned int flags);

#ifdef __cplusplus
}
#endif

#endif
