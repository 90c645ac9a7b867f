// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Memory that can be shared in full. It is a mapping of a memfd, so all processes that attach it
 * map the same pages, and system calls that take user pages accept the attachments.
 *
 * xpmem_alloc() maps a page with a header, a guard page, the memory and a guard page, in this
 * order. xpmem_free() therefore needs no table, and no lock that a fork could leave locked.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xpmem_ext.h"

/* Older kernel headers lack these. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define MAGIC 0x6d656d78636f6c61ULL

struct header {
	uint64_t magic;
	void *memory;
	void *mapping;
	size_t mapping_length;
};

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t huge_page_size(void)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
	size_t size = 0;

	if (file) {
		if (fscanf(file, "%zu", &size) != 1)
			size = 0;
		fclose(file);
	}
	return size && !(size & (size - 1)) && size >= page_size() ? size : page_size();
}

/* Returns a memfd whose size is sealed, or -1. */
static int memory_file(size_t length)
{
	int fd = memfd_create("xpmem", MFD_CLOEXEC | MFD_NOEXEC_SEAL), error;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("xpmem", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)length) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		error = errno == EFBIG ? ENOMEM : errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* Best effort. The kernel collapses only ranges that have been touched. */
static void make_huge(char *memory, size_t length, size_t unit)
{
	int error = errno;
	size_t offset;

	madvise(memory, length, MADV_HUGEPAGE);
	for (offset = 0; offset < length; offset += unit)
		if (madvise(memory + offset, page_size(), MADV_POPULATE_WRITE) ||
		    madvise(memory + offset, unit, MADV_COLLAPSE))
			break;
	errno = error;
}

void *xpmem_alloc(size_t length, unsigned int flags)
{
	size_t page = page_size(), unit = flags & XPMEM_ALLOC_HUGE ? huge_page_size() : page, total;
	struct header *header;
	char *mapping, *memory;
	int fd, error;

	if (!length || flags & ~XPMEM_ALLOC_HUGE) {
		errno = EINVAL;
		return NULL;
	}
	if (length > SIZE_MAX / 2 - 4 * unit) {
		errno = ENOMEM;
		return NULL;
	}
	length = (length + unit - 1) & ~(unit - 1);
	total = 3 * page + length + unit;
	fd = memory_file(length);
	if (fd < 0)
		return NULL;
	mapping = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mapping == MAP_FAILED)
		goto close_file;
	memory = (char *)(((uintptr_t)mapping + 2 * page + unit - 1) & ~(unit - 1));
	header = (struct header *)(memory - 2 * page);
	if (mprotect(header, page, PROT_READ | PROT_WRITE) ||
	    mmap(memory, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		    MAP_FAILED)
		goto unmap;
	close(fd);
	*header = (struct header){
		.magic = MAGIC,
		.memory = memory,
		.mapping = mapping,
		.mapping_length = total,
	};
	if (flags & XPMEM_ALLOC_HUGE)
		make_huge(memory, length, unit);
	return memory;

unmap:
	error = errno;
	munmap(mapping, total);
	errno = error;
close_file:
	error = errno;
	close(fd);
	errno = error;
	return NULL;
}

int xpmem_free(void *memory)
{
	size_t page = page_size();
	struct header *header;
	unsigned char resident;

	if (!memory)
		return 0;
	header = (struct header *)((char *)memory - 2 * page);
	if ((uintptr_t)memory % page || (uintptr_t)memory < 3 * page ||
	    mincore(header, page, &resident) || header->magic != MAGIC ||
	    header->memory != memory) {
		errno = EINVAL;
		return -1;
	}
	return munmap(header->mapping, header->mapping_length);
}

/* Returns 0 if the mapping may be converted, else the errno. */
static int check_mapping(const char *protection, const char *flags)
{
	/*
	 * proc(5), VmFlags: hugetlb, I/O, raw pages twice, grows down, not for children, wiped in
	 * them
	 */
	static const char *const never[] = { " ht", " io", " pf", " mm", " gd", " dc", " wf" };
	/* userfaultfd twice, locked */
	static const char *const not_now[] = { " um", " uw", " lo" };
	size_t i;

	if (strcmp(protection, "rw-p"))
		return protection[3] == 'p' ? EACCES : EOPNOTSUPP;
	for (i = 0; i < sizeof(never) / sizeof(*never); i++)
		if (strstr(flags, never[i]))
			return EOPNOTSUPP;
	for (i = 0; i < sizeof(not_now) / sizeof(*not_now); i++)
		if (strstr(flags, not_now[i]))
			return EBUSY;
	return 0;
}

/* Returns 0, or the errno for a range that cannot be converted. Sets *of_files if it maps files. */
static int check_range(uintptr_t start, uintptr_t end, bool *of_files)
{
	uintptr_t from = 0, to = 0, done = start;
	char protection[5] = "", *line = NULL;
	size_t room = 0;
	uint64_t inode = 0;
	FILE *file = fopen("/proc/self/smaps", "re");
	int error = 0;

	if (!file)
		return errno;
	while (!error && done < end && getline(&line, &room, file) > 0) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*s %" SCNu64, &from, &to,
			   protection, &inode) == 4) {
			if (from > done)
				break;
		} else if (!strncmp(line, "VmFlags:", 8) && to > done) {
			error = check_mapping(protection, line);
			*of_files |= inode;
			done = to;
		}
	}
	free(line);
	fclose(file);
	if (error)
		return error;
	return done < end ? ENOMEM : 0;
}

/*
 * Copies the range into the memfd. Unless @all, skips pages that were never touched: they read as
 * zero in the memfd too.
 */
static int copy(int fd, const char *address, size_t length, bool all)
{
	int pagemap = all ? -1 : open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), error = 0;
	size_t page = page_size(), offset, chunk;
	uint64_t entry;
	ssize_t written;

	for (offset = 0; offset < length && !error; offset += chunk) {
		chunk = page;
		/* Documentation/admin-guide/mm, pagemap: bit 62 swapped, bit 63 present */
		if (pagemap >= 0 &&
		    pread(pagemap, &entry, sizeof(entry),
			  (off_t)((uintptr_t)(address + offset) / page * sizeof(entry))) ==
			    sizeof(entry) &&
		    !(entry >> 62))
			continue;
		written = pwrite(fd, address + offset, page, (off_t)offset);
		if (written != (ssize_t)page)
			error = written < 0 ? errno : ENOMEM;
	}
	if (pagemap >= 0)
		close(pagemap);
	return error;
}

int xpmem_share(void *address, size_t length, unsigned int flags)
{
	size_t page = page_size();
	bool of_files = false;
	char *mapping;
	int fd, error;

	if (flags || !length || length % page || (uintptr_t)address % page ||
	    (uintptr_t)address > UINTPTR_MAX - length) {
		errno = EINVAL;
		return -1;
	}
	error = check_range((uintptr_t)address, (uintptr_t)address + length, &of_files);
	if (error) {
		errno = error;
		return -1;
	}
	fd = memory_file(length);
	if (fd < 0)
		return -1;
	mapping = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	error = mapping == MAP_FAILED ? errno : copy(fd, address, length, of_files);
	close(fd);
	if (!error &&
	    mremap(mapping, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, address) == address)
		return 0;
	if (!error)
		error = errno;
	if (mapping != MAP_FAILED)
		munmap(mapping, length);
	errno = error;
	return -1;
}
