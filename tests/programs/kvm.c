/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual machine has an attachment as its memory. KVM pins no page: it maps what the attacher's
 * page tables map, and an mmu notifier of the attacher takes it away. The guest is a program of one
 * processor in real mode, whose data segment is the attachment.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pinning.h"

#define GUEST_CODE 0L			/* physical addresses of the guest */
#define GUEST_DATA HUGE_PAGE
#define ADDED 1000

/* Adds ECX to the word at BX, stores the sum in the word after it, and halts, for ever. */
static const unsigned char add_code[] = {
	0x66, 0x8b, 0x07,		/* mov (%bx), %eax */
	0x66, 0x01, 0xc8,		/* add %ecx, %eax */
	0x66, 0x89, 0x47, 0x08,		/* mov %eax, 8(%bx) */
	0xf4,				/* hlt */
	0xeb, 0xf3,			/* jmp to the start */
};

/* Counts in ECX and in the word at BX, for ever. Halts if the word is not what it has stored. */
static const unsigned char count_code[] = {
	0x66, 0x8b, 0x07,		/* mov (%bx), %eax */
	0x66, 0x39, 0xc8,		/* cmp %ecx, %eax */
	0x75, 0x07,			/* jne to the end */
	0x66, 0x41,			/* inc %ecx */
	0x66, 0x89, 0x0f,		/* mov %ecx, (%bx) */
	0xeb, 0xf1,			/* jmp to the start */
	0xf4,				/* hlt */
};

static long kind, segment_flags;	/* flags of the attachment, and of its segment */

/* of the attacher */
static int machine = -1, processor;
static struct kvm_run *run;

static void put_memory(unsigned int slot, long guest_address, long address, long length)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = guest_address,
		.memory_size = length,
		.userspace_addr = address,
	};

	CHECK_OK(answer(ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region)));
}

static void start_in_real_mode(void)
{
	struct kvm_sregs segments;

	CHECK_OK(answer(ioctl(processor, KVM_GET_SREGS, &segments)));
	segments.cs.base = GUEST_CODE;
	segments.cs.selector = 0;
	segments.ds.base = GUEST_DATA;
	CHECK_OK(answer(ioctl(processor, KVM_SET_SREGS, &segments)));
}

/* Makes a machine whose memory is the attachment, but for a page for the program. */
static long do_make_machine(const long *address_length_count)
{
	const long *a = address_length_count;
	int kvm = CHECK_OK(answer(open("/dev/kvm", O_RDWR | O_CLOEXEC)));
	long code = map_anonymous(PAGE), length;

	machine = CHECK_OK(answer(ioctl(kvm, KVM_CREATE_VM, 0)));
	processor = CHECK_OK(answer(ioctl(machine, KVM_CREATE_VCPU, 0)));
	length = CHECK_OK(answer(ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0)));
	run = (void *)map_file(processor, length, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (a[2])
		memcpy((void *)code, count_code, sizeof(count_code));
	else
		memcpy((void *)code, add_code, sizeof(add_code));
	put_memory(0, GUEST_CODE, code, PAGE);
	put_memory(1, GUEST_DATA, a[0], a[1]);
	start_in_real_mode();
	return answer(close(kvm));
}

/* Tells KVM that the guest's store is done, though it is not. */
static void drop_store(void)
{
	run->immediate_exit = 1;
	CHECK_EQ(answer(ioctl(processor, KVM_RUN, 0)), -EINTR);
	run->immediate_exit = 0;
}

/*
 * The guest reads at an offset, and writes at the word after it. Answers what it has written;
 * -EFAULT if it has no memory there; or -EACCES if KVM takes the memory for a device, into which
 * the guest must not store.
 */
static long do_run(const long *offset)
{
	struct kvm_regs registers = { .rip = 0, .rflags = 2, .rbx = offset[0], .rcx = ADDED };

	CHECK_OK(answer(ioctl(processor, KVM_SET_REGS, &registers)));
	if (ioctl(processor, KVM_RUN, 0))
		return -errno;
	if (run->exit_reason == KVM_EXIT_MMIO) {
		CHECK(run->mmio.is_write);
		CHECK_EQ(run->mmio.phys_addr, GUEST_DATA + offset[0] + 8);
		drop_store();
		return -EACCES;
	}
	CHECK_EQ(run->exit_reason, KVM_EXIT_HLT);
	CHECK_OK(answer(ioctl(processor, KVM_GET_REGS, &registers)));
	return registers.rax;
}

/* The guest runs until its memory is gone, or has lost a write. */
static long do_run_for_ever(const long *none)
{
	struct kvm_regs registers = { .rip = 0, .rflags = 2 };

	(void)none;
	CHECK_OK(answer(ioctl(processor, KVM_SET_REGS, &registers)));
	return ioctl(processor, KVM_RUN, 0) ? -errno : (long)run->exit_reason;
}

/* The guest reads the number of 32 bits that the exporter stores at an offset, and adds to it. */
static void check_guest_adds(long offset, long value)
{
	CHECK_OK(store(page + offset, value));
	CHECK_OK(store(page + offset + 8, 0));
	CHECK_EQ(on(attacher, do_run, offset), value + ADDED);
	CHECK_EQ(load(page + offset + 8), value + ADDED);
	CHECK_EQ(load(page + offset), value);
}

static void make_machine(long length, bool count)
{
	CHECK_OK(on(attacher, do_make_machine, at, length, count));
}

static void share_with_guest(long memory, long length)
{
	if (access("/dev/kvm", R_OK | W_OK))
		SKIP("there is no KVM");
	CHECK_OK(device_open());
	if (kind & XPMEM_ATTACH_PINNABLE && !device_has(XPMEM_FEATURE_PINNABLE))
		SKIP("this kernel has no pinnable attachments");
	attacher = peer_start();
	page = memory;
	fill(page, length, 1);
	segid = CHECK_OK(
		MAKE(.vaddr = page, .length = length, .mode = 0600, .flags = segment_flags));
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, length, kind));
}

/*
 * Kernels before 6.12 find no page in a huge entry of a driver's mapping. In a pinnable attachment
 * there is none.
 */
static void need_huge_entries(void)
{
	long result = on(attacher, do_run, 0);

	if (result == -EFAULT)
		SKIP("KVM of this kernel takes no memory from huge entries of attachments");
	CHECK_OK(result);
}

static void check_guest(long length)
{
	check_guest_adds(0, 17);
	check_guest_adds(0, 18);
	check_guest_adds(5 * PAGE + 16, 19);
	CHECK_EQ(on(attacher, do_load, at + 5 * PAGE + 24), 19 + ADDED);
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_OK(store(page + 8, 77));
	CHECK_EQ(on(attacher, do_run, 0), -EFAULT);
	CHECK_EQ(on(attacher, do_run, 5 * PAGE + 16), -EFAULT);
	CHECK_EQ(load(page + 8), 77);
	CHECK_EQ(load(page + 5 * PAGE + 24), 19 + ADDED);
	CHECK_EQ(load(page + length - 8), 0x10000000 + length / 8 - 1);
}

static void give_to_guest(long memory, long length)
{
	share_with_guest(memory, length);
	make_machine(length, false);
}

CASE(shared_memory)
{
	give_to_guest(map_shared(LENGTH), LENGTH);
	check_guest(LENGTH);
}

CASE(shared_memory_without_gup)
{
	segment_flags = XPMEM_MAKE_NO_GUP;
	give_to_guest(map_shared(LENGTH), LENGTH);
	check_guest(LENGTH);
}

CASE(private_memory)
{
	give_to_guest(small_pages(), LENGTH);
	check_guest(LENGTH);
}

CASE(private_huge_page)
{
	give_to_guest(map_huge(HUGE_PAGE), HUGE_PAGE);
	need_huge_entries();
	check_guest(HUGE_PAGE);
}

CASE(pinnable)
{
	kind = XPMEM_ATTACH_PINNABLE;
	give_to_guest(small_pages(), LENGTH);
	check_guest(LENGTH);
}

CASE(pinnable_huge_page)
{
	kind = XPMEM_ATTACH_PINNABLE;
	give_to_guest(map_huge(HUGE_PAGE), HUGE_PAGE);
	check_guest(HUGE_PAGE);
}

/* The guest touches the memory first, and brings it in. */
CASE(untouched_memory)
{
	give_to_guest(small_pages(), LENGTH);
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_DONTNEED)));
	CHECK_EQ(on(attacher, do_run, 3 * PAGE), ADDED);
	CHECK_EQ(load(page + 3 * PAGE + 8), ADDED);
}

CASE(read_only_attachment)
{
	kind = XPMEM_ATTACH_RDONLY;
	give_to_guest(small_pages(), LENGTH);
	CHECK_EITHER(on(attacher, do_run, 0), -EFAULT, -EACCES);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
}

/* Two processes share the page until one of them writes. */
static void check_shared_page(void)
{
	struct peer *child;

	give_to_guest(small_pages(), LENGTH);
	check_guest_adds(0, 17);
	child = peer_fork();
	CHECK_EQ(on(attacher, do_run, PAGE), 0x10000000 + PAGE / 8 + ADDED);
	CHECK_EQ(load(page + PAGE + 8), 0x10000000 + PAGE / 8 + ADDED);
	CHECK_EQ(on(child, do_load, page + PAGE + 8), 0x10000000 + PAGE / 8 + 1);
	check_guest_adds(PAGE, 18);
	CHECK_EQ(on(child, do_load, page + PAGE), 0x10000000 + PAGE / 8);
}

CASE(pinnable_memory_shared_with_a_child)
{
	kind = XPMEM_ATTACH_PINNABLE;
	check_shared_page();
}

CASE(private_memory_shared_with_a_child)
{
	check_shared_page();
}

static void check_exporter_changes(void)
{
	check_guest_adds(0, 17);
	check_guest_adds(PAGE, 18);
	CHECK_OK(answer(madvise((void *)(page + PAGE), PAGE, MADV_DONTNEED)));
	CHECK_EQ(on(attacher, do_run, PAGE), ADDED);
	CHECK_EQ(load(page + PAGE + 8), ADDED);
	check_guest_adds(PAGE, 19);
	protect(page + PAGE, PAGE, PROT_READ);
	CHECK_EITHER(on(attacher, do_run, PAGE), -EFAULT, -EACCES);
	CHECK_EQ(load(page + PAGE + 8), 19 + ADDED);
	protect(page + PAGE, PAGE, PROT_READ | PROT_WRITE);
	check_guest_adds(PAGE, 20);
	unmap(page + PAGE, PAGE);
	CHECK_EQ(on(attacher, do_run, PAGE), -EFAULT);
	check_guest_adds(0, 21);
}

CASE(exporter_changes_private_memory)
{
	give_to_guest(small_pages(), LENGTH);
	check_exporter_changes();
}

CASE(exporter_changes_a_private_huge_page)
{
	give_to_guest(map_huge(HUGE_PAGE), HUGE_PAGE);
	need_huge_entries();
	check_exporter_changes();
}

CASE(exporter_changes_pinnable_memory)
{
	kind = XPMEM_ATTACH_PINNABLE;
	give_to_guest(small_pages(), LENGTH);
	check_exporter_changes();
}

CASE(exporter_changes_a_pinnable_huge_page)
{
	kind = XPMEM_ATTACH_PINNABLE;
	give_to_guest(map_huge(HUGE_PAGE), HUGE_PAGE);
	check_exporter_changes();
}

static long count(void)
{
	return load(page) & 0xffffffff;
}

static void await_count(long more_than)
{
	while (count() <= more_than)
		usleep(1000);
}

static void start_counting(long memory)
{
	share_with_guest(memory, LENGTH);
	CHECK_OK(store(page, 0));
	make_machine(LENGTH, true);
	peer_tell(attacher, do_run_for_ever, ARGUMENTS(0));
	await_count(0);
}

/* Access has ended when the call that removes the segment returns. */
static void check_removed_amid_run(long memory)
{
	long last;

	start_counting(memory);
	CHECK_OK(REMOVE(.segid = segid));
	last = count();
	CHECK_EQ(peer_answer(attacher), -EFAULT);
	CHECK_EQ(count(), last);
}

CASE(shared_memory_removed_while_the_guest_runs)
{
	check_removed_amid_run(map_shared(LENGTH));
}

CASE(private_memory_removed_while_the_guest_runs)
{
	check_removed_amid_run(small_pages());
}

CASE(pinnable_memory_removed_while_the_guest_runs)
{
	kind = XPMEM_ATTACH_PINNABLE;
	check_removed_amid_run(small_pages());
}

#define TURNS 20

/* The guest halts if it misses a write, and then counts no more. */
static void check_counted(void)
{
	struct peer *child;
	long last = 0, turn;

	start_counting(small_pages());
	for (turn = 0; turn < TURNS; turn++) {
		child = peer_fork();
		await_count(last);
		last = count();
		CHECK_OK(answer(madvise((void *)page, PAGE, MADV_PAGEOUT)));
		await_count(last);
		last = count();
		peer_end(child, 0);
	}
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(peer_answer(attacher), -EFAULT);
}

CASE(counted_while_the_exporter_forks_and_pages_out)
{
	check_counted();
}

CASE(counted_in_pinnable_memory_while_the_exporter_forks_and_pages_out)
{
	kind = XPMEM_ATTACH_PINNABLE;
	check_counted();
}
