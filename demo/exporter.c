// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process whose memory is shared: it exports its whole address space, with
 * its heap, its stack, a private buffer, a mapped file and a shared memfd in it.
 *
 * usage: exporter FILE
 */
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xpmem.h>
#include <xpmem_ext.h>

#include "demo.h"

#define HEAP_LENGTH (4 * MIB)
#define STACK_LENGTH (MIB / 4)
#define BUFFER_LENGTH (2 * MIB)
#define MEMFD_LENGTH (4 * MIB)
#define HOLE_LENGTH (64UL * 1024)

struct memory {
	unsigned char *start;
	size_t length;
};

static struct memory regions[REGIONS];
static struct memory holes[HOLES];

static unsigned char *map_at(unsigned char *where, size_t length, int protection, int flags, int fd)
{
	unsigned char *start = mmap(where, length, protection, flags | MAP_FIXED_NOREPLACE, fd, 0);

	if (start == MAP_FAILED || start != where)
		fail("cannot map %zu bytes at %p: %s", length, (void *)where, strerror(errno));
	return start;
}

static void map_buffer(unsigned char *where)
{
	map_at(where, BUFFER_LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* Buffer, hole, file, hole and memfd, in this order and side by side. */
static void map_row(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	int memfd = memfd_create("xpmem-demo", MFD_CLOEXEC);
	size_t file_pages, page = sysconf(_SC_PAGESIZE);
	unsigned char *where;
	struct stat stat;

	if (file < 0 || fstat(file, &stat) || !stat.st_size)
		fail("cannot read %s: %s", path, strerror(errno));
	if (memfd < 0 || ftruncate(memfd, MEMFD_LENGTH))
		fail("cannot make a memfd: %s", strerror(errno));

	/* Find a free range, and free it again: what is not mapped below is a hole. */
	file_pages = (stat.st_size + page - 1) / page * page;
	where = mmap(NULL, BUFFER_LENGTH + HOLE_LENGTH + file_pages + HOLE_LENGTH + MEMFD_LENGTH,
		     PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (where == MAP_FAILED ||
	    munmap(where, BUFFER_LENGTH + HOLE_LENGTH + file_pages + HOLE_LENGTH + MEMFD_LENGTH))
		fail("no room in the address space: %s", strerror(errno));

	map_buffer(where);
	regions[BUFFER] = (struct memory){ where, BUFFER_LENGTH };
	where += BUFFER_LENGTH;
	holes[0] = (struct memory){ where, HOLE_LENGTH };
	where += HOLE_LENGTH;
	map_at(where, stat.st_size, PROT_READ, MAP_PRIVATE, file);
	regions[FILE_MAPPING] = (struct memory){ where, stat.st_size };
	where += file_pages;
	holes[1] = (struct memory){ where, HOLE_LENGTH };
	where += HOLE_LENGTH;
	map_at(where, MEMFD_LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, memfd);
	regions[MEMFD] = (struct memory){ where, MEMFD_LENGTH };
	close(file);
	close(memfd);
}

static uint64_t region_checksum(enum region region)
{
	return checksum(regions[region].start, regions[region].length);
}

/* The attacher says what it sees in each region: it must be what is there. */
static void compare_all(void)
{
	for (int region = 0; region < REGIONS; region++) {
		uint64_t sum;

		hear(1, "checksum %lx", &sum);
		if (sum != region_checksum(region))
			fail("the attacher sees other bytes in the %s", region_names[region]);
	}
}

int main(int argc, char **argv)
{
	unsigned char on_stack[STACK_LENGTH];
	xpmem_segid_t segid;

	if (argc != 2)
		fail("usage: exporter FILE");

	mallopt(M_MMAP_MAX, 0);
	regions[HEAP] = (struct memory){ malloc(HEAP_LENGTH), HEAP_LENGTH };
	if (!regions[HEAP].start)
		fail("out of memory");
	regions[STACK] = (struct memory){ on_stack, STACK_LENGTH };
	map_row(argv[1]);
	for (int region = 0; region < REGIONS; region++)
		if (region != FILE_MAPPING)
			fill(regions[region].start, regions[region].length, region);

	segid = xpmem_make_segment(NULL, XPMEM_MAXADDR_SIZE, 0600, 0, "demo");
	if (segid < 0)
		fail("cannot export the address space: %s", strerror(errno));
	say("exported the whole address space as segment %#llx", (long long)segid);

	tell("segment %lld of %d", (long long)segid, getpid());
	for (int region = 0; region < REGIONS; region++) {
		tell("region %lx %lx %lx", (unsigned long)regions[region].start,
		     regions[region].length, region_checksum(region));
		say("%-6s %8zu bytes at %p", region_names[region], regions[region].length,
		    (void *)regions[region].start);
	}
	for (int hole = 0; hole < HOLES; hole++)
		tell("hole %lx %lx", (unsigned long)holes[hole].start, holes[hole].length);

	hear(0, "stored");
	compare_all();
	say("sees every byte that the attacher stored in heap, stack, buffer and memfd");

	fill(regions[HEAP].start, HEAP_LENGTH, 100);
	tell("changed %lx", region_checksum(HEAP));
	hear(0, "compared");

	if (munmap(regions[BUFFER].start, BUFFER_LENGTH))
		fail("munmap: %s", strerror(errno));
	say("freed the buffer");
	tell("freed");
	hear(0, "gone");
	map_buffer(regions[BUFFER].start);
	fill(regions[BUFFER].start, BUFFER_LENGTH, 200);
	say("mapped other memory at the buffer's address");
	tell("mapped %lx", region_checksum(BUFFER));

	/* The attacher waits meanwhile for the administrator to have looked. */
	hear(0, "looked");
	compare_all();
	say("both sides still see the same bytes everywhere");
	tell("bye");
	hear(0, "detached");
	if (xpmem_remove(segid))
		fail("cannot remove the segment: %s", strerror(errno));
	free(regions[HEAP].start);
	return EXIT_SUCCESS;
}
