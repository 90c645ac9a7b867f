/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each operation with each of its allocations and user copies failing in turn: it is refused with
 * the right error, changes nothing, and works when it is tried again.
 */
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "sweep.h"

#define LENGTH (4 * PAGE)
#define WINDOW (2 * MIB)
#define WINDOWS 240	/* of 2 MiB, of which each fault takes a new one */

/* --- memory of a peer, and objects of this process --- */

static struct peer *exporter;
static long source, segid, apid, at;

static void start(void)
{
	sweep_prepare();
	CHECK_OK(device_open());
	exporter = peer_start();
	source = CHECK_OK(on(exporter, do_map, LENGTH));
	CHECK_OK(on(exporter, do_fill, source, LENGTH, 1));
	segid = CHECK_OK(on(exporter, do_export, source, LENGTH));
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
}

static long mappings(void)
{
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");
	long count = 0;

	CHECK(maps);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "[xpmem]") != NULL;
	fclose(maps);
	return count;
}

static void nothing_is_mapped(void)
{
	CHECK_EQ(mappings(), 0);
}

static long attempt_open(void)
{
	return answer(open("/dev/xpmem", O_RDWR | O_CLOEXEC));
}

static void undo_open(long descriptor)
{
	close(descriptor);
}

CASE(open)
{
	start();
	sweep(&(struct sweep){ .attempt = attempt_open, .undo = undo_open });
}

static long attempt_query(void)
{
	return QUERY((&SIZED(xpmem_ioc_query, .flags = 0)));
}

CASE(query)
{
	start();
	sweep(&(struct sweep){ .attempt = attempt_query });
}

/* The first segment of a process makes its exporter. */
static void in_a_new_space(void)
{
	static long page;

	if (!page)
		page = map_anonymous(PAGE);
	at = page;
}

static long attempt_make(void)
{
	return MAKE(.vaddr = at, .length = PAGE, .mode = 0600, .name = "swept");
}

static void undo_make(long id)
{
	CHECK_OK(REMOVE(.segid = id));
}

CASE(make)
{
	start();
	sweep(&(struct sweep){
		.prepare = in_a_new_space, .attempt = attempt_make, .undo = undo_make });
}

static void make_one(void)
{
	in_a_new_space();
	segid = CHECK_OK(attempt_make());
}

static long attempt_remove(void)
{
	return REMOVE(.segid = segid);
}

CASE(remove)
{
	start();
	sweep(&(struct sweep){ .prepare = make_one, .attempt = attempt_remove });
}

static long attempt_get(void)
{
	return GET(.segid = segid, .flags = XPMEM_GET_RDWR);
}

static void undo_get(long id)
{
	CHECK_OK(RELEASE(.apid = id));
}

CASE(get)
{
	start();
	sweep(&(struct sweep){ .attempt = attempt_get, .undo = undo_get });
}

static int descriptor;

static long attempt_get_fd(void)
{
	return GET(.fd = descriptor, .flags = XPMEM_GET_RDWR | XPMEM_GET_FD);
}

static long attempt_segment_fd(void)
{
	return SEGMENT_FD(.segid = segid, .flags = XPMEM_GET_RDWR);
}

static void undo_descriptor(long number)
{
	close(number);
}

CASE(segment_fd)
{
	start();
	make_one();
	sweep(&(struct sweep){ .attempt = attempt_segment_fd, .undo = undo_descriptor });
	descriptor = CHECK_OK(attempt_segment_fd());
	sweep(&(struct sweep){ .attempt = attempt_get_fd, .undo = undo_get });
}

static long attempt_dmabuf(void)
{
	return DMABUF(.apid = apid, .length = PAGE);
}

CASE(dmabuf)
{
	start();
	if (!device_has(XPMEM_FEATURE_DMABUF))
		SKIP("this kernel has no dma-bufs");
	sweep(&(struct sweep){ .attempt = attempt_dmabuf, .undo = undo_descriptor });
}

static long attempt_attach(void)
{
	return ATTACH(.apid = apid, .length = LENGTH);
}

static void undo_attach(long address)
{
	CHECK_EQ(verify(address, LENGTH, 1), 0);
	CHECK_OK(DETACH(.vaddr = address));
	nothing_is_mapped();
}

CASE(attach)
{
	start();
	sweep(&(struct sweep){
		.attempt = attempt_attach, .undo = undo_attach, .unchanged = nothing_is_mapped });
}

/* a populated attachment never fails for want of memory: what is not mapped is faulted later */
static long attempt_attach_populated(void)
{
	return ATTACH(.apid = apid, .length = LENGTH, .flags = XPMEM_ATTACH_POPULATE);
}

CASE(attach_populated)
{
	start();
	sweep(&(struct sweep){ .attempt = attempt_attach_populated,
			       .undo = undo_attach,
			       .unchanged = nothing_is_mapped });
}

/* private, shared and private pages: three mappings in one attachment */
static long do_map_mixed(const long *none)
{
	int file = memory_file(PAGE);
	long start = map_anonymous(LENGTH);

	(void)none;
	map_over(start + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file);
	fill(start, LENGTH, 1);
	return start;
}

CASE(attach_mixed)
{
	start();
	source = CHECK_OK(on(exporter, do_map_mixed, 0));
	apid = CHECK_OK(GET(.segid = CHECK_OK(on(exporter, do_export, source, LENGTH)),
			    .flags = XPMEM_GET_RDWR));
	at = CHECK_OK(attempt_attach());
	CHECK_EQ(mappings(), 3);
	CHECK_OK(DETACH(.vaddr = at));
	sweep(&(struct sweep){
		.attempt = attempt_attach, .undo = undo_attach, .unchanged = nothing_is_mapped });
}

static long place;

static long attempt_attach_fixed(void)
{
	return ATTACH(.apid = apid, .length = LENGTH, .vaddr = place, .flags = XPMEM_ATTACH_FIXED);
}

CASE(attach_fixed)
{
	start();
	place = map_anonymous(LENGTH);
	unmap(place, LENGTH);
	sweep(&(struct sweep){ .attempt = attempt_attach_fixed,
			       .undo = undo_attach,
			       .unchanged = nothing_is_mapped });
}

static void attach_one(void)
{
	at = CHECK_OK(attempt_attach());
	CHECK_EQ(verify(at, LENGTH, 1), 0);
}

static void still_attached(void)
{
	CHECK_EQ(verify(at, LENGTH, 1), 0);
	CHECK_OK(store(at, load(at)));
}

static void undo_attach_one(long result)
{
	(void)result;
	still_attached();
	CHECK_OK(DETACH(.vaddr = at));
	nothing_is_mapped();
}

static long attempt_detach(void)
{
	return DETACH(.vaddr = at);
}

static void is_detached(long result)
{
	(void)result;
	nothing_is_mapped();
	CHECK_EQ(load(at), GOT_SIGSEGV);
}

CASE(detach)
{
	start();
	sweep(&(struct sweep){ .prepare = attach_one,
			       .attempt = attempt_detach,
			       .undo = is_detached,
			       .unchanged = still_attached });
}

/* The right ends even where memory is short; the mapping may then stay, without anything in it. */
static void get_and_attach(void)
{
	apid = CHECK_OK(attempt_get());
	attach_one();
}

static long attempt_release(void)
{
	return RELEASE(.apid = apid);
}

static void is_released(long result)
{
	(void)result;
	CHECK_EITHER(load(at), GOT_SIGSEGV, GOT_SIGBUS);
	munmap((void *)at, LENGTH);
	CHECK_EQ(attempt_release(), -ENOENT);
}

CASE(release)
{
	start();
	sweep(&(struct sweep){ .prepare = get_and_attach,
			       .attempt = attempt_release,
			       .undo = is_released,
			       .unchanged = still_attached });
}

static long unmap_middle(void)
{
	return answer(munmap((void *)(at + PAGE), PAGE));
}

static void middle_is_unmapped(long result)
{
	(void)result;
	CHECK_EQ(load(at + PAGE), GOT_SIGSEGV);
	CHECK_EQ(verify(at, PAGE, 1), 0);
	CHECK_OK(load(at + 2 * PAGE));
	CHECK_OK(DETACH(.vaddr = at));
	nothing_is_mapped();
}

CASE(unmap_a_part)
{
	start();
	sweep(&(struct sweep){ .prepare = attach_one,
			       .attempt = unmap_middle,
			       .undo = middle_is_unmapped,
			       .unchanged = still_attached });
}

static long protect_middle(void)
{
	return answer(mprotect((void *)(at + PAGE), PAGE, PROT_NONE));
}

static void middle_is_protected(long result)
{
	(void)result;
	CHECK_EQ(load(at + PAGE), GOT_SIGSEGV);
	protect(at + PAGE, PAGE, PROT_READ | PROT_WRITE);
	undo_attach_one(0);
}

CASE(protect_a_part)
{
	start();
	sweep(&(struct sweep){ .prepare = attach_one,
			       .attempt = protect_middle,
			       .undo = middle_is_protected,
			       .unchanged = still_attached });
}

static long move_all(void)
{
	return answer((long)mremap((void *)at, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED,
				   (void *)place));
}

static void is_moved(long address)
{
	CHECK_EQ(address, place);
	/* where memory is short, mremap leaves the old mapping behind, empty */
	unmap(at, LENGTH);
	at = place;
	undo_attach_one(0);
}

static void attach_beside_place(void)
{
	if (place)
		map_over(place, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	else
		place = map_anonymous(LENGTH);
	attach_one();
}

CASE(move)
{
	start();
	sweep(&(struct sweep){ .prepare = attach_beside_place,
			       .attempt = move_all,
			       .undo = is_moved,
			       .unchanged = still_attached });
}

/* --- the historical calls --- */

static long legacy_make(void)
{
	struct xpmem_cmd_make make = {
		.vaddr = at, .size = PAGE, .permit_type = 1, .permit_value = 0600
	};
	long result = device_call(XPMEM_CMD_MAKE, &make);

	return result ? result : make.segid;
}

static long legacy_get(void)
{
	struct xpmem_cmd_get get = { .segid = segid, .flags = 2, .permit_type = 1 };
	long result = device_call(XPMEM_CMD_GET, &get);

	return result ? result : get.apid;
}

static long legacy_attach(void)
{
	struct xpmem_cmd_attach attach = { .apid = apid, .size = LENGTH };
	long result = device_call(XPMEM_CMD_ATTACH, &attach);

	return result ? result : (long)attach.vaddr;
}

static long legacy_detach(void)
{
	struct xpmem_cmd_detach detach = { .vaddr = at };

	return device_call(XPMEM_CMD_DETACH, &detach);
}

CASE(legacy)
{
	start();
	sweep(&(struct sweep){ .attempt = legacy_get, .undo = undo_get });
	sweep(&(struct sweep){
		.attempt = legacy_attach, .undo = undo_attach, .unchanged = nothing_is_mapped });
	sweep(&(struct sweep){ .prepare = attach_one,
			       .attempt = legacy_detach,
			       .undo = is_detached,
			       .unchanged = still_attached });
	sweep(&(struct sweep){
		.prepare = in_a_new_space, .attempt = legacy_make, .undo = undo_make });
}

/* --- faults: each attempt in a window of its own, of an attachment of its own --- */

static long memory, whole;

static void export_windows(operation *map)
{
	start();
	CHECK_OK(RELEASE(.apid = apid));
	memory = CHECK_OK(on(exporter, map, WINDOWS * WINDOW));
	whole = CHECK_OK(on(exporter, do_export, memory, WINDOWS * WINDOW));
	apid = CHECK_OK(GET(.segid = whole, .flags = XPMEM_GET_RDWR));
}

static void attach_window(void)
{
	static int used;

	CHECK(++used < WINDOWS);
	source = (memory + WINDOW - 1) / WINDOW * WINDOW + (used - 1) * WINDOW;
	at = CHECK_OK(ATTACH(.apid = apid, .offset = source - memory, .length = LENGTH));
}

static void attach_present_window(void)
{
	attach_window();
	CHECK_OK(on(exporter, do_fill, source, LENGTH, 1));
}

static long attempt_load(void)
{
	return load(at) < 0 ? -EFAULT : 0;
}

static long attempt_store(void)
{
	return store(at, 7) < 0 ? -EFAULT : 0;
}

static int scratch;

/* through a system call a failure is not retried: it is EFAULT */
static long attempt_copy(void)
{
	return answer(pwrite(scratch, (void *)at, 8, 0));
}

static void undo_load(long result)
{
	(void)result;
	CHECK_EQ(load(at), on(exporter, do_load, source));
	CHECK_OK(DETACH(.vaddr = at));
}

static void undo_store(long result)
{
	(void)result;
	CHECK_EQ(on(exporter, do_load, source), 7);
	undo_load(0);
}

static void sweep_faults(operation *map)
{
	scratch = memory_file(PAGE);
	CHECK_EQ(pwrite(scratch, "here", 5, 0), 5);
	export_windows(map);
	sweep(&(struct sweep){
		.prepare = attach_window, .attempt = attempt_load, .undo = undo_load });
	sweep(&(struct sweep){
		.prepare = attach_present_window, .attempt = attempt_load, .undo = undo_load });
	CHECK_OK(on(exporter, do_advise, memory, WINDOWS * WINDOW, MADV_DONTNEED));
	sweep(&(struct sweep){
		.prepare = attach_window, .attempt = attempt_store, .undo = undo_store });
	sweep(&(struct sweep){
		.prepare = attach_present_window, .attempt = attempt_store, .undo = undo_store });
	sweep(&(struct sweep){
		.prepare = attach_present_window, .attempt = attempt_copy, .undo = undo_load });
}

CASE(fault_private)
{
	sweep_faults(do_map);
}

static long do_map_shared(const long *length)
{
	return map_shared(length[0]);
}

CASE(fault_shared)
{
	sweep_faults(do_map_shared);
}

static long do_map_huge(const long *length)
{
	return map_huge(length[0]);
}

CASE(fault_huge)
{
	if (!kernel_has_huge_pages())
		SKIP("this kernel has no transparent huge pages");
	sweep_faults(do_map_huge);
}

/*
 * read first, so that the store finds an entry that is read-only: the exporter's page is the zero
 * page
 */
static void attach_and_load(void)
{
	attach_window();
	CHECK_EQ(load(at), 0);
}

CASE(fault_upgrade)
{
	export_windows(do_map);
	sweep(&(struct sweep){
		.prepare = attach_and_load, .attempt = attempt_store, .undo = undo_store });
}

static long attempt_populate(void)
{
	return ATTACH(.apid = apid, .offset = source - memory, .length = WINDOW,
		      .flags = XPMEM_ATTACH_POPULATE);
}

static void next_present_window(void)
{
	attach_present_window();
	CHECK_OK(DETACH(.vaddr = at));
}

static void undo_populate(long address)
{
	CHECK_EQ(verify(address, LENGTH, 1), 0);
	CHECK_OK(DETACH(.vaddr = address));
	nothing_is_mapped();
}

CASE(populate)
{
	export_windows(do_map);
	sweep(&(struct sweep){ .prepare = next_present_window,
			       .attempt = attempt_populate,
			       .undo = undo_populate,
			       .unchanged = nothing_is_mapped });
}

/* --- netlink --- */

/* a socket that could not be made, or a reply that could not be queued */
static long in_one_word(long result)
{
	return result == -ENFILE || result == -ENOBUFS || result == -EAGAIN ? -ENOMEM : result;
}

static long attempt_info(void)
{
	return in_one_word(sweep_request(0, XPMEM_NL_CMD_INFO_GET, 0, NULL, 0));
}

static long attempt_segment_get(void)
{
	return in_one_word(sweep_request(0, XPMEM_NL_CMD_SEGMENT_GET, XPMEM_A_SEGMENT_ID, &segid,
					 sizeof(segid)));
}

static long attempt_dump(void)
{
	return in_one_word(sweep_request(NLM_F_DUMP, XPMEM_NL_CMD_SEGMENT_GET, 0, NULL, 0));
}

static long attempt_stats(void)
{
	return in_one_word(sweep_request(0, XPMEM_NL_CMD_STATS_GET, 0, NULL, 0));
}

static long attempt_dump_of_one(void)
{
	return in_one_word(sweep_request(NLM_F_DUMP, XPMEM_NL_CMD_PERMIT_GET,
					 XPMEM_A_PERMIT_SEGMENT_ID, &segid, sizeof(segid)));
}

CASE(netlink)
{
	start();
	sweep(&(struct sweep){ .attempt = attempt_stats });
	sweep(&(struct sweep){ .attempt = attempt_dump_of_one });
	sweep(&(struct sweep){ .attempt = attempt_info });
	sweep(&(struct sweep){ .attempt = attempt_segment_get });
	sweep(&(struct sweep){ .attempt = attempt_dump });
}
