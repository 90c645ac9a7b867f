/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes in a ring, of which each attaches memory of the next. A task of each has a fault that
 * must keep its own mmap_lock, and another waits to write that lock. A task that cannot have the
 * next process's lock by trying borrows it from that process's task. README.md says more.
 */
#include "rwsem.pml"

#define PROCESSES 3
#define next ((me + 1) % PROCESSES)

rwsem mmap_lock[PROCESSES];
bit lends[PROCESSES];		/* the task is in such a fault and holds its lock */
byte borrowers[PROCESSES];	/* of the lock that the task holds */

/* The fault reads the page tables of the next process. */
inline work()
{
	assert(mmap_lock[next].readers > 0 && !mmap_lock[next].writer)
}

proctype fault(byte me)
{
	atomic { read_lock(mmap_lock[me]) };
	lends[me] = 1;
	/* It tries again and again. */
	if
	:: atomic { read_lock(mmap_lock[next]) };
		work();
		read_unlock(mmap_lock[next])
#ifndef NO_BORROW
	:: atomic { lends[next] -> borrowers[next]++ };
		work();
		borrowers[next]--
#endif
	fi;
	lends[me] = 0;
#ifndef RETURN_EARLY
	borrowers[me] == 0;
#endif
	read_unlock(mmap_lock[me])
}

proctype write(byte me)
{
	atomic { write_lock(mmap_lock[me]) };
	write_unlock(mmap_lock[me])
}

init {
	byte me;

	atomic {
		for (me : 0 .. PROCESSES - 1) {
			run fault(me);
			run write(me)
		}
	}
}
