/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The harness itself: each case ends in the way that its name says. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "device.h"

CASE(unequal)
{
	CHECK_EQ(4, 4);
	CHECK_EQ(2 + 2, 5);
}

CASE(error)
{
	CHECK_OK(answer(munmap((void *)1, PAGE)));
}

CASE(signal)
{
	long page = map_anonymous(PAGE);

	CHECK_EQ(store(page, 3), 0);
	CHECK_EQ(load(page), 3);
	unmap(page, PAGE);
	CHECK_EQ(store(page, 3), 0);
}

CASE(hang)
{
	alarm(1);
	for (;;)
		pause();
}

static long do_fail(const long *none)
{
	(void)none;
	FAIL("in a peer");
}

CASE(failing_peer)
{
	(void)on(peer_fork(), do_fail, 0);
}

CASE(fault)
{
	long *volatile nowhere = (long *)PAGE;

	*nowhere = 0;
}

CASE(leftover_peer)
{
	printf("%d\n", peer_pid(peer_fork()));
	CHECK(!"reached");
}

CASE(skipped)
{
	SKIP("there is a reason");
}

CASE_DESCRIBED(passes, "passes, and has another description")
{
}

CASE(crash)
{
	signal(SIGABRT, SIG_DFL);
	abort();
}

/* A child of the case that outlives it. */
static void start_child(void)
{
	if (CHECK_OK(answer(fork())))
		return;
	setsid();
	alarm(0);
	for (;;)
		pause();
}

CASE(hang_for_good)
{
	start_child();
	signal(SIGALRM, SIG_IGN);
	for (;;)
		pause();
}

CASE(left_process)
{
	start_child();
}

CASE(passes_after)
{
}
