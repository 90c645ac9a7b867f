// SPDX-License-Identifier: GPL-2.0-only
/* Arrays for snapshots of a window. */
#include <linux/percpu.h>
#include <linux/slab.h>

#include "fault.h"
#include "xpmem.h"

/*
 * A spare array for a window's snapshot, or NULL, for each CPU. Kernels may clear memory that they
 * allocate, which takes longer than filling the array. Arrays are charged to the task that needed a
 * new one, because an exporter keeps those of tasks that never retry (retry.c).
 */
static DEFINE_PER_CPU(unsigned long *, spare_pfns);

void xpmem_pfns_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kfree(per_cpu(spare_pfns, cpu));
}

/* Returns an array for a window's snapshot, for xpmem_pfns_put(), or NULL when memory is short. */
unsigned long *xpmem_pfns_get(void)
{
	unsigned long *pfns = this_cpu_xchg(spare_pfns, NULL);

	if (!pfns)
		pfns = kmalloc_array(XPMEM_WINDOW_PAGES, sizeof(*pfns),
				     GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN);
	return pfns;
}

void xpmem_pfns_put(unsigned long *pfns)
{
	if (this_cpu_cmpxchg(spare_pfns, NULL, pfns))
		kfree(pfns);
}
