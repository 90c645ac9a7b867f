// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The process that reaches the exporter's memory with plain loads and stores.
 * It leaves a file of NAME=VALUE lines with what it holds for the administrator,
 * then waits until a line can be read from the second file, a fifo.
 *
 * usage: attacher FACTS FIFO
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/xpmem.h>
#include <xpmem.h>
#include <xpmem_ext.h>

#include "demo.h"

/* A piece of the exporter's address space that is attached here. */
struct window {
	unsigned char *base;
	uintptr_t source;
	size_t length;
	int64_t id;
};

/* Heap, stack, and the row of buffer, file and memfd with the holes between them. */
enum { HEAP_WINDOW, STACK_WINDOW, ROW_WINDOW, WINDOWS };

struct memory {
	uintptr_t source;
	size_t length;
	unsigned char *here;
	uint64_t sum;
};

static struct window windows[WINDOWS];
static struct memory regions[REGIONS];
static struct memory holes[HOLES];
static sigjmp_buf after_signal;

static void on_signal(int signal)
{
	siglongjmp(after_signal, signal);
}

/* Load or store one byte. Returns the signal that this raised, or 0. */
static int touch(unsigned char *byte, int store)
{
	int signal = sigsetjmp(after_signal, 1);

	if (signal)
		return signal;
	if (store)
		*(volatile unsigned char *)byte = 1;
	else
		(void)*(volatile unsigned char *)byte;
	return 0;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	if (sigaction(SIGBUS, &action, NULL) || sigaction(SIGSEGV, &action, NULL))
		fail("sigaction: %s", strerror(errno));
}

/* Attach whole pages around a range of the exporter. */
static void attach(struct window *window, xpmem_apid_t apid, uintptr_t start, uintptr_t end)
{
	uintptr_t page = sysconf(_SC_PAGESIZE);

	window->source = start & ~(page - 1);
	window->length = ((end + page - 1) & ~(page - 1)) - window->source;
	window->base =
		xpmem_attach_range(apid, window->source, window->length, NULL, 0, &window->id);
	if (window->base == XPMEM_FAILED)
		fail("cannot attach %zu bytes at %#lx: %s", window->length, window->source,
		     strerror(errno));
}

static unsigned char *at(const struct window *window, uintptr_t source)
{
	return window->base + (source - window->source);
}

static void expect(enum region region, uint64_t sum, const char *when)
{
	if (checksum(regions[region].here, regions[region].length) != sum)
		fail("the %s has other bytes than the exporter's %s", region_names[region], when);
}

static void tell_all(void)
{
	for (int region = 0; region < REGIONS; region++)
		tell("checksum %lx", checksum(regions[region].here, regions[region].length));
}

static long faults(void)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage))
		fail("getrusage: %s", strerror(errno));
	return usage.ru_minflt + usage.ru_majflt;
}

/* Wait until the administrator has looked at both processes. */
static void let_look(const char *facts, const char *fifo)
{
	FILE *file = fopen(fifo, "r");
	char line[16];

	if (!file)
		fail("cannot open %s: %s", fifo, strerror(errno));
	if (!fgets(line, sizeof(line), file))
		fail("nobody looked at %s", facts);
	fclose(file);
}

static void leave_facts(const char *path, int exporter, xpmem_segid_t segid, xpmem_apid_t apid,
			size_t bytes, long page_faults)
{
	char unfinished[4096];
	FILE *file;

	snprintf(unfinished, sizeof(unfinished), "%s.new", path);
	file = fopen(unfinished, "w");
	if (!file)
		fail("cannot write %s: %s", unfinished, strerror(errno));
	fprintf(file, "exporter=%d\nattacher=%d\nsegment=%#llx\npermit=%#llx\n", exporter, getpid(),
		(long long)segid, (long long)apid);
	fprintf(file, "attachments='%#llx %#llx %#llx'\n", (long long)windows[HEAP_WINDOW].id,
		(long long)windows[STACK_WINDOW].id, (long long)windows[ROW_WINDOW].id);
	fprintf(file, "addresses='%#lx %#lx %#lx'\n", (unsigned long)windows[HEAP_WINDOW].base,
		(unsigned long)windows[STACK_WINDOW].base, (unsigned long)windows[ROW_WINDOW].base);
	fprintf(file, "heap=%#lx\nmemfd=%#lx\n", regions[HEAP].source, regions[MEMFD].source);
	fprintf(file, "bytes=%zu\npage_faults=%ld\n", bytes, page_faults);
	if (fclose(file) || rename(unfinished, path))
		fail("cannot write %s: %s", path, strerror(errno));
}

int main(int argc, char **argv)
{
	long long segid;
	xpmem_apid_t apid;
	uint64_t sum;
	size_t bytes = 0;
	long before, page_faults;
	int exporter;

	if (argc != 3)
		fail("usage: attacher FACTS FIFO");
	catch_signals();

	hear(2, "segment %lld of %d", &segid, &exporter);
	for (int region = 0; region < REGIONS; region++)
		hear(3, "region %lx %lx %lx", &regions[region].source, &regions[region].length,
		     &regions[region].sum);
	for (int hole = 0; hole < HOLES; hole++)
		hear(2, "hole %lx %lx", &holes[hole].source, &holes[hole].length);

	apid = xpmem_get(segid, XPMEM_RDWR, XPMEM_PERMIT_MODE, NULL);
	if (apid < 0)
		fail("no permit for segment %#llx: %s", segid, strerror(errno));
	attach(&windows[HEAP_WINDOW], apid, regions[HEAP].source,
	       regions[HEAP].source + regions[HEAP].length);
	attach(&windows[STACK_WINDOW], apid, regions[STACK].source,
	       regions[STACK].source + regions[STACK].length);
	attach(&windows[ROW_WINDOW], apid, regions[BUFFER].source,
	       regions[MEMFD].source + regions[MEMFD].length);
	regions[HEAP].here = at(&windows[HEAP_WINDOW], regions[HEAP].source);
	regions[STACK].here = at(&windows[STACK_WINDOW], regions[STACK].source);
	for (int region = BUFFER; region <= MEMFD; region++)
		regions[region].here = at(&windows[ROW_WINDOW], regions[region].source);
	for (int hole = 0; hole < HOLES; hole++)
		holes[hole].here = at(&windows[ROW_WINDOW], holes[hole].source);

	before = faults();
	for (int region = 0; region < REGIONS; region++) {
		expect(region, regions[region].sum, "at first");
		bytes += regions[region].length;
	}
	page_faults = faults() - before;
	say("found all %zu bytes by plain loads, checksums agree, %ld page faults", bytes,
	    page_faults);

	for (int hole = 0; hole < HOLES; hole++) {
		if (touch(holes[hole].here, 0) != SIGBUS ||
		    touch(holes[hole].here + holes[hole].length - 1, 1) != SIGBUS)
			fail("a touch of hole %d raised no SIGBUS", hole);
	}
	say("a load and a store in each hole raised SIGBUS, and the process goes on");
	if (touch(regions[FILE_MAPPING].here, 1) != SIGSEGV)
		fail("a store to the file that the exporter may only read raised no SIGSEGV");
	expect(FILE_MAPPING, regions[FILE_MAPPING].sum, "after a refused store");
	say("a store to the file, which the exporter may only read, raised SIGSEGV");

	for (int region = 0; region < REGIONS; region++)
		if (region != FILE_MAPPING)
			fill(regions[region].here + regions[region].length / 2,
			     regions[region].length / 2, region + 10);
	say("stored new bytes in half of heap, stack, buffer and memfd");
	tell("stored");
	tell_all();

	hear(1, "changed %lx", &sum);
	expect(HEAP, sum, "after the exporter changed it");
	say("saw at once what the exporter changed in its heap");
	tell("compared");

	hear(0, "freed");
	if (touch(regions[BUFFER].here, 0) != SIGBUS)
		fail("a touch of the freed buffer raised no SIGBUS");
	say("a touch of the freed buffer raised SIGBUS");
	tell("gone");
	hear(1, "mapped %lx", &sum);
	expect(BUFFER, sum, "after it was mapped again");
	say("saw at once the buffer's new contents");

	leave_facts(argv[1], exporter, segid, apid, bytes, page_faults);
	let_look(argv[1], argv[2]);

	tell("looked");
	tell_all();
	hear(0, "bye");
	for (int window = 0; window < WINDOWS; window++)
		if (xpmem_detach(windows[window].base))
			fail("cannot detach: %s", strerror(errno));
	if (xpmem_release(apid))
		fail("cannot release the permit: %s", strerror(errno));
	tell("detached");
	return EXIT_SUCCESS;
}
