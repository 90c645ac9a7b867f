// SPDX-License-Identifier: GPL-2.0-only
/* PREEMPT_RT: only whether it is locked */
#include <linux/rwsem.h>

#ifndef CONFIG_PREEMPT_RT
#error "another struct rw_semaphore"
#endif

bool probe(struct rw_semaphore *sem);
bool probe(struct rw_semaphore *sem)
{
	return rwsem_is_locked(sem);
}
