/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two programs of the demo share. They talk in lines over stdin and
 * stdout, which demo.sh connects crosswise; stderr is for people.
 */
#ifndef XPMEM_DEMO_H
#define XPMEM_DEMO_H

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1024UL * 1024)

enum region { HEAP, STACK, BUFFER, FILE_MAPPING, MEMFD, REGIONS };

static const char *const region_names[REGIONS] = { "heap", "stack", "buffer", "file", "memfd" };

/* Nobody has mapped these in the exporter. */
#define HOLES 2

__attribute__((format(printf, 1, 2)))
static inline void say(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, values);
	fputc('\n', stderr);
	va_end(values);
}

#define fail(...)                                     \
	do {                                          \
		fputs("FAILED: ", stderr);            \
		say(__VA_ARGS__);                     \
		exit(EXIT_FAILURE);                   \
	} while (0)

/* Say a line to the other side. */
__attribute__((format(printf, 1, 2)))
static inline void tell(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	vprintf(format, values);
	putchar('\n');
	va_end(values);
	if (fflush(stdout))
		fail("the other side has gone");
}

/* Wait for a line of the other side that has this many values. */
__attribute__((format(scanf, 2, 3)))
static inline void hear(int count, const char *format, ...)
{
	char line[256];
	va_list values;

	if (!fgets(line, sizeof(line), stdin))
		fail("the other side ended early");
	line[strcspn(line, "\n")] = '\0';
	va_start(values, format);
	if (count ? vsscanf(line, format, values) != count : strcmp(line, format) != 0)
		fail("heard \"%s\" instead of \"%s\"", line, format);
	va_end(values);
}

/* FNV-1a over every byte. */
static inline uint64_t checksum(const void *start, size_t length)
{
	const volatile unsigned char *byte = start;
	uint64_t sum = 0xcbf29ce484222325;

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ byte[i]) * 0x100000001b3;
	return sum;
}

/* Bytes that look random and depend on the seed. */
static inline void fill(void *start, size_t length, uint64_t seed)
{
	unsigned char *byte = start;

	for (size_t i = 0; i < length; i++) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		byte[i] = seed >> 56;
	}
}

#endif
