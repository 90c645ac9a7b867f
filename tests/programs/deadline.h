/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing may keep a process from dying, and no call may take for ever. */
#ifndef DEADLINE_H
#define DEADLINE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * seconds that a killed process may take: an emulated processor, a debug kernel, and others that
 * want the processor
 */
#define DEATH_LIMIT (25.0 * slowness())

/* seconds, from any fixed point */
double now(void);

/*
 * waits for the end of a child; -ETIMEDOUT after the seconds, else its status as waitpid gives it
 */
long wait_for_end(pid_t child, double seconds);

/*
 * SIGKILL for a child; fails the case, with where its threads hang in the kernel, when it is not
 * gone in time
 */
void kill_in_time(pid_t child);
/* the same for one that has ended already, or will of itself */
void end_in_time(pid_t child);

/* what each thread of a process is waiting for, on stderr */
void print_kernel_stacks(pid_t pid);

/*
 * waits until all threads of a process sleep: in what they were told to do, as far as can be seen
 */
bool falls_asleep(pid_t pid, double seconds);

/* waits until the module is used by so many only; the number of its users, or -errno */
long module_users(void);
bool module_users_fall_to(long users, double seconds);

#endif
