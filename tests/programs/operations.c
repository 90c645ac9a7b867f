/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every ioctl: what it gives when used well, and the exact error of each wrong argument. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "device.h"

#define UNKNOWN_ID 0x123456789abcdefL
#define LENGTH (4 * PAGE)

static struct xpmem_ioc_query query(void)
{
	struct xpmem_ioc_query query = { .size = sizeof(query) };

	CHECK_OK(QUERY(&query));
	return query;
}

CASE(query)
{
	struct xpmem_ioc_query answer;

	CHECK_OK(device_open());
	answer = query();
	CHECK_EQ(answer.abi_version, XPMEM_ABI_VERSION);
	CHECK_EQ(answer.module_version, device_call(XPMEM_CMD_VERSION, NULL));
	CHECK_EQ(answer.page_size, sysconf(_SC_PAGESIZE));
	CHECK(answer.features & XPMEM_FEATURE_LEGACY);
	CHECK(answer.features & XPMEM_FEATURE_NETLINK);
	CHECK(answer.features & XPMEM_FEATURE_SEGMENT_FD);
	CHECK(answer.features & XPMEM_FEATURE_POPULATE);
	CHECK(answer.features & XPMEM_FEATURE_SHARED_GUP);
	CHECK(answer.features & XPMEM_FEATURE_WAIT);
	CHECK(answer.features & XPMEM_FEATURE_NO_GUP);
	CHECK(answer.features & XPMEM_FEATURE_CLOSE_WORD);
	CHECK_EQ(answer.features & ~(2ULL * XPMEM_FEATURE_PINNABLE - 1), 0);
	CHECK_EQ(answer.mode_mask & ~0777, 0);
	CHECK(answer.address_limit > (uint64_t)&answer);
	CHECK_EQ(answer.address_limit % PAGE, 0);
	CHECK_EQ(QUERY(&((struct xpmem_ioc_query){ .size = sizeof(answer), .flags = 1 })), -EINVAL);
}

CASE(make)
{
	long page, segid;

	CHECK_OK(device_open());
	page = map_anonymous(LENGTH);
	segid = CHECK_OK(MAKE(.vaddr = page, .length = LENGTH, .mode = 0600));
	CHECK(CHECK_OK(MAKE(.vaddr = page, .length = LENGTH, .mode = 0600)) != segid);
	CHECK_OK(MAKE(.vaddr = page, .length = PAGE, .mode = 0));
	CHECK_OK(MAKE(.vaddr = page, .length = PAGE, .mode = 0777, .name = "with a name"));
	CHECK_OK(MAKE(.vaddr = page, .length = PAGE, .mode = 0600, .flags = XPMEM_MAKE_RDONLY));
	CHECK_OK(MAKE(.vaddr = page, .length = XPMEM_LENGTH_MAX, .mode = 0600));
	CHECK_OK(MAKE(.vaddr = 0, .length = XPMEM_LENGTH_MAX, .mode = 0600));
	CHECK_OK(MAKE(.vaddr = 0, .length = query().address_limit, .mode = 0600));
	CHECK_OK(MAKE(.vaddr = query().address_limit - PAGE, .length = PAGE, .mode = 0600));
}

CASE(make_misaligned)
{
	long page;

	CHECK_OK(device_open());
	page = map_anonymous(LENGTH);
	CHECK_EQ(MAKE(.vaddr = page + 1, .length = PAGE, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = page + PAGE / 2, .length = PAGE, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = page, .length = PAGE + 1, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = page, .length = PAGE - 1, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = page, .length = 0, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = page + 1, .length = XPMEM_LENGTH_MAX, .mode = 0600), -EINVAL);
}

CASE(make_overflow)
{
	uint64_t limit;

	CHECK_OK(device_open());
	limit = query().address_limit;
	CHECK_EQ(MAKE(.vaddr = 0, .length = limit + PAGE, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = PAGE, .length = limit, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = limit, .length = PAGE, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = limit, .length = XPMEM_LENGTH_MAX, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = -PAGE, .length = 2 * PAGE, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = -PAGE, .length = PAGE, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = -PAGE, .length = XPMEM_LENGTH_MAX, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = 16 * PAGE, .length = -8 * PAGE, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = 8 * PAGE, .length = -8 * PAGE, .mode = 0600), -EINVAL);
	CHECK_EQ(MAKE(.vaddr = PAGE, .length = 1UL << 63, .mode = 0600), -EINVAL);
}

CASE(make_mode)
{
	long page;
	int bit;

	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	for (bit = 9; bit < 32; bit++)
		CHECK_EQ(MAKE(.vaddr = page, .length = PAGE, .mode = 0600 | 1U << bit), -EINVAL);
}

CASE(make_flags)
{
	const unsigned int known =
		XPMEM_MAKE_RDONLY | XPMEM_MAKE_NO_PTRACE_CHECK | XPMEM_MAKE_NO_GUP;
	long page;
	int bit;

	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	for (bit = 0; bit < 32; bit++)
		if (!(1U << bit & known))
			CHECK_EQ(MAKE(.vaddr = page, .length = PAGE, .mode = 0600,
				      .flags = 1U << bit),
				 -EINVAL);
	CHECK_OK(MAKE(.vaddr = page, .length = PAGE, .mode = 0600, .flags = known));
	for (bit = 0; bit < 32; bit++)
		CHECK_EQ(MAKE(.vaddr = page, .length = PAGE, .mode = 0600, .reserved = 1U << bit),
			 -EINVAL);
}

static long make_named(long page, const void *name, size_t length)
{
	struct xpmem_ioc_make make =
		SIZED(xpmem_ioc_make, .vaddr = page, .length = PAGE, .mode = 0600);

	memcpy(make.name, name, length);
	return device_make(make);
}

CASE(make_name)
{
	char longest[XPMEM_NAME_SIZE];
	char text[2] = "";
	long page;
	int c;

	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	memset(longest, 'n', sizeof(longest));
	CHECK_EQ(make_named(page, longest, XPMEM_NAME_SIZE), -EINVAL);
	CHECK_OK(make_named(page, longest, XPMEM_NAME_SIZE - 1));
	for (c = 1; c < 256; c++) {
		text[0] = c;
		if (c >= ' ' && c <= '~')
			CHECK_OK(make_named(page, text, 2));
		else
			CHECK_EQ(make_named(page, text, 2), -EINVAL);
	}
	CHECK_EQ(make_named(page, "a\0b", 4), -EINVAL);
}

CASE(remove)
{
	long segid, other;

	CHECK_OK(device_open());
	segid = export_range(map_anonymous(PAGE), PAGE);
	other = export_range(map_anonymous(PAGE), PAGE);
	CHECK_EQ(REMOVE(.segid = segid, .flags = 1), -EINVAL);
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(REMOVE(.segid = segid), -ENOENT);
	CHECK_EQ(GET(.segid = segid, .flags = XPMEM_GET_RDWR), -ENOENT);
	CHECK_OK(GET(.segid = other, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(REMOVE(.segid = UNKNOWN_ID), -ENOENT);
	CHECK_EQ(REMOVE(.segid = 0), -ENOENT);
	CHECK_EQ(REMOVE(.segid = -1), -ENOENT);
	CHECK_EQ(REMOVE(.segid = INT64_MIN), -ENOENT);
}

CASE(remove_foreign)
{
	struct peer *peer;
	long segid;

	CHECK_OK(device_open());
	segid = export_range(map_anonymous(PAGE), PAGE);
	peer = peer_start();
	CHECK_EQ(on(peer, do_remove, segid), -EACCES);
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(on(peer, do_remove, segid), -ENOENT);
}

CASE(get)
{
	struct xpmem_ioc_get get = SIZED(xpmem_ioc_get, .flags = XPMEM_GET_RDONLY);
	long segid, permit;

	CHECK_OK(device_open());
	segid = export_range(map_anonymous(LENGTH), LENGTH);
	get.segid = segid;
	CHECK_OK(device_call(XPMEM_IOC_GET, &get));
	CHECK(get.apid > 0);
	CHECK_EQ(get.length, LENGTH);
	permit = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK(permit != get.apid && permit != segid);
	get = SIZED(xpmem_ioc_get, .flags = XPMEM_GET_RDWR);
	get.segid = CHECK_OK(MAKE(.vaddr = 0, .length = XPMEM_LENGTH_MAX, .mode = 0600));
	CHECK_OK(device_call(XPMEM_IOC_GET, &get));
	CHECK_EQ(get.length, query().address_limit);
}

CASE(get_arguments)
{
	long segid;
	int bit;

	CHECK_OK(device_open());
	segid = export_range(map_anonymous(PAGE), PAGE);
	CHECK_EQ(GET(.segid = segid), -EINVAL);
	CHECK_EQ(GET(.segid = segid, .flags = XPMEM_GET_RDONLY | XPMEM_GET_RDWR), -EINVAL);
	for (bit = 3; bit < 32; bit++)
		CHECK_EQ(GET(.segid = segid, .flags = XPMEM_GET_RDWR | 1U << bit), -EINVAL);
	for (bit = 0; bit < 32; bit++)
		CHECK_EQ(GET(.segid = segid, .flags = XPMEM_GET_RDWR, .reserved = 1U << bit),
			 -EINVAL);
	CHECK_EQ(GET(.segid = segid, .flags = XPMEM_GET_RDWR, .fd = 1), -EINVAL);
	CHECK_EQ(GET(.segid = segid, .flags = XPMEM_GET_RDWR, .fd = -1), -EINVAL);
	CHECK_EQ(GET(.segid = segid, .flags = XPMEM_GET_RDWR | XPMEM_GET_FD, .fd = device),
		 -EINVAL);
	CHECK_EQ(GET(.segid = UNKNOWN_ID, .flags = XPMEM_GET_RDWR), -ENOENT);
	CHECK_EQ(GET(.segid = 0, .flags = XPMEM_GET_RDWR), -ENOENT);
	CHECK_EQ(GET(.segid = -segid, .flags = XPMEM_GET_RDWR), -ENOENT);
}

CASE(get_other_ids)
{
	long segid, apid;

	CHECK_OK(device_open());
	segid = export_range(map_anonymous(PAGE), PAGE);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(GET(.segid = apid, .flags = XPMEM_GET_RDWR), -ENOENT);
	CHECK_EQ(REMOVE(.segid = apid), -ENOENT);
	CHECK_EQ(RELEASE(.apid = segid), -ENOENT);
	CHECK_EQ(ATTACH(.apid = segid, .length = PAGE), -ENOENT);
	CHECK_EQ(SEGMENT_FD(.segid = apid, .flags = XPMEM_GET_RDWR), -ENOENT);
}

CASE(release)
{
	long segid, apid, other;

	CHECK_OK(device_open());
	segid = export_range(map_anonymous(PAGE), PAGE);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	other = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(RELEASE(.apid = apid, .flags = 1), -EINVAL);
	CHECK_OK(RELEASE(.apid = apid));
	CHECK_EQ(RELEASE(.apid = apid), -ENOENT);
	CHECK_EQ(ATTACH(.apid = apid, .length = PAGE), -ENOENT);
	CHECK_OK(ATTACH(.apid = other, .length = PAGE));
	CHECK_EQ(RELEASE(.apid = UNKNOWN_ID), -ENOENT);
	CHECK_EQ(RELEASE(.apid = 0), -ENOENT);
	CHECK_EQ(RELEASE(.apid = -1), -ENOENT);
}

CASE(release_foreign)
{
	struct peer *peer;
	long segid, apid;

	CHECK_OK(device_open());
	segid = export_range(map_anonymous(PAGE), PAGE);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	peer = peer_start();
	CHECK_EQ(on(peer, do_release, apid), -EACCES);
	CHECK_EQ(on(peer, do_attach, apid, 0, PAGE), -EACCES);
	CHECK_OK(RELEASE(.apid = apid));
	CHECK_EQ(on(peer, do_release, apid), -ENOENT);
}

CASE(release_detaches)
{
	struct peer *attacher;
	long page, segid, apid, first, second, kept;

	CHECK_OK(device_open());
	page = map_anonymous(2 * PAGE);
	fill(page, 2 * PAGE, 1);
	segid = export_range(page, 2 * PAGE);
	attacher = peer_start();
	apid = CHECK_OK(on(attacher, do_get, segid, XPMEM_GET_RDWR));
	first = CHECK_OK(on(attacher, do_attach, apid, 0, 2 * PAGE));
	second = CHECK_OK(on(attacher, do_attach, apid, PAGE, PAGE));
	kept = CHECK_OK(on(attacher, do_attach_segment, segid, 0, PAGE));
	CHECK_EQ(on(attacher, do_verify, first, 2 * PAGE, 1), 0);
	CHECK_OK(on(attacher, do_release, apid));
	CHECK_EQ(on(attacher, do_load, first), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_load, first + PAGE), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_load, second), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_verify, kept, PAGE, 1), 0);
}

CASE(attach)
{
	long page, apid, i, at, room;

	CHECK_OK(device_open());
	page = map_anonymous(LENGTH);
	fill(page, LENGTH, 1);
	apid = CHECK_OK(GET(.segid = export_range(page, LENGTH), .flags = XPMEM_GET_RDWR));
	room = map_anonymous(3 * PAGE);
	unmap(room, 3 * PAGE);
	for (i = 0; i < LENGTH / PAGE; i++) {
		at = CHECK_OK(ATTACH(.apid = apid, .offset = i * PAGE, .length = PAGE,
				     .flags = XPMEM_ATTACH_FIXED, .vaddr = room + PAGE));
		CHECK_EQ(load(at), load(page + i * PAGE));
		CHECK_EQ(load(at - 8), GOT_SIGSEGV);
		CHECK_EQ(load(at + PAGE), GOT_SIGSEGV);
		CHECK_OK(DETACH(.vaddr = at));
	}
	at = CHECK_OK(ATTACH(.apid = apid, .length = LENGTH));
	CHECK_EQ(verify(at, LENGTH, 1), 0);
	fill(at, LENGTH, 2);
	CHECK_EQ(verify(page, LENGTH, 2), 0);
}

CASE(attach_arguments)
{
	long segid, apid;
	int bit;

	CHECK_OK(device_open());
	segid = export_range(map_anonymous(LENGTH), LENGTH);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(ATTACH(.apid = apid, .length = 0), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .length = PAGE + 1), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .length = PAGE - 1), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .offset = 1, .length = PAGE), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .offset = PAGE - 1, .length = PAGE), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .length = PAGE, .vaddr = 0x200000000), -EINVAL);
	for (bit = 5; bit < 32; bit++)
		CHECK_EQ(ATTACH(.apid = apid, .length = PAGE, .flags = 1U << bit), -EINVAL);
	CHECK_EQ(ATTACH(.apid = UNKNOWN_ID, .length = PAGE), -ENOENT);
	CHECK_EQ(ATTACH(.apid = 0, .length = PAGE), -ENOENT);
	CHECK_EQ(ATTACH(.apid = -apid, .length = PAGE), -ENOENT);
}

CASE(attach_beyond)
{
	long segid, apid;

	CHECK_OK(device_open());
	segid = export_range(map_anonymous(2 * LENGTH), LENGTH);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	CHECK_EQ(ATTACH(.apid = apid, .length = LENGTH + PAGE), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .offset = PAGE, .length = LENGTH), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .offset = LENGTH, .length = PAGE), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .offset = -PAGE, .length = PAGE), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .offset = -PAGE, .length = 2 * PAGE), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .offset = 2 * PAGE, .length = -PAGE), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .offset = PAGE, .length = -PAGE), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .length = -PAGE), -EINVAL);
	CHECK_EQ(ATTACH(.apid = apid, .offset = 1UL << 63, .length = PAGE), -EINVAL);
	CHECK_OK(ATTACH(.apid = apid, .offset = LENGTH - PAGE, .length = PAGE));
}

CASE(attach_fixed)
{
	long page, apid, where;

	CHECK_OK(device_open());
	page = map_anonymous(LENGTH);
	fill(page, LENGTH, 1);
	apid = CHECK_OK(GET(.segid = export_range(page, LENGTH), .flags = XPMEM_GET_RDWR));
	where = map_anonymous(3 * LENGTH);
	unmap(where + LENGTH, LENGTH);
	CHECK_EQ(ATTACH(.apid = apid, .length = LENGTH, .flags = XPMEM_ATTACH_FIXED,
			.vaddr = where),
		 -EEXIST);
	CHECK_EQ(ATTACH(.apid = apid, .length = LENGTH, .flags = XPMEM_ATTACH_FIXED,
			.vaddr = where + LENGTH + PAGE),
		 -EEXIST);
	CHECK_EQ(ATTACH(.apid = apid, .length = LENGTH, .flags = XPMEM_ATTACH_FIXED,
			.vaddr = where + LENGTH - PAGE),
		 -EEXIST);
	CHECK_EQ(ATTACH(.apid = apid, .length = LENGTH, .flags = XPMEM_ATTACH_FIXED,
			.vaddr = where + LENGTH + 8),
		 -EINVAL);
	CHECK_EQ(load(where), 0);
	CHECK_EQ(load(where + 2 * LENGTH), 0);
	CHECK_EQ(ATTACH(.apid = apid, .length = LENGTH, .flags = XPMEM_ATTACH_FIXED,
			.vaddr = where + LENGTH),
		 where + LENGTH);
	CHECK_EQ(verify(where + LENGTH, LENGTH, 1), 0);
	CHECK_EQ(ATTACH(.apid = apid, .length = PAGE, .flags = XPMEM_ATTACH_FIXED,
			.vaddr = where + LENGTH),
		 -EEXIST);
}

CASE(attach_fixed_outside)
{
	long apid;

	CHECK_OK(device_open());
	apid = CHECK_OK(
		GET(.segid = export_range(map_anonymous(PAGE), PAGE), .flags = XPMEM_GET_RDWR));
	CHECK(ATTACH(.apid = apid, .length = PAGE, .flags = XPMEM_ATTACH_FIXED,
		     .vaddr = query().address_limit) < 0);
	CHECK(ATTACH(.apid = apid, .length = PAGE, .flags = XPMEM_ATTACH_FIXED, .vaddr = -PAGE) <
	      0);
}

CASE(attach_no_room)
{
	long apid;

	CHECK_OK(device_open());
	apid = CHECK_OK(
		GET(.segid = CHECK_OK(MAKE(.vaddr = 0, .length = XPMEM_LENGTH_MAX, .mode = 0600)),
		    .flags = XPMEM_GET_RDWR));
	CHECK_EQ(ATTACH(.apid = apid, .length = query().address_limit), -ENOMEM);
}

/* page faults of this process while it reads every page of a range */
static long faults_to_read(long address, long length)
{
	struct rusage before, after;
	long i;

	CHECK_OK(answer(getrusage(RUSAGE_SELF, &before)));
	for (i = 0; i < length; i += PAGE)
		(void)*(volatile long *)(address + i);
	CHECK_OK(answer(getrusage(RUSAGE_SELF, &after)));
	return after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt;
}

CASE(attach_populate)
{
	const long length = 2 * MIB;
	long page, apid, at;

	CHECK_OK(device_open());
	page = map_aligned(2 * length, 2 * MIB);
	use_small_pages(page, 2 * length);
	fill(page, length, 1);
	apid = CHECK_OK(GET(.segid = export_range(page, 2 * length), .flags = XPMEM_GET_RDWR));
	at = CHECK_OK(ATTACH(.apid = apid, .length = length));
	CHECK(faults_to_read(at, length) > 0);
	CHECK_EQ(faults_to_read(at, length), 0);
	at = CHECK_OK(ATTACH(.apid = apid, .length = 2 * length, .flags = XPMEM_ATTACH_POPULATE));
	CHECK_EQ(faults_to_read(at, length), 0);
	CHECK_EQ(verify(at, length, 1), 0);
	/* what the exporter had not touched was not made for it */
	CHECK(faults_to_read(at + length, length) > 0);
	at = CHECK_OK(ATTACH(.apid = apid, .length = PAGE, .flags = XPMEM_ATTACH_POPULATE));
	CHECK_OK(store(at, 5));
	CHECK_EQ(load(page), 5);
}

/* a hole and a page that may not be read: populate leaves them out, the attach succeeds */
CASE(attach_populate_with_holes)
{
	long page, apid, at;

	CHECK_OK(device_open());
	page = map_anonymous(LENGTH);
	fill(page, LENGTH, 1);
	unmap(page + PAGE, PAGE);
	protect(page + 2 * PAGE, PAGE, PROT_NONE);
	apid = CHECK_OK(GET(.segid = export_range(page, LENGTH), .flags = XPMEM_GET_RDWR));
	at = CHECK_OK(ATTACH(.apid = apid, .length = LENGTH, .flags = XPMEM_ATTACH_POPULATE));
	CHECK_EQ(verify(at, PAGE, 1), 0);
	CHECK_EQ(load(at + PAGE), GOT_SIGBUS);
	CHECK_EQ(load(at + 2 * PAGE), GOT_SIGSEGV);
	CHECK_EQ(load(at + 3 * PAGE), load(page + 3 * PAGE));
}

CASE(attach_rdonly)
{
	long page, apid, at;

	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	fill(page, PAGE, 1);
	apid = CHECK_OK(GET(.segid = export_range(page, PAGE), .flags = XPMEM_GET_RDWR));
	at = CHECK_OK(ATTACH(.apid = apid, .length = PAGE, .flags = XPMEM_ATTACH_RDONLY));
	CHECK_EQ(verify(at, PAGE, 1), 0);
	CHECK_EQ(store(at, 1), GOT_SIGSEGV);
	at = CHECK_OK(ATTACH(.apid = apid, .length = PAGE));
	CHECK_OK(store(at, 1));
	CHECK_EQ(load(page), 1);
}

CASE(detach)
{
	long page, apid, at, kept;

	CHECK_OK(device_open());
	page = map_anonymous(LENGTH);
	apid = CHECK_OK(GET(.segid = export_range(page, LENGTH), .flags = XPMEM_GET_RDWR));
	kept = CHECK_OK(ATTACH(.apid = apid, .length = LENGTH));
	at = CHECK_OK(ATTACH(.apid = apid, .length = LENGTH));
	CHECK_EQ(DETACH(.vaddr = at, .flags = 1), -EINVAL);
	CHECK_EQ(load(at), 0);
	CHECK_OK(DETACH(.vaddr = at + 2 * PAGE + 123));
	CHECK_EQ(load(at), GOT_SIGSEGV);
	CHECK_EQ(load(at + LENGTH - 8), GOT_SIGSEGV);
	CHECK_EQ(load(kept), 0);
	CHECK_OK(DETACH(.vaddr = at));
	CHECK_OK(DETACH(.vaddr = 0));
	CHECK_OK(DETACH(.vaddr = -PAGE));
	CHECK_OK(DETACH(.vaddr = query().address_limit));
	CHECK_EQ(DETACH(.vaddr = page), -EINVAL);
	CHECK_EQ(DETACH(.vaddr = (uint64_t)&page), -EINVAL);
	CHECK_EQ(DETACH(.vaddr = (uint64_t)&device), -EINVAL);
}

CASE(descriptor_of_another)
{
	struct xpmem_ioc_query query = { .size = sizeof(query) };
	struct peer *peer;
	long page, segid, apid;

	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	segid = export_range(page, PAGE);
	apid = CHECK_OK(GET(.segid = segid, .flags = XPMEM_GET_RDWR));
	peer = peer_fork();
	CHECK_EQ(on(peer, do_make, page, PAGE, 0600), -ESTALE);
	CHECK_EQ(on(peer, do_remove, segid), -ESTALE);
	CHECK_EQ(on(peer, do_get, segid, XPMEM_GET_RDWR), -ESTALE);
	CHECK_EQ(on(peer, do_release, apid), -ESTALE);
	CHECK_EQ(on(peer, do_attach, apid, 0, PAGE), -ESTALE);
	CHECK_EQ(on(peer, do_detach, page), -ESTALE);
	CHECK_EQ(on(peer, do_segment_fd, segid, XPMEM_GET_RDWR), -ESTALE);
	CHECK_OK(QUERY(&query));
	CHECK_OK(on(peer, do_open, 0));
	CHECK_OK(on(peer, do_make, page, PAGE, 0600));
	CHECK_OK(on(peer, do_attach_segment, segid, 0, PAGE));
	CHECK_OK(RELEASE(.apid = apid));
	CHECK_OK(REMOVE(.segid = segid));
}

static long do_query(const long *none)
{
	struct xpmem_ioc_query query = { .size = sizeof(query) };
	long result = QUERY(&query);

	(void)none;
	return result ? result : query.abi_version;
}

CASE(query_on_any_descriptor)
{
	struct peer *peer;

	CHECK_OK(device_open());
	peer = peer_fork();
	CHECK_EQ(on(peer, do_query, 0), XPMEM_ABI_VERSION);
	device = CHECK_OK(answer(open("/dev/xpmem", O_RDONLY | O_CLOEXEC)));
	CHECK_EQ(here(do_query, 0), XPMEM_ABI_VERSION);
}

CASE(unknown_ioctl)
{
	static const unsigned long numbers[] = {
		_IO('x', 9),	   _IO('x', 0x3f), _IO('x', 0x7f),
		_IO('x', 0x80),	   _IO('x', 0xff), _IOWR('x', 0x41, struct xpmem_ioc_make),
		_IOR('x', 1, int), _IO('y', 0x41), 0x12345678,
	};
	struct xpmem_ioc_make room[4] = { 0 };
	size_t i;

	CHECK_OK(device_open());
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (device_call(numbers[i], room) != -ENOTTY)
			FAIL("ioctl number %#lx is %s, expected ENOTTY", numbers[i],
			     describe(device_call(numbers[i], room)));
}

CASE(other_file_operations)
{
	char byte = 0;

	CHECK_OK(device_open());
	CHECK(read(device, &byte, 1) < 0);
	CHECK(write(device, &byte, 1) < 0);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, device, 0) == MAP_FAILED);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, device, 0) == MAP_FAILED);
}

static int by_value(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return x < y ? -1 : x > y;
}

CASE(ids)
{
	enum { COUNT = 500 };
	static long ids[2 * COUNT];
	long page, step, i, in_order = 0;

	CHECK_OK(device_open());
	page = map_anonymous(PAGE);
	for (i = 0; i < 2 * COUNT; i += 2) {
		ids[i] = export_range(page, PAGE);
		ids[i + 1] = CHECK_OK(GET(.segid = ids[i], .flags = XPMEM_GET_RDWR));
		CHECK_OK(RELEASE(.apid = ids[i + 1]));
		CHECK_OK(REMOVE(.segid = ids[i]));
	}
	step = ids[2] - ids[0];
	for (i = 2; i < 2 * COUNT; i += 2)
		in_order += ids[i] - ids[i - 2] == step;
	CHECK(in_order < COUNT / 10);
	qsort(ids, 2 * COUNT, sizeof(ids[0]), by_value);
	for (i = 1; i < 2 * COUNT; i++)
		CHECK(ids[i] != ids[i - 1]);
}

static long do_export_many(const long *ids_address_count)
{
	long *ids = (long *)ids_address_count[0], i;

	for (i = 0; i < ids_address_count[2]; i++) {
		*(long *)(ids_address_count[1] + i * PAGE) = i;
		ids[i] = export_range(ids_address_count[1] + i * PAGE, PAGE);
	}
	return 0;
}

static long do_remove_many(const long *ids_count_step)
{
	const long *ids = (const long *)ids_count_step[0];
	long i;

	for (i = 0; i < ids_count_step[1]; i += ids_count_step[2])
		CHECK_OK(REMOVE(.segid = ids[i]));
	return 0;
}

CASE(many)
{
	enum { COUNT = 1000 };
	static long apids[COUNT], addresses[COUNT];
	struct peer *exporter;
	long *segids, i;

	CHECK_OK(device_open());
	segids = (long *)map_file(memory_file(2 * PAGE), 2 * PAGE, PROT_READ | PROT_WRITE,
				  MAP_SHARED);
	exporter = peer_start();
	CHECK_OK(on(exporter, do_export_many, (long)segids,
		    CHECK_OK(on(exporter, do_map, COUNT * PAGE)), COUNT));
	for (i = 0; i < COUNT; i++) {
		apids[i] = CHECK_OK(GET(.segid = segids[i], .flags = XPMEM_GET_RDWR));
		addresses[i] = CHECK_OK(ATTACH(.apid = apids[i], .length = PAGE));
	}
	for (i = 0; i < COUNT; i++)
		CHECK_EQ(load(addresses[i]), i);
	for (i = 0; i < COUNT; i += 2)
		CHECK_OK(DETACH(.vaddr = addresses[i]));
	for (i = 0; i < COUNT; i += 3)
		CHECK_OK(RELEASE(.apid = apids[i]));
	CHECK_OK(on(exporter, do_remove_many, (long)segids, COUNT, 5));
	for (i = 0; i < COUNT; i++)
		CHECK_EQ(load(addresses[i]), i % 2 == 0 || i % 3 == 0 ? GOT_SIGSEGV :
					     i % 5 == 0		      ? GOT_SIGBUS :
									i);
	for (i = 0; i < COUNT; i++) {
		CHECK_EQ(RELEASE(.apid = apids[i]), i % 3 ? 0 : -ENOENT);
		CHECK_EQ(load(addresses[i]), GOT_SIGSEGV);
		CHECK_EQ(GET(.segid = segids[i], .flags = XPMEM_GET_RDONLY) == -ENOENT, i % 5 == 0);
	}
}
