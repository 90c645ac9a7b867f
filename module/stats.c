// SPDX-License-Identifier: GPL-2.0-only
/* Counters of what the module did, per cpu so that faults share no cache line. */
#include <linux/percpu.h>

#include "xpmem.h"

struct counters {
	u64 values[XPMEM_STAT_COUNT];
};

static DEFINE_PER_CPU(struct counters, counters);

void xpmem_stat_add(enum xpmem_stat stat, u64 n)
{
	this_cpu_add(counters.values[stat], n);
}

u64 xpmem_stat_read(enum xpmem_stat stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(counters, cpu).values[stat]);
	return sum;
}
