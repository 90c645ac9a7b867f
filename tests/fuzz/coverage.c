/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The map of a module that was built with XPMEM_COVERAGE=1. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

static uint8_t *edges;

bool coverage_open(void)
{
	int file = open("/sys/kernel/debug/xpmem/coverage", O_RDWR | O_CLOEXEC);

	if (file < 0)
		return false;
	edges = mmap(NULL, COVERAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (edges == MAP_FAILED)
		die("cannot map the coverage of the module: %m");
	/* no actor may reach it */
	if (madvise(edges, COVERAGE_SIZE, MADV_DONTFORK))
		die("madvise: %m");
	close(file);
	return true;
}

void coverage_reset(void)
{
	if (edges)
		memset(edges, 0, COVERAGE_SIZE);
}

unsigned int coverage_merge(uint8_t *known)
{
	unsigned int count = 0;

	for (size_t i = 0; edges && i < COVERAGE_SIZE; i += sizeof(uint64_t)) {
		if (!*(uint64_t *)(edges + i))
			continue;
		for (size_t j = i; j < i + sizeof(uint64_t); j++) {
			count += edges[j] && !known[j];
			known[j] |= edges[j];
		}
	}
	return count;
}

bool coverage_includes(const uint8_t *wanted)
{
	for (size_t i = 0; i < COVERAGE_SIZE; i++)
		if (wanted[i] && !edges[i])
			return false;
	return true;
}
