// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The receivers of all pairs. They measure the same at the same time: each step begins when all
 * have ended the one before, and all take the same way after an error of one.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "xpmembench.h"

size_t crew_size(unsigned int members)
{
	return sizeof(struct crew) + members * sizeof(struct share);
}

/* Only the first receiver says that a process ended; the others end with it. */
static void check_children(void)
{
	int status;

	if (waitpid(-1, &status, WNOHANG) <= 0)
		return;
	if (WIFSIGNALED(status))
		complain("a process of the benchmark was killed by signal %d", WTERMSIG(status));
	else
		complain("a process of the benchmark ended early");
	exit(STATUS_FAILURE);
}

int crew_meet(const struct member *member, int error)
{
	struct crew *crew = member->crew;
	unsigned int round = atomic_load(&crew->round);
	unsigned long spins = 0;
	int none = 0;

	if (error)
		atomic_compare_exchange_strong(&crew->pending, &none, error);
	if (atomic_fetch_add(&crew->arrived, 1) + 1 == crew->members) {
		crew->agreed = atomic_exchange(&crew->pending, 0);
		atomic_store(&crew->arrived, 0);
		atomic_store(&crew->round, round + 1);
		return crew->agreed;
	}
	while (atomic_load(&crew->round) == round) {
		if (++spins < SPINS && crew->spins)
			continue;
		sched_yield();
		if (spins % YIELDS == 0 && member->number == 0)
			check_children();
	}
	return crew->agreed;
}
