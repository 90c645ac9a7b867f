// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The receivers of all pairs. They measure the same at the same time: each step begins when all
 * have ended the one before, and all take the same way after an error of one.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xpmembench.h"

size_t crew_size(unsigned int members)
{
	return sizeof(struct crew) + members * sizeof(struct share);
}

/* Whether a process that this one started has ended. */
static bool child_ended(siginfo_t *ended)
{
	ended->si_pid = 0;
	return !waitid(P_ALL, 0, ended, WEXITED | WNOHANG | WNOWAIT) && ended->si_pid;
}

/* The first receiver says what happened, and the others end with it. */
static _Noreturn void give_up(const struct member *member, const siginfo_t *ended)
{
	if (member->number)
		_exit(STATUS_FAILURE);
	if (ended->si_code == CLD_EXITED)
		complain("a process of the benchmark ended early");
	else
		complain("a process of the benchmark was killed by signal %d", ended->si_status);
	exit(STATUS_FAILURE);
}

int crew_meet(const struct member *member, int error)
{
	struct crew *crew = member->crew;
	unsigned int round = atomic_load(&crew->round);
	unsigned long spins = 0;
	siginfo_t ended;
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
		/* A child that has ended in this round leaves it incomplete for ever. */
		if (spins % YIELDS == 0 && child_ended(&ended) &&
		    atomic_load(&crew->round) == round)
			give_up(member, &ended);
	}
	return crew->agreed;
}
