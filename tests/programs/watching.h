/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This process watches its own memory by userfaultfd. */
#ifndef WATCHING_H
#define WATCHING_H

#include <linux/userfaultfd.h>
#include <stdbool.h>

/* The userfaultfd that was opened last; reads of it do not wait. */
extern int watch_file;

/* Opens one for a range; -errno where the kernel does not watch such memory this way. */
long watch(long address, long length, int mode, long features);
/* The same for writes to protected pages. Skips the case where the kernel protects none. */
void watch_writes(long address, long length);
void protect_writes(long address, bool on);

/* Waits for the next touch of a missing or protected page, and returns its address. */
long next_fault(unsigned long flags);

#endif
