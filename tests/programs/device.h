/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device through its ioctls, without any library, and the memory that cases export. Addresses
 * are longs, as everything is that travels between processes. Answers are as harness.h says.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <linux/xpmem.h>
#include <sys/mman.h>

#include "harness.h"
#include "peer.h"

/* the descriptor that the calls below use; each process opens its own */
extern int device;

long device_open(void);

long device_call(unsigned long number, void *argument);
long device_make(struct xpmem_ioc_make argument);	/* the segid */
long device_get(struct xpmem_ioc_get argument);		/* the apid */
long device_attach(struct xpmem_ioc_attach argument);	/* the address */
long device_segment_fd(struct xpmem_ioc_segment_fd argument);	/* the descriptor */
long device_dmabuf(struct xpmem_ioc_dmabuf argument);	/* the descriptor */
bool device_has(uint64_t features);			/* whether the module has one of them */

#define SIZED(type, ...) (struct type){ .size = sizeof(struct type), __VA_ARGS__ }
#define MAKE(...) device_make(SIZED(xpmem_ioc_make, __VA_ARGS__))
#define GET(...) device_get(SIZED(xpmem_ioc_get, __VA_ARGS__))
#define ATTACH(...) device_attach(SIZED(xpmem_ioc_attach, __VA_ARGS__))
#define SEGMENT_FD(...) device_segment_fd(SIZED(xpmem_ioc_segment_fd, __VA_ARGS__))
#define DMABUF(...) device_dmabuf(SIZED(xpmem_ioc_dmabuf, __VA_ARGS__))
#define REMOVE(...) device_call(XPMEM_IOC_REMOVE, &SIZED(xpmem_ioc_remove, __VA_ARGS__))
#define RELEASE(...) device_call(XPMEM_IOC_RELEASE, &SIZED(xpmem_ioc_release, __VA_ARGS__))
#define DETACH(...) device_call(XPMEM_IOC_DETACH, &SIZED(xpmem_ioc_detach, __VA_ARGS__))
#define QUERY(query) device_call(XPMEM_IOC_QUERY, query)

/* the whole range, for reading and writing by the same user */
long export_range(long address, long length);

/* memory of this process; fails the case when there is none */
long map_anonymous(long length);
long map_file(int file, long length, int protection, int flags);
long map_aligned(long length, long alignment);
long map_huge(long length);				/* may have huge pages, as below */
long map_shared(long length);				/* of a memory file of its own */
int memory_file(long length);
int temporary_file(const char *content_of_each_page, int pages);
/*
 * Mappings that the kernel does not join. Debug kernels are slow, and check all mappings after each
 * change of one, so there are fewer.
 */
void map_much(void);
void map_over(long address, long length, int protection, int flags, int file);
/*
 * Whether memory may, or may not, have transparent huge pages. A PREEMPT_RT kernel has none,
 * and refuses both advices. A case that wants huge pages is skipped there.
 */
void use_huge_pages(long address, long length);
void use_small_pages(long address, long length);
bool kernel_has_huge_pages(void);
void unmap(long address, long length);
/* How many lines of the kernel log hold both texts, in this order. */
long lines_in_log(const char *text, const char *then);
void protect(long address, long length, int protection);

/*
 * word k of a range differs from word k of any other seed; verify counts the words that are not so
 */
void fill(long address, long length, long seed);
long verify(long address, long length, long seed);

/* operations, with their arguments */
long do_open(const long *none);				/* closes the old descriptor first */
long do_close(const long *none);
long do_count_faults(const long *none);
long do_load(const long *address);
long do_store(const long *address_value);
long do_fill(const long *address_length_seed);
long do_verify(const long *address_length_seed);
long do_count(
	const long *address_length_turns); /* adds one to each page's first word, in each turn */
long do_map(const long *length);			/* anonymous memory */
long do_export(const long *address_length);
long do_make(const long *address_length_mode_flags);
long do_remove(const long *segid);
long do_get(const long *segid_flags);
long do_get_fd(const long *descriptor_flags);
long do_segment_fd(const long *segid_flags);
long do_dmabuf(const long *apid_offset_length);
long do_release(const long *apid);
long do_attach(const long *apid_offset_length_flags_vaddr);
long do_attach_segment(
	const long *segid_offset_length_flags); /* with a read-write permit of its own */
long do_detach(const long *address);
long do_unmap(const long *address_length);
long do_protect(const long *address_length_protection);
long do_advise(const long *address_length_advice);
/*
 * Puts a word in a pipe by page, without a copy in between, adds one to it, and answers what comes
 * out of the pipe: the sum.
 */
long do_splice(const long *address);
long do_become(const long *uid_gid_supplementary);	/* zero as third: no supplementary group */
long do_unshare(const long *flags);

/* a file under /proc or /sys; -errno where it cannot be written */
long write_file(const char *path, const char *text);
/* the number after a name in a file of lines like /proc/vmstat, or -ENOENT */
long read_counter(const char *path, const char *name);
/* the page frame number of the page that root has mapped at an address, or 0 if it is absent */
uint64_t page_number(long address);

#endif
