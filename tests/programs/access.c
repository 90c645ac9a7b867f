/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An attachment never gives more than the exporter itself has at that address at that moment, and
 * never more than the permit. An ordinary user exports to itself and tries to write what it may
 * only read.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../importer/importer.h"
#include "device.h"

#define USER 2000
#define LENGTH (4 * PAGE)
#define CONTENT "not yours to write"

static struct peer *administrator, *attacher;
static long at;

static void become_user(void)
{
	administrator = peer_start();
	CHECK_OK(here(do_become, USER, USER));
}

static void attach_here(long address, long length)
{
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(address, length), 0, length));
}

static long do_drop_caches(const long *none)
{
	(void)none;
	sync();
	return write_file("/proc/sys/vm/drop_caches", "3");
}

static long word_of_content(void)
{
	long word;

	memcpy(&word, CONTENT, sizeof(word));
	return word;
}

/* as the page cache has it, and as the disk has it */
static void check_content(int file)
{
	char text[sizeof(CONTENT)] = "";
	int turn, i;

	for (turn = 0; turn < 2; turn++) {
		for (i = 0; i < LENGTH / PAGE; i++) {
			CHECK_EQ(pread(file, text, sizeof(text), i * PAGE), sizeof(text));
			if (strcmp(text, CONTENT))
				FAIL("page %d of the file was changed", i);
		}
		CHECK_OK(on(administrator, do_drop_caches, 0));
	}
}

/* a descriptor that may only read, of a file that another user owns */
static int read_only_file(void)
{
	char path[64];
	int writable = temporary_file(CONTENT, LENGTH / PAGE), file;

	CHECK_OK(answer(fchmod(writable, 0444)));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", writable);
	file = CHECK_OK(answer(open(path, O_RDONLY | O_CLOEXEC)));
	CHECK_OK(answer(close(writable)));
	return file;
}

static void write_attempts(int file, long memory)
{
	long i;

	attach_here(memory, LENGTH);
	for (i = 0; i < LENGTH; i += PAGE) {
		if (i % (2 * PAGE))
			CHECK_EQ(on(attacher, do_load, at + i), word_of_content());
		CHECK_EQ(on(attacher, do_store, at + i, 0x6e6574746972770), GOT_SIGSEGV);
		CHECK_EQ(on(attacher, do_load, at + i), word_of_content());
	}
	(void)on(attacher, do_protect, at, LENGTH, PROT_READ | PROT_WRITE);
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGSEGV);
	check_content(file);
	CHECK_EQ(on(attacher, do_load, at), word_of_content());
}

CASE(file_mapped_shared)
{
	int file = read_only_file();

	become_user();
	write_attempts(file, map_file(file, LENGTH, PROT_READ, MAP_SHARED));
}

CASE(file_mapped_private_for_reading)
{
	int file = read_only_file();

	become_user();
	write_attempts(file, map_file(file, LENGTH, PROT_READ, MAP_PRIVATE));
}

/* here the user may write its own copy, and the file stays what it is */
CASE(file_mapped_private_for_writing)
{
	int file = read_only_file();
	long memory;

	become_user();
	memory = map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	attach_here(memory, LENGTH);
	CHECK_EQ(on(attacher, do_load, at), word_of_content());
	CHECK_OK(on(attacher, do_store, at, 1));
	CHECK_OK(on(attacher, do_store, at + PAGE, 2));
	CHECK_EQ(load(memory), 1);
	CHECK_EQ(load(memory + PAGE), 2);
	CHECK_EQ(on(attacher, do_load, at + 2 * PAGE), word_of_content());
	check_content(file);
}

/* the file takes the place of memory that the attacher had mapped for writing */
CASE(file_mapped_over_writable_memory)
{
	int file = read_only_file();
	long memory;

	become_user();
	memory = map_anonymous(LENGTH);
	attach_here(memory, LENGTH);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 1));
	map_over(memory, LENGTH, PROT_READ, MAP_SHARED, file);
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_load, at), word_of_content());
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGSEGV);
	check_content(file);
}

CASE(file_mapped_over_shared_memory)
{
	int file = read_only_file();
	long memory;

	become_user();
	memory = map_file(memory_file(LENGTH), LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
	attach_here(memory, LENGTH);
	CHECK_OK(on(attacher, do_fill, at, LENGTH, 1));
	map_over(memory, LENGTH, PROT_READ, MAP_SHARED, file);
	CHECK_EQ(on(attacher, do_load, at), word_of_content());
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGSEGV);
	check_content(file);
}

/* what is written to a file through an attachment reaches the disk */
CASE(file_written_by_the_attacher)
{
	int file = temporary_file(CONTENT, LENGTH / PAGE);
	long memory, word;

	administrator = peer_start();
	CHECK_OK(device_open());
	memory = map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
	attach_here(memory, LENGTH);
	CHECK_OK(on(attacher, do_store, at, 11));
	CHECK_EQ(on(attacher, do_load, at + PAGE), word_of_content());
	CHECK_OK(on(attacher, do_store, at + PAGE, 12));
	CHECK_OK(answer(fsync(file)));
	CHECK_OK(on(attacher, do_store, at + PAGE, 13));
	peer_end(attacher, SIGKILL);
	unmap(memory, LENGTH);
	CHECK_OK(on(administrator, do_drop_caches, 0));
	CHECK_EQ(pread(file, &word, sizeof(word), 0), sizeof(word));
	CHECK_EQ(word, 11);
	CHECK_EQ(pread(file, &word, sizeof(word), PAGE), sizeof(word));
	CHECK_EQ(word, 13);
}

CASE(zero_page)
{
	long memory, fresh, i;

	become_user();
	memory = map_file(-1, LENGTH, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	for (i = 0; i < LENGTH / 2; i += PAGE)
		CHECK_EQ(load(memory + i), 0);
	attach_here(memory, LENGTH);
	for (i = 0; i < LENGTH; i += PAGE) {
		CHECK_EQ(on(attacher, do_store, at + i, 0x6f72657a746f6e), GOT_SIGSEGV);
		CHECK_EQ(on(attacher, do_load, at + i), 0);
		CHECK_EQ(on(attacher, do_store, at + i, 0x6f72657a746f6e), GOT_SIGSEGV);
		CHECK_EQ(load(memory + i), 0);
	}
	fresh = map_file(-1, LENGTH, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
	for (i = 0; i < LENGTH; i += PAGE)
		CHECK_EQ(load(fresh + i), 0);
}

static int open_memory(const char *process)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/mem", process);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* writes with the kernel's own privileges: /proc/self/mem overrides page protections elsewhere */
static long do_write_by_force(const long *a)
{
	int file = open_memory("self");
	long result;

	if (file < 0)
		FAIL("cannot open /proc/self/mem: %s", strerror(errno));
	result = answer(pwrite(file, &a[1], sizeof(a[1]), a[0]));
	close(file);
	return result;
}

static long do_write_to_process(const long *a)
{
	struct iovec local = { (void *)&a[1], sizeof(a[1]) };
	struct iovec remote = { (void *)a[0], sizeof(a[1]) };

	return answer(process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
}

static long do_read_into(const long *a)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	long result = answer(read(zero, (void *)a[0], sizeof(long)));

	close(zero);
	return result;
}

/* all that a process can try on an attachment that it may only read */
static void check_read_only(long memory)
{
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_store, at + LENGTH - 8, 1), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_protect, at, LENGTH, PROT_READ | PROT_WRITE), -EACCES);
	CHECK_EQ(on(attacher, do_protect, at, LENGTH, PROT_WRITE), -EACCES);
	CHECK_EQ(on(attacher, do_protect, at + PAGE, PAGE, PROT_READ | PROT_EXEC), -EACCES);
	CHECK(on(attacher, do_write_by_force, at, 1) < 0);
	CHECK(on(attacher, do_write_to_process, at + PAGE, 1) < 0);
	CHECK_EQ(on(attacher, do_read_into, at + PAGE), -EFAULT);
	(void)on(attacher, do_advise, at, LENGTH, MADV_POPULATE_WRITE);
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGSEGV);
	CHECK_EQ(verify(memory, LENGTH, 1), 0);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	fill(memory, LENGTH, 2);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 2), 0);
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGSEGV);
	fill(memory, LENGTH, 1);
}

static void read_only_segment(long memory)
{
	long segid, apid;

	become_user();
	fill(memory, LENGTH, 1);
	segid = CHECK_OK(
		MAKE(.vaddr = memory, .length = LENGTH, .mode = 0666, .flags = XPMEM_MAKE_RDONLY));
	CHECK_EQ(GET(.segid = segid, .flags = XPMEM_GET_RDWR), -EACCES);
	attacher = peer_start();
	CHECK_EQ(on(attacher, do_get, segid, XPMEM_GET_RDWR), -EACCES);
	CHECK_EQ(on(administrator, do_get, segid, XPMEM_GET_RDWR), -EACCES);
	apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDONLY));
	at = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH));
	check_read_only(memory);
	at = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH, XPMEM_ATTACH_RDONLY));
	check_read_only(memory);
}

CASE(read_only_segment)
{
	read_only_segment(map_anonymous(LENGTH));
}

CASE(read_only_segment_of_shared_memory)
{
	read_only_segment(map_shared(LENGTH));
}

static void read_only_permit(long memory)
{
	long segid, apid, rdwr;

	become_user();
	fill(memory, LENGTH, 1);
	segid = export_range(memory, LENGTH);
	attacher = peer_start();
	/* a writable sibling changes nothing */
	rdwr = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
	CHECK_OK(on(attacher, do_fill, rdwr, LENGTH, 1));
	apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDONLY));
	at = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH));
	check_read_only(memory);
}

CASE(read_only_permit)
{
	read_only_permit(map_anonymous(LENGTH));
}

CASE(read_only_permit_of_shared_memory)
{
	read_only_permit(map_shared(LENGTH));
}

static void read_only_attach(long memory)
{
	long apid;

	become_user();
	fill(memory, LENGTH, 1);
	attacher = peer_start();
	apid = CHECK_OK(on(attacher, do_get, export_range(memory, LENGTH), XPMEM_GET_RDWR));
	at = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH, XPMEM_ATTACH_RDONLY));
	check_read_only(memory);
	at = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH,
			 XPMEM_ATTACH_RDONLY | XPMEM_ATTACH_POPULATE));
	check_read_only(memory);
}

CASE(read_only_attach)
{
	read_only_attach(map_anonymous(LENGTH));
}

CASE(read_only_attach_of_shared_memory)
{
	read_only_attach(map_shared(LENGTH));
}

CASE(no_execution)
{
	long memory;

	become_user();
	memory = map_anonymous(LENGTH);
	attach_here(memory, LENGTH);
	CHECK_EQ(on(attacher, do_protect, at, LENGTH, PROT_READ | PROT_EXEC), -EACCES);
	CHECK_EQ(on(attacher, do_protect, at, LENGTH, PROT_READ | PROT_WRITE | PROT_EXEC), -EACCES);
	CHECK_OK(on(attacher, do_store, at, 1));
}

static long do_remap_pages(const long *a)
{
	return answer(syscall(SYS_remap_file_pages, a[0], a[1], 0, a[2], 0));
}

/* no way to slide the mapping to addresses outside the segment */
CASE(beyond_the_segment)
{
	long memory, i, seen;

	become_user();
	memory = map_anonymous(3 * LENGTH);
	fill(memory, 3 * LENGTH, 1);
	attach_here(memory + LENGTH, LENGTH);
	CHECK_EQ(on(attacher, do_load, at), load(memory + LENGTH));
	(void)on(attacher, do_remap_pages, at, PAGE, memory / PAGE);
	(void)on(attacher, do_remap_pages, at + PAGE, PAGE, (memory + 2 * LENGTH) / PAGE);
	(void)on(attacher, do_remap_pages, at + 2 * PAGE, PAGE, 0);
	for (i = 0; i < LENGTH; i += PAGE) {
		seen = on(attacher, do_load, at + i);
		if (seen >= 0)
			CHECK_EQ(seen, load(memory + LENGTH + i));
	}
}

/* pages that the kernel keeps from itself */
CASE(secret_memory)
{
	int file = syscall(SYS_memfd_secret, O_CLOEXEC);
	long memory, touched;

	if (file < 0)
		SKIP("the kernel has no memfd_secret here (%s); boot it with secretmem.enable=1",
		     strerror(errno));
	become_user();
	CHECK_OK(answer(ftruncate(file, LENGTH)));
	memory = map_file(file, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED);
	fill(memory, LENGTH, 1);
	attach_here(memory, LENGTH);
	touched = on(attacher, do_load, at);
	CHECK_EITHER(touched, GOT_SIGBUS, GOT_SIGSEGV);
	touched = on(attacher, do_store, at + PAGE, 1);
	CHECK_EITHER(touched, GOT_SIGBUS, GOT_SIGSEGV);
	CHECK_EQ(verify(memory, LENGTH, 1), 0);
	map_over(memory, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK_EQ(on(attacher, do_load, at), 0);
}

/* secret memory in the place of ordinary memory, after the attach decided what it maps */
CASE(secret_memory_mapped_over)
{
	int file = syscall(SYS_memfd_secret, O_CLOEXEC);
	long memory, touched;

	if (file < 0)
		SKIP("the kernel has no memfd_secret here (%s); boot it with secretmem.enable=1",
		     strerror(errno));
	become_user();
	CHECK_OK(answer(ftruncate(file, LENGTH)));
	memory = map_anonymous(LENGTH);
	attach_here(memory, LENGTH);
	CHECK_EQ(on(attacher, do_load, at), 0);
	map_over(memory, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	fill(memory, LENGTH, 1);
	touched = on(attacher, do_load, at);
	CHECK_EITHER(touched, GOT_SIGBUS, GOT_SIGSEGV);
}

/* the ROM of the machine, which is memory of a device for the kernel */
static int device_memory(void)
{
	int file = open("/dev/mem", O_RDONLY | O_CLOEXEC);

	if (file < 0)
		SKIP("the memory of devices cannot be mapped here: %s", strerror(errno));
	return file;
}

static long map_device(int file, long place)
{
	void *rom = mmap((void *)place, PAGE, PROT_READ, MAP_SHARED | (place ? MAP_FIXED : 0), file,
			 0xf0000);

	if (rom == MAP_FAILED)
		SKIP("the ROM cannot be mapped here: %s", strerror(errno));
	CHECK_OK(load((long)rom));
	return (long)rom;
}

CASE(device_memory)
{
	int file = device_memory();
	long memory = map_device(file, 0);

	become_user();
	attach_here(memory, PAGE);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
}

CASE(device_memory_mapped_over)
{
	int file = device_memory();
	long memory = map_anonymous(PAGE);

	become_user();
	attach_here(memory, PAGE);
	CHECK_OK(on(attacher, do_store, at, 1));
	map_device(file, memory);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
}

/*
 * a page of a driver that is neither VM_IO nor VM_PFNMAP, mapped with other cache attributes than
 * the module would give it
 */
static int driver(void)
{
	int file = open("/dev/xpmem-importer", O_RDWR | O_CLOEXEC);

	if (file < 0)
		SKIP("the driver of the tests is not loaded: %s", strerror(errno));
	return file;
}

static long map_driver(int file, long attributes, long place)
{
	void *page = mmap((void *)place, PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | (place ? MAP_FIXED : 0), file, attributes * PAGE);

	CHECK(page != MAP_FAILED);
	CHECK_OK(store((long)page, 7));
	return (long)page;
}

CASE(memory_of_a_driver)
{
	int file = driver();

	become_user();
	attach_here(map_driver(file, IMPORTER_CACHED, 0), PAGE);
	CHECK_EQ(on(attacher, do_load, at), 7);
}

static void check_other_attributes(long attributes)
{
	int file = driver();
	long memory;

	become_user();
	attach_here(map_driver(file, attributes, 0), PAGE);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGBUS);
	memory = map_shared(PAGE);
	attach_here(memory, PAGE);
	CHECK_OK(on(attacher, do_store, at, 1));
	map_driver(file, attributes, memory);
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_store, at, 1), GOT_SIGBUS);
	CHECK_EQ(load(memory), 7);
	map_over(memory, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file(PAGE));
	CHECK_EQ(on(attacher, do_load, at), 0);
}

CASE(write_combined_memory)
{
	check_other_attributes(IMPORTER_WRITE_COMBINED);
}

CASE(uncached_memory)
{
	check_other_attributes(IMPORTER_UNCACHED);
}

/* memory of the kernel: the pages behind it are nobody's to share */
CASE(vdso)
{
	char line[256];
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start = 0;

	CHECK(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "[vvar]"))
			CHECK(sscanf(line, "%lx", &start) == 1);
	fclose(maps);
	if (!start)
		SKIP("this kernel maps no vvar page");
	become_user();
	attach_here(start, PAGE);
	CHECK(on(attacher, do_load, at) < 0);
	CHECK(on(attacher, do_store, at, 1) < 0);
}
