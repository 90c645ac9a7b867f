/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Valgrind runs a process in an address space that it manages itself. It chooses the address of
 * each mapping, and treats memory as unmapped if the kernel chose its address. So a process under
 * Valgrind attaches in place of a mapping that Valgrind saw, and removes that mapping when it
 * detaches. Other processes use none of these functions, nor does a library that was built without
 * Valgrind's header.
 */
#ifndef XPMEM_MEMCHECK_H
#define XPMEM_MEMCHECK_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/xpmem.h>

#ifdef HAVE_VALGRIND
#include <valgrind/valgrind.h>
#define XPMEM_UNDER_VALGRIND ((bool)RUNNING_ON_VALGRIND)
#else
#define XPMEM_UNDER_VALGRIND false
#endif

/* XPMEM_IOC_ATTACH under Valgrind. Returns 0, or -1 and errno. */
int xpmem_memcheck_attach(struct xpmem_ioc_attach *request);

/* XPMEM_CMD_ATTACH at an address, under Valgrind. Returns 0, or -1 and errno. */
int xpmem_memcheck_attach_at(struct xpmem_cmd_attach *request);

/* Tells Valgrind that the module has unmapped @length bytes at @address. */
void xpmem_memcheck_detached(uint64_t address, uint64_t length);

#endif
