// SPDX-License-Identifier: GPL-2.0-only
/* 5.3 to 6.8: <linux/rwsem.h> has the fields, but kernel/locking/rwsem.c has the bits. */
#include <linux/rwsem.h>

#if defined(CONFIG_PREEMPT_RT) || defined(RWSEM_WRITER_LOCKED)
#error "another struct rw_semaphore"
#endif

bool probe(const struct rw_semaphore *sem);
bool probe(const struct rw_semaphore *sem)
{
	const atomic_long_t *count = &sem->count, *owner = &sem->owner;

	return atomic_long_read(count) != RWSEM_UNLOCKED_VALUE && atomic_long_read(owner);
}
