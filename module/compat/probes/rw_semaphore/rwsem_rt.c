// SPDX-License-Identifier: GPL-2.0-only
/* PREEMPT_RT */
#include <linux/rwsem.h>

#ifndef CONFIG_PREEMPT_RT
#error "another struct rw_semaphore"
#endif

bool probe(struct rw_semaphore *sem);
bool probe(struct rw_semaphore *sem)
{
	return atomic_read(&sem->rwbase.readers) == WRITER_BIAS && sem->rwbase.rtmutex.owner;
}
