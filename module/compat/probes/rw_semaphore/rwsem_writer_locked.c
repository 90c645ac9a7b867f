// SPDX-License-Identifier: GPL-2.0-only
/* 6.9 and later: <linux/rwsem.h> has the bit of the count that a writer sets. */
#include <linux/rwsem.h>

#ifdef CONFIG_PREEMPT_RT
#error "another struct rw_semaphore"
#endif

bool probe(const struct rw_semaphore *sem);
bool probe(const struct rw_semaphore *sem)
{
	const atomic_long_t *count = &sem->count, *owner = &sem->owner;

	return (atomic_long_read(count) & RWSEM_WRITER_LOCKED) && atomic_long_read(owner);
}
