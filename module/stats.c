// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of what the module did. Those of the machine are per CPU, so that faults share no cache
 * line for them. Those of an object are in the object, which a fault writes anyway.
 */
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

/* @stat is below XPMEM_FAULT_STATS. */
void xpmem_stat_add_fault(struct xpmem_attachment *attachment, enum xpmem_stat stat, u64 n)
{
	struct xpmem_segment *segment = attachment->permit->segment;

	xpmem_stat_add(stat, n);
	atomic_long_add(n, &attachment->stats[stat]);
	atomic_long_add(n, &segment->stats[stat]);
	atomic_long_add(n, &segment->exporter->stats[stat]);
}

/* @stat is below XPMEM_EXPORTER_STATS. */
void xpmem_stat_add_change(struct xpmem_exporter *exporter, enum xpmem_stat stat, u64 n)
{
	xpmem_stat_add(stat, n);
	atomic_long_add(n, &exporter->stats[stat]);
}

u64 xpmem_stat_read(enum xpmem_stat stat)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(counters, cpu).values[stat]);
	return sum;
}
