/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Valgrind runs a process on an address space that it manages itself: it gives each mapping its
 * address, and takes memory for unmapped that the kernel mapped unasked. So a process under
 * Valgrind attaches in place of a mapping that Valgrind saw, and removes that mapping when it
 * detaches. Nothing here does anything in other processes, or if the library was built without
 * Valgrind's header.
 */
#ifndef XPMEM_MEMCHECK_H
#define XPMEM_MEMCHECK_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/xpmem.h>

#ifdef HAVE_VALGRIND
#include <valgrind/valgrind.h>
#define XPMEM_UNDER_VALGRIND ((bool)RUNNING_ON_VALGRIND)
#else
#define XPMEM_UNDER_VALGRIND false
#endif

/* XPMEM_IOC_ATTACH under Valgrind. Returns 0, or -1 and errno. */
int xpmem_memcheck_attach(struct xpmem_ioc_attach *request);

/* Says that @length bytes at @address, which Valgrind may not know, are mapped, and have values. */
void xpmem_memcheck_attached(void *address, size_t length);

/* Forgets @length bytes at @address that the module has unmapped. */
void xpmem_memcheck_detached(void *address, size_t length);

#endif
