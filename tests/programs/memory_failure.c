/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that fails under the exporter. Whoever touches the lost page gets SIGBUS, the attacher as
 * the exporter; everything else goes on. The failures are injected, by madvise.
 */
#include <stdlib.h>
#include <unistd.h>

#include "device.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE 101	/* include/uapi/asm-generic/mman-common.h of the kernel */
#endif

static struct peer *attacher;
static long page, at, length;

static void share(long memory, long bytes)
{
	CHECK_OK(device_open());
	page = memory;
	length = bytes;
	attacher = peer_start();
	fill(page, length, 1);
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, length), 0, length));
	CHECK_EQ(on(attacher, do_verify, at, length, 1), 0);
	CHECK_OK(on(attacher, do_fill, at, length, 2));
}

static void advise_page(long address, int advice)
{
	long result = answer(madvise((void *)address, PAGE, advice));

	if (result == -EINVAL || result == -EPERM)
		SKIP("memory failures cannot be injected here: %s", describe(result));
	CHECK_OK(result);
}

static void on_injected(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_code != BUS_MCEERR_AR)
		_exit(EXIT_FAILURE);
}

/* Kernels after 6.12 signal the process that injects a failure, as if it touched the page. */
static void fail_page(long address)
{
	struct sigaction injected = { .sa_sigaction = on_injected, .sa_flags = SA_SIGINFO }, usual;

	sigaction(SIGBUS, &injected, &usual);
	advise_page(address, MADV_HWPOISON);
	sigaction(SIGBUS, &usual, NULL);
}

static void check_lost(long offset)
{
	long value = 2 * 0x10000000L;

	CHECK_EQ(on(attacher, do_load, at + offset), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_store, at + offset, 3), GOT_SIGBUS);
	CHECK_EQ(load(page + offset), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_load, at + offset - 8), value + offset / 8 - 1);
	CHECK_EQ(on(attacher, do_load, at + offset + PAGE), value + (offset + PAGE) / 8);
	CHECK_OK(on(attacher, do_store, at + offset + PAGE, 4));
	CHECK_EQ(load(page + offset + PAGE), 4);
}

/* what takes the place of the lost page works */
static void check_replaced(long offset)
{
	map_over(page + offset, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	CHECK_EQ(on(attacher, do_load, at + offset), 0);
	CHECK_OK(on(attacher, do_store, at + offset, 5));
	CHECK_EQ(load(page + offset), 5);
}

CASE(private_memory)
{
	share(map_anonymous(8 * PAGE), 8 * PAGE);
	fail_page(page + 2 * PAGE);
	check_lost(2 * PAGE);
	check_replaced(2 * PAGE);
}

CASE(shared_memory)
{
	share(map_shared(8 * PAGE), 8 * PAGE);
	fail_page(page + 2 * PAGE);
	check_lost(2 * PAGE);
	check_replaced(2 * PAGE);
}

CASE(huge_page)
{
	share(map_huge(4 * MIB), 4 * MIB);
	fail_page(page + 2 * MIB + 3 * PAGE);
	check_lost(2 * MIB + 3 * PAGE);
	check_replaced(2 * MIB + 3 * PAGE);
}

CASE(before_attach)
{
	long memory = map_anonymous(8 * PAGE);

	CHECK_OK(device_open());
	attacher = peer_start();
	page = memory;
	fill(page, 8 * PAGE, 2);
	fail_page(page + 2 * PAGE);
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, 8 * PAGE), 0, 8 * PAGE,
			 XPMEM_ATTACH_POPULATE));
	check_lost(2 * PAGE);
}

/* the page is moved away in time: nothing is lost, and nothing shows */
static void check_soft_offline(long memory, long bytes)
{
	long i;

	share(memory, bytes);
	for (i = 0; i < 4; i++) {
		advise_page(page + i * PAGE, MADV_SOFT_OFFLINE);
		CHECK_EQ(on(attacher, do_verify, at, length, 2 + i), 0);
		CHECK_OK(on(attacher, do_fill, at, length, 3 + i));
		CHECK_EQ(verify(page, length, 3 + i), 0);
	}
}

CASE(soft_offline)
{
	check_soft_offline(map_anonymous(8 * PAGE), 8 * PAGE);
}

CASE(soft_offline_of_shared_memory)
{
	check_soft_offline(map_shared(8 * PAGE), 8 * PAGE);
}

CASE(soft_offline_of_a_huge_page)
{
	check_soft_offline(map_huge(4 * MIB), 4 * MIB);
}
