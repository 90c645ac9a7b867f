/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that memory checkers watch. It exports its heap; a child attaches it in every way, uses
 * it and detaches it:
 *
 *	checked			as it should
 *	checked --detached	and then reads what it has detached
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xpmem_ext.h>

#define PAGE XPMEM_TEST_PAGE
#define LENGTH (16 * PAGE)
#define OTHERS 32

static char *exported;
static xpmem_segid_t segid;

static void *check(void *address, const char *call)
{
	if (address == XPMEM_FAILED) {
		perror(call);
		exit(EXIT_FAILURE);
	}
	return address;
}

static void *map(void)
{
	return check(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		     "mmap");
}

static void *unmapped(void)
{
	void *place = map();

	munmap(place, LENGTH);
	return place;
}

static char *attach(xpmem_apid_t apid, void *place)
{
	struct xpmem_addr address = { .apid = apid, .offset = 0 };

	return check(xpmem_attach(address, LENGTH, place), "xpmem_attach");
}

static char *attach_range(xpmem_apid_t apid, void *place, unsigned int flags)
{
	return check(xpmem_attach_range(apid, 0, LENGTH, place, flags, NULL), "xpmem_attach_range");
}

static void expect(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "%s\n", what);
	exit(EXIT_FAILURE);
}

/* Reads and writes @at, and makes mappings that must not come to lie there. */
static void use(char *at, bool writable)
{
	static char copy[LENGTH];
	char *others[OTHERS];
	int i;

	memcpy(copy, at, LENGTH);
	expect(copy[0] == 'e' && copy[LENGTH - 1] == 'e', "the exporter's memory reads otherwise");
	if (writable)
		memset(at, 'e', LENGTH);
	for (i = 0; i < OTHERS; i++) {
		others[i] = map();
		memset(others[i], 'o', LENGTH);
	}
	expect(!memcmp(copy, at, LENGTH), "another mapping has taken the attachment's place");
	for (i = 0; i < OTHERS; i++)
		munmap(others[i], LENGTH);
	expect(!xpmem_detach(at + PAGE), "xpmem_detach fails");
}

static void attach_in_every_way(xpmem_apid_t apid)
{
	use(attach(apid, NULL), true);
	use(attach(apid, map()), true);
	use(attach(apid, unmapped()), true);
	use(attach_range(apid, NULL, XPMEM_ATTACH_RDONLY | XPMEM_ATTACH_POPULATE), false);
	use(attach_range(apid, unmapped(), XPMEM_ATTACH_FIXED), true);
	use(attach_range(apid, unmapped(), XPMEM_ATTACH_REPLACE), true);
	use(attach_range(apid, map(), XPMEM_ATTACH_REPLACE), true);
	expect(xpmem_attach_range(apid, LENGTH, LENGTH, NULL, 0, NULL) == XPMEM_FAILED,
	       "a range beyond the segment is attached");
	expect(xpmem_attach_range(apid, 0, LENGTH, unmapped(), 0, NULL) == XPMEM_FAILED,
	       "an address is taken without a flag");
	use(attach(apid, NULL), true);
}

/* A detach leaves memory alone that came to lie where a part of the attachment was. */
static void detach_around_another(xpmem_apid_t apid)
{
	char *at = attach(apid, NULL), *other;

	munmap(at, PAGE);
	other = check(mmap(at, PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), "mmap");
	other[0] = 'o';
	expect(!xpmem_detach(at + PAGE), "xpmem_detach fails");
	expect(other[0] == 'o', "xpmem_detach has unmapped another mapping");
	munmap(other, PAGE);
}

static void attacher(bool detached)
{
	xpmem_apid_t apid = xpmem_get_segment(segid, XPMEM_RDWR, NULL);
	volatile char *at;

	expect(apid > 0, "xpmem_get_segment fails");
	attach_in_every_way(apid);
	detach_around_another(apid);
	if (detached) {
		at = attach(apid, NULL);
		expect(!xpmem_detach((void *)at), "xpmem_detach fails");
		expect(at[PAGE] == 'e', "the memory is gone");
	}
	expect(!xpmem_release(apid), "xpmem_release fails");
}

int main(int argc, char **argv)
{
	bool detached = argc > 1 && !strcmp(argv[1], "--detached");
	pid_t child;
	int status;

	exported = aligned_alloc(PAGE, LENGTH);
	memset(exported, 'e', LENGTH);
	segid = xpmem_make_segment(exported, LENGTH, 0600, 0, NULL);
	expect(segid > 0, "xpmem_make_segment fails");
	child = fork();
	if (!child) {
		attacher(detached);
		free(exported);
		return EXIT_SUCCESS;
	}
	expect(waitpid(child, &status, 0) == child, "waitpid fails");
	free(exported);
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
