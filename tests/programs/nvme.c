/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NVMe disk reads and writes attachments by DMA: O_DIRECT, and commands of the driver's own,
 * which take user pages in another way. The first megabytes of the disk are for these cases.
 */
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pinning.h"

#define SECTOR 512
#define COMMAND_LENGTH (16 * PAGE)	/* less than a disk takes in one command */

static int disk = -1;

/* Before the fork of the attacher. */
static void open_disk(void)
{
	const char *path = getenv("XPMEM_TEST_NVME");

	if (!path)
		SKIP("XPMEM_TEST_NVME names no disk");
	disk = CHECK_OK(answer(open(path, O_RDWR | O_DIRECT | O_CLOEXEC)));
}

static long do_transfer(const long *address_length_write)
{
	const long *a = address_length_write;

	return answer(a[2] ? pwrite(disk, (void *)a[0], a[1], 0)
			   : pread(disk, (void *)a[0], a[1], 0));
}

/* opcodes of commands */
#define NVME_WRITE 1
#define NVME_READ 2

static long do_command(const long *address_length_opcode)
{
	const long *a = address_length_opcode;
	struct nvme_passthru_cmd command = {
		.opcode = a[2],
		.nsid = CHECK_OK(answer(ioctl(disk, NVME_IOCTL_ID))),
		.addr = a[0],
		.data_len = a[1],
		.cdw12 = a[1] / SECTOR - 1,
	};

	return answer(ioctl(disk, NVME_IOCTL_IO_CMD, &command));
}

static void share_filled(long memory, long length)
{
	open_disk();
	start();
	fill(memory, length, 1);
	share_as(memory, length, 0);
}

/* Checks the content of the disk, which it reads into memory that is not attached. */
static void check_disk(long length, long seed)
{
	long memory = map_anonymous(length);

	CHECK_EQ(here(do_transfer, memory, length, 0), length);
	CHECK_EQ(verify(memory, length, seed), 0);
	unmap(memory, length);
}

static void attach_without_flag(void)
{
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
}

static void check_direct_io(long length)
{
	CHECK_EQ(on(attacher, do_transfer, at, length, 1), length);
	check_disk(length, 1);
	fill(page, length, 2);
	CHECK_EQ(on(attacher, do_transfer, at, length, 0), length);
	CHECK_EQ(verify(page, length, 1), 0);
	CHECK_EQ(on(attacher, do_verify, at, length, 1), 0);
}

CASE(direct_io)
{
	share_filled(small_pages(), LENGTH);
	check_direct_io(LENGTH);
}

CASE(direct_io_of_a_huge_page)
{
	share_filled(map_huge(HUGE_PAGE), HUGE_PAGE);
	check_direct_io(HUGE_PAGE);
}

CASE(direct_io_of_shared_memory)
{
	share_filled(map_shared(LENGTH), LENGTH);
	attach_without_flag();
	check_direct_io(LENGTH);
}

/* The disk stores into pages that no process has touched. */
CASE(direct_io_to_untouched_memory)
{
	share_filled(small_pages(), LENGTH);
	CHECK_EQ(on(attacher, do_transfer, at, LENGTH, 1), LENGTH);
	CHECK_OK(answer(madvise((void *)page, LENGTH, MADV_DONTNEED)));
	CHECK_EQ(on(attacher, do_transfer, at, LENGTH, 0), LENGTH);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
}

static void check_commands(long memory, long length)
{
	share_filled(memory, length);
	CHECK_EQ(on(attacher, do_command, at, COMMAND_LENGTH, NVME_WRITE), 0);
	check_disk(COMMAND_LENGTH, 1);
	fill(page, length, 2);
	CHECK_EQ(on(attacher, do_command, at, COMMAND_LENGTH, NVME_READ), 0);
	CHECK_EQ(verify(page, COMMAND_LENGTH, 1), 0);
	CHECK_EQ(load(page + COMMAND_LENGTH), 0x20000000 + COMMAND_LENGTH / 8);
}

CASE(commands)
{
	check_commands(small_pages(), LENGTH);
}

CASE(commands_of_a_huge_page)
{
	check_commands(map_huge(HUGE_PAGE), HUGE_PAGE);
}

CASE(ordinary_attachment)
{
	share_filled(small_pages(), LENGTH);
	attach_without_flag();
	CHECK_EQ(on(attacher, do_transfer, at, LENGTH, 1), -EFAULT);
	CHECK_EQ(on(attacher, do_transfer, at, LENGTH, 0), -EFAULT);
	CHECK_EQ(on(attacher, do_command, at, COMMAND_LENGTH, NVME_WRITE), -EFAULT);
	CHECK_EQ(on(attacher, do_command, at, COMMAND_LENGTH, NVME_READ), -EFAULT);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_EQ(on(attacher, do_transfer, at, LENGTH, 1), -EFAULT);
}

/* The disk is too slow to be caught at work, so a command must find nothing any more. */
CASE(removed)
{
	share_filled(small_pages(), LENGTH);
	CHECK_EQ(on(attacher, do_transfer, at, LENGTH, 1), LENGTH);
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(on(attacher, do_transfer, at, LENGTH, 0), -EFAULT);
	CHECK_EQ(on(attacher, do_command, at, COMMAND_LENGTH, NVME_READ), -EFAULT);
	CHECK_EQ(verify(page, LENGTH, 1), 0);
}
