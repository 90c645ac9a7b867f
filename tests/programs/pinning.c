/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pinning.h"

struct peer *attacher;
long page, segid, at;

void start(void)
{
	CHECK_OK(device_open());
	if (!device_has(XPMEM_FEATURE_PINNABLE))
		SKIP("this kernel has no pinnable attachments");
	attacher = peer_start();
}

void share_as(long memory, long length, long flags)
{
	page = memory;
	segid = CHECK_OK(export_range(page, length));
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, length,
			 flags | XPMEM_ATTACH_PINNABLE));
}

void share(long memory)
{
	start();
	fill(memory, LENGTH, 1);
	share_as(memory, LENGTH, 0);
}

long small_pages(void)
{
	long memory = map_aligned(LENGTH, HUGE_PAGE);

	use_small_pages(memory, LENGTH);
	return memory;
}

void write_pages(long address, long pages, long value)
{
	long i;

	for (i = 0; i < pages; i++)
		CHECK_OK(store(address + i * PAGE + 8, value + i));
}

long wrong_pages(long address, long pages, long value)
{
	long i, wrong = 0;

	for (i = 0; i < pages; i++)
		wrong += load(address + i * PAGE + 8) != value + i;
	return wrong;
}

long pages_present(void)
{
	long i, present = 0;

	for (i = 0; i < PAGES; i++)
		present += page_number(page + i * PAGE) != 0;
	return present;
}

long do_device_fill(const long *pages_value)
{
	long i, error = 0;

	for (i = 0; i < pages_value[0] && !error; i++)
		error = do_device_store(ARGUMENTS(i * PAGE + 8, pages_value[1] + i));
	return error;
}

long do_device_verify(const long *pages_value)
{
	long i, wrong = 0;

	for (i = 0; i < pages_value[0]; i++)
		wrong += do_device_load(ARGUMENTS(i * PAGE + 8)) != pages_value[1] + i;
	return wrong;
}

void check_same_pages(long pages, long value)
{
	write_pages(page, pages, value);
	CHECK_EQ(on(attacher, do_device_verify, pages, value), 0);
	CHECK_OK(on(attacher, do_device_fill, pages, value + 1000));
	CHECK_EQ(wrong_pages(page, pages, value + 1000), 0);
	CHECK_EQ(on(attacher, do_load, at + 8), value + 1000);
	CHECK_OK(on(attacher, do_store, at + 8, value + 5));
	CHECK_EQ(load(page + 8), value + 5);
	CHECK_EQ(on(attacher, do_device_load, 8), value + 5);
}

void pin_all(void)
{
	CHECK_OK(on(attacher, do_pin, at, PAGES, 1));
	check_same_pages(PAGES, 100);
}

void unpin_all(void)
{
	check_same_pages(PAGES, 200);
	CHECK_OK(on(attacher, do_unpin, 0));
}

long do_fork(const long *none)
{
	pid_t child = CHECK_OK(answer(fork()));
	int status;

	(void)none;
	if (!child)
		_exit(EXIT_SUCCESS);
	return CHECK_OK(answer(waitpid(child, &status, 0))) == child ? status : -ECHILD;
}
