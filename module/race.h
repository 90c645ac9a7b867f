/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Race points: named places where a build with XPMEM_RACE=1 delays the task, so that tests reach
 * interleavings that are rare otherwise, or has the task take a branch that is rare otherwise. They
 * compile to nothing in every other build.
 *
 * Names have the form "object-step", for example "invalidation-zap". Two places may share a name.
 */
#ifndef XPMEM_RACE_H
#define XPMEM_RACE_H

#ifdef XPMEM_RACE

#include <linux/types.h>

struct xpmem_race {
	const char *name;
	struct xpmem_race *next;	/* race_lock, set once */
	bool listed;			/* race_lock */
	unsigned long passes;		/* race_lock; since the seed was set */
	unsigned long delays;		/* race_lock; since the seed was set */
};

void xpmem_race_sleep(struct xpmem_race *race);
void xpmem_race_delay(struct xpmem_race *race);
bool xpmem_race_choose(struct xpmem_race *race);

/* The caller may sleep, and its task is TASK_RUNNING. */
#define xpmem_race_point(label) do {				\
	static struct xpmem_race race_ = { .name = (label) };	\
								\
	xpmem_race_sleep(&race_);				\
} while (0)

/* The caller holds a spinlock, or must not sleep. Waits a few microseconds at most. */
#define xpmem_race_spin(label) do {				\
	static struct xpmem_race race_ = { .name = (label) };	\
								\
	xpmem_race_delay(&race_);				\
} while (0)

/* Whether the caller takes a branch that is rare otherwise. Any context. */
#define xpmem_race_chance(label) ({				\
	static struct xpmem_race race_ = { .name = (label) };	\
								\
	xpmem_race_choose(&race_);				\
})

#else

#define xpmem_race_point(label) do { } while (0)
#define xpmem_race_spin(label) do { } while (0)
#define xpmem_race_chance(label) false

#endif

#endif
