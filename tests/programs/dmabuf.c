/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments as dma-bufs, which a driver of the tests maps for a device. A peer has the permit, the
 * dma-buf and the device; the main process exports.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline.h"
#include "device.h"
#include "driver.h"
#include "sweep.h"

#define LENGTH (16 * PAGE)
#define USER 2001

static struct peer *attacher;
static long page, segid, apid, dma_buf;

static long do_close_descriptor(const long *descriptor)
{
	return answer(close(descriptor[0]));
}

/* Does what do_import() does with the device that the main process opened before the fork. */
static long do_import_inherited(const long *descriptor_kind)
{
	struct importer_attach request = { .fd = descriptor_kind[0], .kind = descriptor_kind[1] };

	return answer(ioctl(importer, IMPORTER_ATTACH, &request));
}

static long do_device(const long *command)
{
	return answer(ioctl(importer, command[0], 0));
}

static long do_end_device(const long *none)
{
	(void)none;
	return answer(close(importer));
}

static void export_memory(long memory)
{
	CHECK_OK(device_open());
	page = memory;
	attacher = peer_start();
	segid = CHECK_OK(export_range(page, LENGTH));
	apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR));
}

/* all of it, mapped for a device of the kind */
static void give_to_device(int kind)
{
	dma_buf = CHECK_OK(on(attacher, do_dmabuf, apid, 0, LENGTH));
	CHECK_OK(on(attacher, do_import, dma_buf, kind));
	CHECK_OK(on(attacher, do_device, IMPORTER_MAP));
}

/* pins of user pages that nobody gave back yet, on this machine */
static long pinned(void)
{
	/* each processor's own count included */
	CHECK_OK(write_file("/proc/sys/vm/stat_refresh", "1"));
	return CHECK_OK(read_counter("/proc/vmstat", "nr_foll_pin_acquired")) -
	       CHECK_OK(read_counter("/proc/vmstat", "nr_foll_pin_released"));
}

static void check_same_bytes(long memory, int kind)
{
	long before = pinned(), i, at;

	export_memory(memory);
	fill(page, LENGTH, 1);
	give_to_device(kind);
	CHECK(pinned() - before >= LENGTH / PAGE);
	for (i = 0; i < LENGTH; i += PAGE / 2)
		CHECK_EQ(on(attacher, do_device_load, i), load(page + i));
	CHECK_OK(on(attacher, do_device_store, 3 * PAGE + 8, 77));
	CHECK_EQ(load(page + 3 * PAGE + 8), 77);
	at = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH));
	CHECK_EQ(on(attacher, do_load, at + 3 * PAGE + 8), 77);
	CHECK_OK(on(attacher, do_store, at + 4 * PAGE, 78));
	CHECK_EQ(on(attacher, do_device_load, 4 * PAGE), 78);
	CHECK_EQ(on(attacher, do_device_load, LENGTH), -ERANGE);

	CHECK_OK(on(attacher, do_end_device, 0));
	CHECK(pinned() > before);
	CHECK_OK(on(attacher, do_close_descriptor, dma_buf));
	CHECK_EQ(pinned(), before);
	CHECK_EQ(on(attacher, do_load, at + 4 * PAGE), 78);
}

CASE(private_memory)
{
	check_same_bytes(map_anonymous(LENGTH), IMPORTER_DYNAMIC);
}

CASE(private_memory_and_a_static_driver)
{
	check_same_bytes(map_anonymous(LENGTH), IMPORTER_STATIC);
}

CASE(private_memory_and_a_driver_that_pins)
{
	check_same_bytes(map_anonymous(LENGTH), IMPORTER_PINNED);
}

CASE(private_huge_page)
{
	check_same_bytes(map_huge(2 * MIB), IMPORTER_DYNAMIC);
}

CASE(memory_file_too)
{
	check_same_bytes(map_shared(LENGTH), IMPORTER_DYNAMIC);
}

CASE(private_mapping_of_a_file)
{
	check_same_bytes(map_file(memory_file(LENGTH), LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE),
			 IMPORTER_DYNAMIC);
}

CASE(untouched_memory)
{
	export_memory(map_anonymous(LENGTH));
	give_to_device(IMPORTER_DYNAMIC);
	CHECK_EQ(on(attacher, do_device_load, 5 * PAGE), 0);
	CHECK_OK(on(attacher, do_device_store, 5 * PAGE, 6));
	CHECK_EQ(load(page + 5 * PAGE), 6);
	/* it was a page of the exporter's own */
	CHECK_EQ(load(page + 6 * PAGE), 0);
}

CASE(part_of_a_segment)
{
	export_memory(map_anonymous(LENGTH));
	fill(page, LENGTH, 1);
	dma_buf = CHECK_OK(on(attacher, do_dmabuf, apid, 3 * PAGE, 2 * PAGE));
	CHECK_OK(on(attacher, do_import, dma_buf, IMPORTER_DYNAMIC));
	CHECK_OK(on(attacher, do_device, IMPORTER_MAP));
	CHECK_EQ(on(attacher, do_device_load, PAGE), load(page + 4 * PAGE));
	CHECK_EQ(on(attacher, do_device_load, 2 * PAGE), -ERANGE);
}

/* the exporter and the device go on sharing; the child has what was there at the fork */
CASE(fork_of_the_exporter)
{
	struct peer *child;

	export_memory(map_anonymous(LENGTH));
	fill(page, LENGTH, 1);
	give_to_device(IMPORTER_DYNAMIC);
	CHECK_OK(store(page, 5));
	child = peer_fork();
	CHECK_OK(store(page, 6));
	CHECK_EQ(on(attacher, do_device_load, 0), 6);
	CHECK_OK(on(attacher, do_device_store, PAGE, 7));
	CHECK_EQ(load(page + PAGE), 7);
	CHECK_OK(on(child, do_store, page, 8));
	CHECK_EQ(on(attacher, do_device_load, 0), 6);
}

/* as with all that is pinned: the device stays with what it was given */
CASE(exporter_maps_anew)
{
	export_memory(map_anonymous(LENGTH));
	CHECK_OK(store(page, 5));
	give_to_device(IMPORTER_DYNAMIC);
	map_over(page, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK_OK(store(page, 6));
	CHECK_EQ(on(attacher, do_device_load, 0), 5);
	CHECK_OK(on(attacher, do_device_store, 0, 7));
	CHECK_EQ(load(page), 6);
}

CASE(arguments)
{
	long foreign;

	export_memory(map_anonymous(LENGTH));
	CHECK_EQ(on(attacher, do_dmabuf, apid, 1, PAGE), -EINVAL);
	CHECK_EQ(on(attacher, do_dmabuf, apid, 0, PAGE + 1), -EINVAL);
	CHECK_EQ(on(attacher, do_dmabuf, apid, 0, 0), -EINVAL);
	CHECK_EQ(on(attacher, do_dmabuf, apid, PAGE, LENGTH), -EINVAL);
	CHECK_EQ(on(attacher, do_dmabuf, apid, -PAGE, 2 * PAGE), -EINVAL);
	CHECK_EQ(on(attacher, do_dmabuf, 0x123456789abcdef, 0, PAGE), -ENOENT);
	CHECK_EQ(on(attacher, do_dmabuf, segid, 0, PAGE), -ENOENT);
	foreign = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(on(attacher, do_dmabuf, foreign, 0, PAGE), -EACCES);
	CHECK_OK(DMABUF(.apid = foreign, .length = PAGE));
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(on(attacher, do_dmabuf, apid, 0, PAGE), -ENOENT);
}

/* devices cannot be held to reading */
CASE(read_only_permit)
{
	export_memory(map_anonymous(LENGTH));
	apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDONLY));
	CHECK_EQ(on(attacher, do_dmabuf, apid, 0, PAGE), -EACCES);
}

CASE(close_on_exec)
{
	export_memory(map_anonymous(LENGTH));
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK(fcntl(CHECK_OK(DMABUF(.apid = apid, .length = PAGE)), F_GETFD) & FD_CLOEXEC);
}

CASE(too_many_descriptors)
{
	struct rlimit none = { .rlim_cur = 0, .rlim_max = 1024 };
	long before = pinned();

	export_memory(map_anonymous(LENGTH));
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_OK(answer(setrlimit(RLIMIT_NOFILE, &none)));
	CHECK_EQ(DMABUF(.apid = apid, .length = PAGE), -EMFILE);
	none.rlim_cur = 1024;
	CHECK_OK(answer(setrlimit(RLIMIT_NOFILE, &none)));
	CHECK_EQ(pinned(), before);
}

/* nothing stays pinned of what came before */
CASE(no_memory_there)
{
	long before = pinned();

	export_memory(map_anonymous(LENGTH));
	protect(page + 2 * PAGE, PAGE, PROT_READ);
	protect(page + 4 * PAGE, PAGE, PROT_NONE);
	unmap(page + 6 * PAGE, PAGE);
	map_over(page + 8 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory_file(0));
	CHECK_EQ(on(attacher, do_dmabuf, apid, 0, 3 * PAGE), -EFAULT);
	CHECK_EQ(on(attacher, do_dmabuf, apid, 3 * PAGE, 2 * PAGE), -EFAULT);
	CHECK_EQ(on(attacher, do_dmabuf, apid, 5 * PAGE, 2 * PAGE), -EFAULT);
	CHECK_EQ(on(attacher, do_dmabuf, apid, 7 * PAGE, 2 * PAGE), -EFAULT);
	CHECK_EQ(pinned(), before);
	CHECK_OK(on(attacher, do_dmabuf, apid, 0, 2 * PAGE));
}

/* what is attached cannot be given on */
CASE(attachment_in_the_segment)
{
	long inner, outer;

	export_memory(map_anonymous(LENGTH));
	inner = CHECK_OK(on(attacher, do_attach, apid, 0, LENGTH));
	outer = CHECK_OK(on(attacher, do_export, inner, LENGTH));
	apid = CHECK_OK(GET(.segid = outer, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(DMABUF(.apid = apid, .length = PAGE), -EFAULT);
}

static long do_limit_locked(const long *bytes)
{
	struct rlimit limit = { .rlim_cur = bytes[0], .rlim_max = bytes[0] };

	return answer(setrlimit(RLIMIT_MEMLOCK, &limit));
}

/* of the user, in all processes, until the pages are given back */
CASE(limit_of_locked_memory)
{
	struct peer *other;
	long first, second, theirs;

	CHECK_OK(here(do_limit_locked, 24 * PAGE));
	CHECK_OK(here(do_become, USER, USER, 0));
	export_memory(map_anonymous(LENGTH));
	first = CHECK_OK(on(attacher, do_dmabuf, apid, 0, 12 * PAGE));
	CHECK_EQ(on(attacher, do_dmabuf, apid, 0, 12 * PAGE), -EDQUOT);
	other = peer_start();
	theirs = CHECK_OK(on(other, do_get, segid, XPMEM_GET_RDWR));
	CHECK_EQ(on(other, do_dmabuf, theirs, 0, 12 * PAGE), -EDQUOT);
	CHECK_OK(on(other, do_dmabuf, theirs, 0, PAGE));
	CHECK_OK(on(attacher, do_close_descriptor, first));
	second = CHECK_OK(on(attacher, do_dmabuf, apid, 0, 12 * PAGE));
	CHECK(second >= 0);
	/* what has ended is not pinned any more, though its descriptor is open */
	CHECK_OK(on(attacher, do_release, apid));
	apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR));
	CHECK_OK(on(attacher, do_dmabuf, apid, 0, 12 * PAGE));
	peer_end(attacher, SIGKILL);
	CHECK_OK(on(other, do_dmabuf, theirs, 0, 12 * PAGE));
}

/* more than any machine has */
CASE(more_than_there_is)
{
	export_memory(map_anonymous(LENGTH));
	segid = CHECK_OK(MAKE(.vaddr = 0, .length = 1L << 46, .mode = 0600));
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(DMABUF(.apid = apid, .length = 1L << 46), -ENOMEM);
}

static void check_no_device_gets_it(void)
{
	int kind;

	for (kind = IMPORTER_STATIC; kind <= IMPORTER_PINNED; kind++) {
		long result = on(attacher, do_import, dma_buf, kind);

		if (!result)
			result = on(attacher, do_device, IMPORTER_MAP);
		CHECK_EQ(result, -ENODEV);
		CHECK_OK(on(attacher, do_end_device, 0));
	}
}

static long map_for_device(void)
{
	return here(do_device, IMPORTER_MAP);
}

static void unmap_for_device(long result)
{
	(void)result;
	CHECK_OK(here(do_device, IMPORTER_UNMAP));
}

/* every allocation of it fails in turn */
CASE(mapped_while_memory_is_short)
{
	sweep_prepare();
	export_memory(map_anonymous(LENGTH));
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_OK(here(do_import, CHECK_OK(DMABUF(.apid = apid, .length = LENGTH)),
		      IMPORTER_DYNAMIC));
	sweep(&(struct sweep){ .attempt = map_for_device, .undo = unmap_for_device });
}

/*
 * A driver that has it mapped, and was not told, keeps the pages, which are nobody else's till it
 * lets go.
 */
static void check_kept(long before)
{
	CHECK_EQ(on(attacher, do_device_load, 0), 5);
	CHECK(pinned() > before);
	CHECK_OK(on(attacher, do_device, IMPORTER_UNMAP));
	CHECK_EQ(pinned(), before);
	CHECK_EQ(on(attacher, do_device_load, 0), -ENXIO);
	CHECK_EQ(on(attacher, do_device, IMPORTER_NOTICES), 0);
}

static void check_removed(int kind)
{
	long before = pinned();

	export_memory(map_anonymous(LENGTH));
	CHECK_OK(store(page, 5));
	give_to_device(kind);
	CHECK_OK(REMOVE(.segid = segid));
	if (kind == IMPORTER_DYNAMIC && on(attacher, do_device, IMPORTER_NOTICES) == 1) {
		CHECK_EQ(on(attacher, do_device_load, 0), -ENXIO);
		CHECK_EQ(pinned(), before);
		CHECK_EQ(on(attacher, do_device, IMPORTER_MAP), -ENODEV);
	} else {
		/* without CONFIG_DMABUF_MOVE_NOTIFY the kernel pins for a dynamic driver as well */
		check_kept(before);
	}
	CHECK_OK(on(attacher, do_end_device, 0));
	check_no_device_gets_it();
}

CASE(segment_removed)
{
	check_removed(IMPORTER_DYNAMIC);
}

CASE(segment_removed_under_a_static_driver)
{
	long before = pinned();

	export_memory(map_anonymous(LENGTH));
	CHECK_OK(store(page, 5));
	give_to_device(IMPORTER_STATIC);
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(on(attacher, do_device_load, 0), 5);
	CHECK(pinned() > before);
	CHECK_OK(on(attacher, do_end_device, 0));
	CHECK_EQ(pinned(), before);
	check_no_device_gets_it();
}

CASE(segment_removed_under_a_driver_that_pins)
{
	check_removed(IMPORTER_PINNED);
}

/* a dynamic driver that has nothing mapped is told by any kernel */
CASE(segment_removed_and_nothing_mapped)
{
	long before = pinned();

	export_memory(map_anonymous(LENGTH));
	dma_buf = CHECK_OK(on(attacher, do_dmabuf, apid, 0, LENGTH));
	CHECK_OK(on(attacher, do_import, dma_buf, IMPORTER_DYNAMIC));
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(pinned(), before);
	CHECK_EQ(on(attacher, do_device, IMPORTER_NOTICES), 1);
	CHECK_EQ(on(attacher, do_device, IMPORTER_MAP), -ENODEV);
	CHECK_OK(on(attacher, do_end_device, 0));
	check_no_device_gets_it();
}

CASE(permit_released)
{
	long other, kept, before = pinned();

	export_memory(map_anonymous(LENGTH));
	dma_buf = CHECK_OK(on(attacher, do_dmabuf, apid, 0, LENGTH));
	other = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR));
	kept = CHECK_OK(on(attacher, do_dmabuf, other, 0, PAGE));
	CHECK_OK(on(attacher, do_release, apid));
	check_no_device_gets_it();
	CHECK(pinned() > before);
	/* that of another permit for the same segment goes on */
	CHECK_OK(on(attacher, do_import, kept, IMPORTER_DYNAMIC));
	CHECK_OK(on(attacher, do_device, IMPORTER_MAP));
	CHECK_OK(on(attacher, do_device_store, 0, 5));
	CHECK_EQ(load(page), 5);
}

CASE(exporter_ends)
{
	struct peer *exporter;
	long memory;

	CHECK_OK(device_open());
	exporter = peer_start();
	attacher = peer_start();
	memory = CHECK_OK(on(exporter, do_map, LENGTH));
	CHECK_OK(on(exporter, do_store, memory, 5));
	apid = CHECK_OK(on(attacher, do_get, CHECK_OK(on(exporter, do_export, memory, LENGTH)),
			   XPMEM_GET_RDWR));
	give_to_device(IMPORTER_PINNED);
	peer_end(exporter, SIGKILL);
	CHECK_EQ(on(attacher, do_device_load, 0), 5);
	CHECK_EQ(on(attacher, do_dmabuf, apid, 0, PAGE), -ENOENT);
	CHECK_OK(on(attacher, do_end_device, 0));
	/* a worker of the module follows the end up */
	while (!on(attacher, do_import, dma_buf, IMPORTER_PINNED)) {
		CHECK_OK(on(attacher, do_end_device, 0));
		usleep(1000);
	}
	check_no_device_gets_it();
}

struct ending {
	unsigned long number;		/* XPMEM_IOC_REMOVE or XPMEM_IOC_RELEASE */
	long id;
};

static void *end_object(void *argument)
{
	const struct ending *ending = argument;
	struct xpmem_ioc_remove request = SIZED(xpmem_ioc_remove, .segid = ending->id);
	/* A close of the first open file would wait for this call. */
	int other = CHECK_OK(answer(open("/dev/xpmem", O_RDWR | O_CLOEXEC)));

	_Static_assert(sizeof(struct xpmem_ioc_release) == sizeof(request), "the two are alike");
	ioctl(other, ending->number, &request);
	return NULL;
}

/* A thread ends a segment or permit, which a driver holds up. Meanwhile, this task closes. */
static long do_close_amid_end(const long *number_id)
{
	struct ending ending = { .number = number_id[0], .id = number_id[1] };
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, end_object, &ending), 0);
	while (!ioctl(importer, IMPORTER_NOTICES, 0))
		usleep(1000);
	return do_close(NULL);
}

/* Returns the seconds of processor time that a process has used. */
static double processor_time(pid_t pid)
{
	unsigned long user, system;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	CHECK(file);
	CHECK_EQ(fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			&user, &system), 2);
	fclose(file);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void await_close(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, device);
	while (!access(path, F_OK))
		usleep(1000);
	CHECK(falls_asleep(pid, DEATH_LIMIT));
}

/* A killed task that closes the device leaves the processor to the task that it waits for. */
static void kill_amid_end(struct peer *closer, unsigned long number, long id)
{
	double begun, used, passed;
	int status;

	CHECK_OK(answer(ioctl(importer, IMPORTER_HOLD_ON, 0)));
	dma_buf = CHECK_OK(on(attacher, do_dmabuf, apid, 0, LENGTH));
	CHECK_OK(on(attacher, do_import_inherited, dma_buf, IMPORTER_DYNAMIC));
	peer_tell(closer, do_close_amid_end, ARGUMENTS((long)number, id));
	await_close(peer_pid(closer));
	CHECK_OK(answer(kill(peer_pid(closer), SIGKILL)));
	begun = now();
	used = processor_time(peer_pid(closer));
	sleep(1);
	CHECK_EQ(waitpid(peer_pid(closer), &status, WNOHANG), 0);
	used = processor_time(peer_pid(closer)) - used;
	passed = now() - begun;
	CHECK_OK(answer(ioctl(importer, IMPORTER_LET_GO, 0)));
	peer_end(closer, SIGKILL);
	if (used > passed / 2)
		FAIL("a killed task took the processor for %.2f s of %.2f", used, passed);
}

static void open_importer(void)
{
	CHECK_OK(importer_open());
}

/* A driver that waits for its device holds up the end of one segment, and of no other. */
CASE(slow_driver_of_another_segment)
{
	struct peer *other;
	long theirs;

	open_importer();
	export_memory(map_anonymous(LENGTH));
	CHECK_OK(answer(ioctl(importer, IMPORTER_HOLD_ON, 0)));
	dma_buf = CHECK_OK(on(attacher, do_dmabuf, apid, 0, LENGTH));
	CHECK_OK(on(attacher, do_import_inherited, dma_buf, IMPORTER_DYNAMIC));
	peer_tell(attacher, do_release, ARGUMENTS(apid));
	while (!ioctl(importer, IMPORTER_NOTICES, 0))
		usleep(1000);

	other = peer_start();
	theirs = CHECK_OK(on(other, do_get, export_range(page, LENGTH), XPMEM_GET_RDWR));
	dma_buf = CHECK_OK(on(other, do_dmabuf, theirs, 0, LENGTH));
	CHECK_OK(on(other, do_release, theirs));
	CHECK_OK(on(other, do_close_descriptor, dma_buf));
	CHECK_OK(answer(ioctl(importer, IMPORTER_LET_GO, 0)));
	CHECK_OK(peer_answer(attacher));
}

CASE(killed_amid_the_end_of_a_permit)
{
	open_importer();
	export_memory(map_anonymous(LENGTH));
	kill_amid_end(attacher, XPMEM_IOC_RELEASE, apid);
}

CASE(killed_amid_the_end_of_a_segment)
{
	struct peer *exporter;

	open_importer();
	page = map_anonymous(LENGTH);
	CHECK_OK(device_open());
	exporter = peer_start();
	attacher = peer_start();
	segid = CHECK_OK(on(exporter, do_export, page, LENGTH));
	apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR));
	kill_amid_end(exporter, XPMEM_IOC_REMOVE, segid);
}

/* A process that was sent the descriptor has no access once the maker is gone. */
CASE(maker_ends)
{
	long before = pinned(), memory;
	struct peer *exporter;

	CHECK_OK(device_open());
	exporter = peer_start();
	attacher = peer_start();
	memory = CHECK_OK(on(exporter, do_map, LENGTH));
	apid = CHECK_OK(GET(.segid = CHECK_OK(on(exporter, do_export, memory, LENGTH)),
			    .flags = XPMEM_GET_RDWR));
	peer_send_descriptor(attacher, CHECK_OK(DMABUF(.apid = apid, .length = LENGTH)));
	dma_buf = CHECK_OK(on(attacher, do_receive_descriptor, 0));
	CHECK_OK(on(attacher, do_import, dma_buf, IMPORTER_DYNAMIC));
	CHECK_OK(on(attacher, do_device, IMPORTER_MAP));
	CHECK_OK(on(attacher, do_end_device, 0));
	CHECK_OK(here(do_close, 0));
	check_no_device_gets_it();
	CHECK_EQ(pinned(), before);
}
