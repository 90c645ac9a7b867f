/* SPDX-License-Identifier: GPL-2.0-only */
/* Records which branches are taken, in a build with XPMEM_COVERAGE=1 only. */
#ifndef XPMEM_COVERAGE_H
#define XPMEM_COVERAGE_H

#include "xpmem.h"

#ifdef XPMEM_COVERAGE
int xpmem_coverage_init(void);
void xpmem_coverage_exit(void);
#else
static inline int xpmem_coverage_init(void)
{
	return 0;
}

static inline void xpmem_coverage_exit(void)
{
}
#endif

#endif
