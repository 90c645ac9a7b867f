/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting for words of exported memory. */
#ifndef XPMEM_WAIT_H
#define XPMEM_WAIT_H

#include "xpmem.h"

int xpmem_wait(u64 vaddr, u64 expected, u64 deadline, u32 flags);
long xpmem_wake(u64 vaddr, u32 count);
void xpmem_wait_revoke(struct xpmem_exporter *exporter, unsigned long start, unsigned long end);
void xpmem_wait_init(void);

#endif
