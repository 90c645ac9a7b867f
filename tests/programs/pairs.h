/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the processes of pairs.c share, and the operations.
 *
 * The exporter exports a region of four parts at a fixed address. Page n of it holds zero or a
 * stamp of n. The attacher maps the region at a fixed address where nothing else is ever mapped.
 * When an operation frees pages, the exporter uses them at once for secrets outside the region,
 * which no attacher may see or change.
 */
#ifndef PAIRS_H
#define PAIRS_H

#include <stdatomic.h>

#include "device.h"

enum side { EXPORTER, ATTACHER, OUTSIDE, SIDES };

enum part { PRIVATE_PART, SHARED_PART, HUGE_PART, HUGETLB_PART, PARTS };

#define IN_PRIVATE (1U << PRIVATE_PART)
#define IN_SHARED (1U << SHARED_PART)
#define IN_HUGE (1U << HUGE_PART)
#define IN_HUGETLB (1U << HUGETLB_PART)
#define ANYWHERE (IN_PRIVATE | IN_SHARED | IN_HUGE | IN_HUGETLB)

#define PART_PAGES 16			/* pages of each part that are used */
#define PAGES (PARTS * PART_PAGES)
#define SHARED_OFFSET HUGE_PAGE		/* behind the huge part */
#define PRIVATE_OFFSET (2 * HUGE_PAGE)
#define HUGETLB_OFFSET (3 * HUGE_PAGE)	/* a page of 2 MiB of hugetlbfs, if there is one */
#define REGION_LENGTH (HUGETLB_OFFSET + HUGE_PAGE)

/* The kernel never chooses these addresses. */
#define REGION 0x110000000000L
#define MOVED_AWAY 0x120000000000L
#define VIEW 0x130000000000L
#define VIEW_MOVED 0x140000000000L

enum phase { REST, PREPARE, ATTACH, RUN, WRITE, EXCHANGE, READ, STOP };

struct target {
	long offset, length;	/* in the region */
	int page;		/* the first one's number */
};

struct stage {
	/* The keeper sets these before a phase begins. */
	atomic_int phase, turn;		/* turn counts the phases */
	int operations[2];
	unsigned int seed;		/* of the round */
	struct target targets[2];
	atomic_int round;
	bool close_is_end;		/* nothing else holds the open file in this round */
	pid_t pids[SIDES];
	/* The processes set these. */
	atomic_int arrived[SIDES];	/* the last turn that a process has completed */
	atomic_int standing;		/* threads that are ready for the operations to begin */
	atomic_long segid, apid;
	atomic_bool ended;		/* a call that ends the segment or permit has returned */
	atomic_bool closed;		/* an open file was closed, and ends with the phase */
	atomic_bool written;		/* the attacher left values for the exporter */
	atomic_bool view_changed;	/* the attacher changed its mapping */
	atomic_long values[PAGES];	/* written by one side for the other */
	atomic_long touches, signals, endings;
};

extern struct stage *stage;
extern int shared_file;		/* of the shared part */
extern int hugetlb_file;	/* of the hugetlb part */
extern int direct_file;		/* opened with O_DIRECT, with a stamp of each page, or -1 */

struct operation {
	const char *name;
	enum side side;
	unsigned int parts;	/* where it may be aimed */
	bool forks;		/* a child holds the open files for a moment */
	bool ends_exporter, ends_attacher;
	void (*run)(const struct target *target, unsigned int *seed);
};

extern const struct operation operations[];
extern const int operation_count;

long page_offset(int page);
long stamp(int page, unsigned int *seed);
bool legal(int page, long value);

/* The exporter's pool of secrets. The check also empties it. */
void secrets_create(void);
void secrets_reuse(void);
void secrets_check(void);

#endif
