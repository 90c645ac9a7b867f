/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel merges pages of equal content that a process offers with MADV_MERGEABLE. */
#ifndef MERGING_H
#define MERGING_H

#include <stdbool.h>

/*
 * Has the kernel merge pages from now on, at its fastest. Skips the case where the kernel merges
 * none.
 */
void start_merging(void);
/* Stops that, and keeps what is merged, so that nothing is merged again behind the case's back. */
void stop_merging(void);
/* Stops that, and gives each process pages of its own again. */
void undo_merging(void);

/* Whether one page is mapped at two addresses of this process. */
bool are_merged(long first, long second);
void await_merged(long first, long second);

#endif
