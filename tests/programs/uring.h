/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ring of io_uring, of the process that opens it. */
#ifndef URING_H
#define URING_H

#include <liburing.h>

extern struct io_uring ring;

/* Operations of a peer; 0 or the negative errno. */
long do_open_ring(const long *none);
long do_register(const long *address_length);

/* Submits the entry, waits for its first completion, and returns the result and the flags. */
long complete(unsigned int *flags);

#endif
