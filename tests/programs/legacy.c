/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a libxpmem of the 2.x series, baked into an old container image, does: raw ioctls with
 * structs and numbers of its own. Nothing here comes from the headers of this tree.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "peer.h"

enum {
	VERSION = _IO('x', 0), MAKE, REMOVE, GET, RELEASE, ATTACH, DETACH, FORK_BEGIN, FORK_END,
	PERMIT_MODE = 1, RDONLY = 1, RDWR = 2, NOPROC = 2004,
};

#define MAXADDR ((size_t)-1L)
#define WINDOW (8 * MIB)
#define UNKNOWN_ID 0x123456789abcdefL

struct make { uint64_t vaddr; size_t size; int permit_type; uint64_t permit_value; int64_t segid; };
struct get { int64_t segid; int flags; int permit_type; uint64_t permit_value; int64_t apid; };
struct attach { int64_t apid; off_t offset; size_t size; uint64_t vaddr; int fd; int flags; };

static int descriptor = -1;

static long call(unsigned long number, void *argument)
{
	return answer(ioctl(descriptor, number, argument));
}

static long open_device(void)
{
	descriptor = open("/dev/xpmem", O_RDWR);
	return answer(descriptor);
}

static long make(uint64_t vaddr, size_t size, int type, uint64_t mode)
{
	struct make argument = {
		.vaddr = vaddr, .size = size, .permit_type = type, .permit_value = mode
	};
	long result = call(MAKE, &argument);

	if (!result)
		CHECK(argument.segid > 0);
	return result ? result : argument.segid;
}

static long remove_segment(int64_t segid)
{
	return call(REMOVE, &segid);
}

static long get(int64_t segid, int flags)
{
	struct get argument = { .segid = segid, .flags = flags, .permit_type = PERMIT_MODE };
	long result = call(GET, &argument);

	if (!result)
		CHECK(argument.apid > 0);
	return result ? result : argument.apid;
}

static long release(int64_t apid)
{
	return call(RELEASE, &apid);
}

static long attach(int64_t apid, off_t offset, size_t size, uint64_t vaddr)
{
	struct attach argument = {
		.apid = apid, .offset = offset, .size = size, .vaddr = vaddr, .fd = -1
	};
	long result = call(ATTACH, &argument);

	return result ? result : (long)argument.vaddr;
}

static long detach(uint64_t vaddr)
{
	return call(DETACH, &vaddr);
}

static long memory(long length)
{
	void *address =
		mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(address != MAP_FAILED);
	return (long)address;
}

static long do_reopen(const long *none)
{
	(void)none;
	close(descriptor);
	return open_device();
}

static long do_make_range(const long *a)
{
	return make(a[0], a[1], PERMIT_MODE, 0600);
}

static long do_remove_segment(const long *a)
{
	return remove_segment(a[0]);
}

static long do_get_permit(const long *a)
{
	return get(a[0], a[1]);
}

static long do_release_permit(const long *a)
{
	return release(a[0]);
}

static long do_attach_range(const long *a)
{
	return attach(a[0], a[1], a[2], a[3]);
}

static long do_detach_address(const long *a)
{
	return detach(a[0]);
}

static long do_read(const long *a)
{
	return load(a[0]);
}

static long do_write(const long *a)
{
	return store(a[0], a[1]);
}

static long do_call(const long *a)
{
	return call(a[0], NULL);
}

static struct peer *start_attacher(void)
{
	struct peer *peer = peer_fork();

	CHECK_OK(on(peer, do_reopen, 0));
	return peer;
}

static long get_and_attach(struct peer *peer, long segid, long offset, long size)
{
	long apid = CHECK_OK(on(peer, do_get_permit, segid, RDWR));

	return CHECK_OK(on(peer, do_attach_range, apid, offset, size));
}

CASE(struct_layout)
{
	CHECK_EQ(sizeof(struct make), 40);
	CHECK_EQ(offsetof(struct make, permit_value), 24);
	CHECK_EQ(offsetof(struct make, segid), 32);
	CHECK_EQ(sizeof(struct get), 32);
	CHECK_EQ(offsetof(struct get, permit_value), 16);
	CHECK_EQ(sizeof(struct attach), 40);
	CHECK_EQ(offsetof(struct attach, vaddr), 24);
}

CASE(version)
{
	CHECK_OK(open_device());
	CHECK(call(VERSION, NULL) > 0x00027004);
	CHECK(call(VERSION, NULL) < 0x01000000);
}

CASE(make_arguments)
{
	struct make argument = { .size = PAGE, .permit_type = PERMIT_MODE, .permit_value = 0600 };
	long page;
	int bit;

	CHECK_OK(open_device());
	page = memory(2 * PAGE);
	CHECK_OK(make(page, 2 * PAGE, PERMIT_MODE, 0600));
	CHECK_OK(make(page, PAGE, PERMIT_MODE, 0));
	CHECK_OK(make(page, PAGE, PERMIT_MODE, 0777));
	CHECK_EQ(make(page, PAGE, 0, 0600), -EINVAL);
	CHECK_EQ(make(page, PAGE, 2, 0600), -EINVAL);
	CHECK_EQ(make(page, PAGE, PERMIT_MODE | 2, 0600), -EINVAL);
	CHECK_EQ(make(page, PAGE, -1, 0600), -EINVAL);
	for (bit = 9; bit < 64; bit++)
		CHECK_EQ(make(page, PAGE, PERMIT_MODE, 0600 | 1UL << bit), -EINVAL);
	CHECK_EQ(make(page, 0, PERMIT_MODE, 0600), -EINVAL);
	CHECK_EQ(make(page + 1, PAGE, PERMIT_MODE, 0600), -EINVAL);
	CHECK_EQ(make(page, PAGE + 1, PERMIT_MODE, 0600), -EINVAL);
	CHECK_EQ(make(page, PAGE - 1, PERMIT_MODE, 0600), -EINVAL);
	CHECK_EQ(make(page + 1, MAXADDR, PERMIT_MODE, 0600), -EINVAL);
	argument.vaddr = page;
	argument.segid = -1;
	CHECK_OK(call(MAKE, &argument));
	CHECK(argument.segid > 0);
}

CASE(make_overflow)
{
	CHECK_OK(open_device());
	CHECK_EQ(make(-PAGE, 2 * PAGE, PERMIT_MODE, 0600), -EINVAL);
	CHECK_EQ(make(-PAGE, PAGE, PERMIT_MODE, 0600), -EINVAL);
	CHECK_EQ(make(-PAGE, MAXADDR, PERMIT_MODE, 0600), -EINVAL);
	CHECK_EQ(make(16 * PAGE, -PAGE, PERMIT_MODE, 0600), -EINVAL);
	CHECK_EQ(make(16 * PAGE, -16 * PAGE, PERMIT_MODE, 0600), -EINVAL);
	CHECK_EQ(make(0, 1UL << 63, PERMIT_MODE, 0600), -EINVAL);
	CHECK_EQ(make(1UL << 63, PAGE, PERMIT_MODE, 0600), -EINVAL);
}

static void whole_address_space(int mode)
{
	static long in_data = 11;
	static long in_bss;
	volatile long on_stack = 13;
	struct peer *attacher;
	long segid, apid, page, at, i;
	volatile long *const addresses[] = { &in_data, &in_bss, &on_stack, NULL };

	CHECK_OK(open_device());
	page = memory(PAGE);
	*(long *)page = 14;
	in_bss = 12;
	segid = CHECK_OK(make(0, MAXADDR, PERMIT_MODE, mode));
	attacher = start_attacher();
	apid = CHECK_OK(on(attacher, do_get_permit, segid, RDWR));
	for (i = 0; i < 4; i++) {
		long address = addresses[i] ? (long)addresses[i] : page;

		at = CHECK_OK(on(attacher, do_attach_range, apid, address & -PAGE, PAGE));
		at += address & (PAGE - 1);
		CHECK_EQ(on(attacher, do_read, at), 11 + i);
		CHECK_OK(on(attacher, do_write, at, 21 + i));
		CHECK_EQ(*(volatile long *)address, 21 + i);
	}
	at = CHECK_OK(on(attacher, do_attach_range, apid, 0, PAGE));
	CHECK_EQ(on(attacher, do_read, at), GOT_SIGBUS);
}

CASE(whole_address_space_0600)
{
	whole_address_space(0600);
}

CASE(whole_address_space_0666)
{
	whole_address_space(0666);
}

CASE(from_an_address_to_the_end)
{
	struct peer *attacher;
	long page, segid, at;

	CHECK_OK(open_device());
	page = memory(2 * PAGE);
	*(long *)(page + PAGE) = 5;
	segid = CHECK_OK(make(page, MAXADDR, PERMIT_MODE, 0600));
	attacher = start_attacher();
	at = get_and_attach(attacher, segid, PAGE, PAGE);
	CHECK_EQ(on(attacher, do_read, at), 5);
}

/* as a client does that attaches aligned windows of a peer and finds holes in them */
CASE(window_with_holes)
{
	const long hole = 3 * MIB, second = 5 * MIB;
	struct peer *attacher;
	long area, window, segid, at;

	CHECK_OK(open_device());
	area = memory(3 * WINDOW);
	window = (area + WINDOW - 1) & -WINDOW;
	CHECK_OK(answer(munmap((void *)(window + hole), second - hole)));
	CHECK_OK(answer(munmap((void *)(window + WINDOW), WINDOW)));
	*(long *)window = 1;
	*(long *)(window + hole - 8) = 2;
	*(long *)(window + second) = 3;
	segid = CHECK_OK(make(0, MAXADDR, PERMIT_MODE, 0666));
	attacher = start_attacher();
	at = get_and_attach(attacher, segid, window, 2 * WINDOW);
	CHECK_EQ(on(attacher, do_read, at), 1);
	CHECK_EQ(on(attacher, do_read, at + hole - 8), 2);
	CHECK_EQ(on(attacher, do_read, at + second), 3);
	CHECK_EQ(on(attacher, do_read, at + hole), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_write, at + second - 8, 1), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_read, at + WINDOW), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_read, at + 2 * WINDOW - 8), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_read, at + hole - 8), 2);
	CHECK_EQ((long)mmap((void *)(window + hole), PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		 window + hole);
	*(long *)(window + hole) = 4;
	CHECK_EQ(on(attacher, do_read, at + hole), 4);
}

CASE(get_arguments)
{
	struct get argument = { .flags = RDWR, .permit_type = PERMIT_MODE, .permit_value = 0666 };
	long segid;
	int bit;

	CHECK_OK(open_device());
	segid = CHECK_OK(make(memory(PAGE), PAGE, PERMIT_MODE, 0600));
	CHECK_OK(get(segid, RDWR));
	CHECK_OK(get(segid, RDONLY));
	argument.segid = segid;
	CHECK_OK(call(GET, &argument));
	CHECK_EQ(get(segid, 0), -EINVAL);
	CHECK_EQ(get(segid, RDONLY | RDWR), -EINVAL);
	for (bit = 2; bit < 32; bit++)
		CHECK_EQ(get(segid, RDWR | 1U << bit), -EINVAL);
	CHECK_EQ(get(UNKNOWN_ID, RDWR), -ENOENT);
	CHECK_EQ(get(0, RDWR), -EINVAL);
	CHECK_EQ(get(-1, RDWR), -EINVAL);
	CHECK_EQ(get(INT64_MIN, RDWR), -EINVAL);
}

CASE(attach_arguments)
{
	long page, apid, at;

	CHECK_OK(open_device());
	page = memory(4 * PAGE);
	*(long *)(page + 3 * PAGE) = 33;
	*(long *)(page + 4 * PAGE - 8) = 44;
	apid = CHECK_OK(get(CHECK_OK(make(page, 4 * PAGE, PERMIT_MODE, 0600)), RDWR));
	at = memory(3 * PAGE) + PAGE;
	CHECK_OK(answer(munmap((void *)(at - PAGE), 3 * PAGE)));
	CHECK_EQ(attach(apid, 3 * PAGE, 1, at), at);
	CHECK_EQ(load(at), 33);
	CHECK_EQ(load(at + PAGE - 8), 44);
	CHECK_EQ(load(at + PAGE), GOT_SIGSEGV);
	at = CHECK_OK(attach(apid, 0, 3 * PAGE + 1, 0));
	CHECK_EQ(load(at + 4 * PAGE - 8), 44);
	CHECK_EQ(attach(apid, 1, PAGE, 0), -EINVAL);
	CHECK_EQ(attach(apid, PAGE - 1, 1, 0), -EINVAL);
	CHECK_EQ(attach(apid, 0, PAGE, 123), -EINVAL);
	CHECK_EQ(attach(apid, 0, 0, 0), -EINVAL);
	CHECK_EQ(attach(apid, 0, 4 * PAGE + 1, 0), -EINVAL);
	CHECK_EQ(attach(apid, PAGE, 4 * PAGE, 0), -EINVAL);
	CHECK_EQ(attach(apid, 4 * PAGE, PAGE, 0), -EINVAL);
	CHECK_EQ(attach(apid, -PAGE, PAGE, 0), -EINVAL);
	CHECK_EQ(attach(apid, -PAGE, 2 * PAGE, 0), -EINVAL);
	CHECK_EQ(attach(apid, PAGE, -PAGE, 0), -EINVAL);
	CHECK_EQ(attach(apid, 0, -1, 0), -EINVAL);
	CHECK_EQ(attach(apid, PAGE, 1UL << 63, 0), -EINVAL);
	CHECK_EQ(attach(UNKNOWN_ID, 0, PAGE, 0), -ENOENT);
	CHECK_EQ(attach(0, 0, PAGE, 0), -EINVAL);
	CHECK_EQ(attach(-1, 0, PAGE, 0), -EINVAL);
}

CASE(attach_replaces_at_vaddr)
{
	long page, apid, old;

	CHECK_OK(open_device());
	page = memory(PAGE);
	*(long *)page = 7;
	apid = CHECK_OK(get(CHECK_OK(make(page, PAGE, PERMIT_MODE, 0600)), RDWR));
	old = memory(3 * PAGE);
	*(long *)old = 1;
	*(long *)(old + PAGE) = 2;
	*(long *)(old + 2 * PAGE) = 3;
	CHECK_EQ(attach(apid, 0, PAGE, old + PAGE), old + PAGE);
	CHECK_EQ(load(old), 1);
	CHECK_EQ(load(old + PAGE), 7);
	CHECK_EQ(load(old + 2 * PAGE), 3);
	CHECK_OK(detach(old + PAGE));
	CHECK_EQ(load(old + PAGE), GOT_SIGSEGV);
}

CASE(attach_over_an_attachment)
{
	struct attach argument = { .size = PAGE, .fd = -1 };
	long page, apid, at;

	CHECK_OK(open_device());
	page = memory(3 * PAGE);
	*(long *)page = 7;
	*(long *)(page + PAGE) = 8;
	apid = CHECK_OK(get(CHECK_OK(make(page, 3 * PAGE, PERMIT_MODE, 0600)), RDWR));
	at = memory(4 * PAGE);
	CHECK_EQ(attach(apid, 0, PAGE, at + PAGE), at + PAGE);
	CHECK_EQ(attach(apid, PAGE, PAGE, at + PAGE), -EINVAL);
	CHECK_EQ(attach(apid, 0, 2 * PAGE, at), -EINVAL);
	CHECK_EQ(attach(apid, 0, 3 * PAGE, at), -EINVAL);
	CHECK_EQ(load(at + PAGE), 7);
	CHECK_EQ(load(at), 0);
	CHECK_EQ(attach(apid, PAGE, PAGE, at), at);
	CHECK_EQ(attach(apid, PAGE, PAGE, at + 2 * PAGE), at + 2 * PAGE);
	argument.apid = apid;
	argument.offset = PAGE;
	argument.vaddr = at + PAGE;
	argument.flags = ~MAP_FIXED;
	CHECK_EQ(call(ATTACH, &argument), -EINVAL);
	CHECK_EQ(load(at + PAGE), 7);
	argument.flags = MAP_FIXED;
	CHECK_OK(call(ATTACH, &argument));
	CHECK_EQ((long)argument.vaddr, at + PAGE);
	CHECK_EQ(load(at + PAGE), 8);
	CHECK_OK(detach(at + PAGE));
	CHECK_EQ(attach(apid, 0, PAGE, at + PAGE), at + PAGE);
	CHECK_EQ(load(at + PAGE), 7);
}

CASE(read_only)
{
	struct peer *attacher;
	long page, segid, apid, at;

	CHECK_OK(open_device());
	page = memory(PAGE);
	*(long *)page = 7;
	segid = CHECK_OK(make(page, PAGE, PERMIT_MODE, 0600));
	attacher = start_attacher();
	apid = CHECK_OK(on(attacher, do_get_permit, segid, RDONLY));
	at = CHECK_OK(on(attacher, do_attach_range, apid, 0, PAGE));
	CHECK_EQ(on(attacher, do_read, at), 7);
	CHECK_EQ(on(attacher, do_write, at, 8), GOT_SIGSEGV);
	CHECK_EQ(*(volatile long *)page, 7);
}

CASE(detach)
{
	long page, apid, at, other;

	CHECK_OK(open_device());
	page = memory(4 * PAGE);
	apid = CHECK_OK(get(CHECK_OK(make(page, 4 * PAGE, PERMIT_MODE, 0600)), RDWR));
	other = CHECK_OK(attach(apid, 0, 4 * PAGE, 0));
	for (long inner = 0; inner < 4 * PAGE; inner += PAGE + 77) {
		at = CHECK_OK(attach(apid, 0, 4 * PAGE, 0));
		CHECK_EQ(load(at), 0);
		CHECK_EQ(detach(at + inner), 0);
		CHECK_EQ(load(at), GOT_SIGSEGV);
		CHECK_EQ(load(at + 4 * PAGE - 8), GOT_SIGSEGV);
		CHECK_EQ(detach(at + inner), 0);
	}
	CHECK_EQ(load(other), 0);
	CHECK_EQ(detach(0), 0);
	CHECK_EQ(detach(page), -EINVAL);
	CHECK_EQ(detach((uint64_t)&page), -EINVAL);
	CHECK_EQ(detach((uint64_t)detach), -EINVAL);
}

CASE(release_and_remove)
{
	struct peer *attacher;
	long page, segid, apid, at;

	CHECK_OK(open_device());
	page = memory(PAGE);
	*(long *)page = 7;
	segid = CHECK_OK(make(page, PAGE, PERMIT_MODE, 0600));
	attacher = start_attacher();
	apid = CHECK_OK(on(attacher, do_get_permit, segid, RDWR));
	at = CHECK_OK(on(attacher, do_attach_range, apid, 0, PAGE));
	CHECK_EQ(on(attacher, do_read, at), 7);
	CHECK_EQ(release(apid), -EACCES);
	CHECK_EQ(attach(apid, 0, PAGE, 0), -EACCES);
	CHECK_EQ(on(attacher, do_remove_segment, segid), -EACCES);
	CHECK_OK(on(attacher, do_release_permit, apid));
	CHECK_EQ(on(attacher, do_read, at), GOT_SIGSEGV);
	CHECK_EQ(on(attacher, do_release_permit, apid), -ENOENT);
	CHECK_EQ(on(attacher, do_attach_range, apid, 0, PAGE), -ENOENT);
	CHECK_EQ(on(attacher, do_release_permit, UNKNOWN_ID), -ENOENT);
	CHECK_EQ(on(attacher, do_release_permit, 0), -EINVAL);
	CHECK_EQ(on(attacher, do_release_permit, -1), -EINVAL);
	apid = CHECK_OK(on(attacher, do_get_permit, segid, RDWR));
	at = CHECK_OK(on(attacher, do_attach_range, apid, 0, PAGE));
	CHECK_EQ(on(attacher, do_read, at), 7);
	CHECK_OK(remove_segment(segid));
	CHECK_EQ(on(attacher, do_read, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_write, at, 1), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_get_permit, segid, RDWR), -ENOENT);
	CHECK_EQ(on(attacher, do_attach_range, apid, 0, PAGE), -ENOENT);
	CHECK_EQ(remove_segment(segid), -ENOENT);
	CHECK_EQ(on(attacher, do_detach_address, at), 0);
	CHECK_EQ(on(attacher, do_release_permit, apid), 0);
	CHECK_EQ(remove_segment(UNKNOWN_ID), -ENOENT);
	CHECK_EQ(remove_segment(0), -EINVAL);
	CHECK_EQ(remove_segment(-1), -EINVAL);
}

CASE(bad_pointers)
{
	static const unsigned long numbers[] = { MAKE, REMOVE, GET, RELEASE, ATTACH, DETACH };
	size_t i;

	CHECK_OK(open_device());
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		CHECK_EQ(call(numbers[i], NULL), -EFAULT);
		CHECK_EQ(call(numbers[i], (void *)8), -EFAULT);
		CHECK_EQ(call(numbers[i], (void *)-PAGE), -EFAULT);
	}
}

/* the reply cannot be written: nothing may come of the call */
CASE(reply_to_read_only_memory)
{
	struct make *argument = (void *)memory(PAGE);

	CHECK_OK(open_device());
	*argument = (struct make){ .vaddr = memory(PAGE),
				   .size = PAGE,
				   .permit_type = PERMIT_MODE,
				   .permit_value = 0600 };
	CHECK_OK(answer(mprotect(argument, PAGE, PROT_READ)));
	CHECK_EQ(call(MAKE, argument), -EFAULT);
}

CASE(unknown_number)
{
	unsigned long number;

	CHECK_OK(open_device());
	for (number = 9; number < 0x40; number++)
		CHECK_EQ(call(_IO('x', number), NULL), -ENOTTY);
}

CASE(fork_marks)
{
	CHECK_OK(open_device());
	CHECK_EQ(call(FORK_BEGIN, NULL), 0);
	CHECK_EQ(call(FORK_END, NULL), 0);
	CHECK_EQ(call(FORK_END, NULL), 0);
	CHECK_OK(make(memory(PAGE), PAGE, PERMIT_MODE, 0600));
}

CASE(fork_in_exporter)
{
	struct peer *child;
	long page, segid, apid, at;

	CHECK_OK(open_device());
	page = memory(PAGE);
	*(long *)page = 7;
	segid = CHECK_OK(make(page, PAGE, PERMIT_MODE, 0600));
	apid = CHECK_OK(get(segid, RDWR));
	child = peer_fork();
	CHECK_EQ(on(child, do_make_range, page, PAGE), -NOPROC);
	CHECK_EQ(on(child, do_remove_segment, segid), -NOPROC);
	CHECK_EQ(on(child, do_get_permit, segid, RDWR), -NOPROC);
	CHECK_EQ(on(child, do_release_permit, apid), -NOPROC);
	CHECK_EQ(on(child, do_attach_range, apid, 0, PAGE), -NOPROC);
	CHECK_EQ(on(child, do_detach_address, page), -NOPROC);
	CHECK(on(child, do_call, VERSION) > 0x00027004);
	CHECK_EQ(on(child, do_call, FORK_BEGIN), 0);
	CHECK_EQ(on(child, do_call, FORK_END), 0);
	/* the old library opens the device again and repeats the call */
	CHECK_OK(on(child, do_reopen, 0));
	apid = CHECK_OK(on(child, do_get_permit, segid, RDWR));
	at = CHECK_OK(on(child, do_attach_range, apid, 0, PAGE));
	CHECK_EQ(on(child, do_read, at), 7);
	CHECK_OK(on(child, do_make_range, page, PAGE));
	CHECK_OK(remove_segment(segid));
	CHECK_EQ(on(child, do_read, at), GOT_SIGBUS);
}

CASE(fork_in_attacher)
{
	struct peer *exporter, *child;
	long page, segid, apid, at, own;

	page = memory(PAGE);
	*(long *)page = 7;
	exporter = start_attacher();
	segid = CHECK_OK(on(exporter, do_make_range, page, PAGE));
	CHECK_OK(open_device());
	apid = CHECK_OK(get(segid, RDWR));
	at = CHECK_OK(attach(apid, 0, PAGE, 0));
	CHECK_EQ(load(at), 7);
	child = peer_fork();
	CHECK_EQ(on(child, do_read, at), GOT_SIGSEGV);
	CHECK_EQ(on(child, do_get_permit, segid, RDWR), -NOPROC);
	CHECK_OK(on(child, do_reopen, 0));
	CHECK_EQ(on(child, do_attach_range, apid, 0, PAGE), -EACCES);
	own = get_and_attach(child, segid, 0, PAGE);
	CHECK_EQ(on(child, do_read, own), 7);
	CHECK_OK(on(child, do_write, own, 8));
	CHECK_EQ(load(at), 8);
	peer_end(child, 0);
	CHECK_EQ(load(at), 8);
	CHECK_OK(store(at, 9));
	CHECK_EQ(on(exporter, do_read, page), 9);
}
