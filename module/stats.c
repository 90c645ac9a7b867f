// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of the module's actions. Those of the machine are per CPU, so that faults share no cache
 * line for them. Those of an object are in the object, which a fault writes anyway.
 */
#include <linux/ktime.h>
#include <linux/percpu.h>

#include "xpmem.h"

struct counters {
	u64 values[XPMEM_STAT_COUNT];
};

static DEFINE_PER_CPU(struct counters, counters);

/* Times of the last refusals since boot; 0: none. Tasks write them without a lock. */
static ktime_t last_refusals[XPMEM_STAT_COUNT];

void xpmem_stat_add(enum xpmem_stat stat, u64 n)
{
	this_cpu_add(counters.values[stat], n);
}

/* Counts a refusal of the machine, and keeps its time. */
void xpmem_stat_add_refusal(enum xpmem_stat stat)
{
	xpmem_stat_add(stat, 1);
	WRITE_ONCE(last_refusals[stat], ktime_get_boottime());
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

/**
 * xpmem_stat_last_refusal() - tell when a kind of refusal occurred last
 * @stat: the statistic that counts them
 *
 * The machine's clock may have been set since then: the result is by its present setting.
 *
 * Return: seconds since 1970, or 0 if there was none.
 */
time64_t xpmem_stat_last_refusal(enum xpmem_stat stat)
{
	ktime_t last = READ_ONCE(last_refusals[stat]);
	ktime_t age = ktime_sub(ktime_get_boottime(), last);

	return last ? max(ktime_divns(ktime_sub(ktime_get_real(), age), NSEC_PER_SEC), 1LL) : 0;
}
