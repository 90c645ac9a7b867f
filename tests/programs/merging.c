/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <unistd.h>

#include "device.h"
#include "merging.h"

#define KSM(knob) "/sys/kernel/mm/ksm/" knob

void start_merging(void)
{
	if (write_file(KSM("sleep_millisecs"), "1") < 0)
		SKIP("this kernel does not merge pages");
	CHECK_OK(write_file(KSM("pages_to_scan"), "2000"));
	/*
	 * Since 6.7, unless told otherwise, the kernel looks ever more seldom at what it could not
	 * merge before.
	 */
	write_file(KSM("smart_scan"), "0");
	CHECK_OK(write_file(KSM("run"), "1"));
}

void stop_merging(void)
{
	CHECK_OK(write_file(KSM("run"), "0"));
}

void undo_merging(void)
{
	CHECK_OK(write_file(KSM("run"), "2"));
}

bool are_merged(long first, long second)
{
	uint64_t number = page_number(first);

	return number && number == page_number(second);
}

void await_merged(long first, long second)
{
	int turn;

	for (turn = 0; turn < 2000 && !are_merged(first, second); turn++)
		usleep(10000);
	CHECK(are_merged(first, second));
}
