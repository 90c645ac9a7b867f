/* SPDX-License-Identifier: GPL-2.0-only */
/* mmput() for callers that hold locks, on kernels that do not export mmput_async(). */
#ifndef XPMEM_COMPAT_MMPUT_H
#define XPMEM_COMPAT_MMPUT_H

#include <linux/sched/mm.h>

#include "../xpmem.h"
#include "features.h"

#ifdef XPMEM_HAVE_MMPUT_ASYNC
#define xpmem_mmput_async mmput_async
#else
static void xpmem_mmput_work(struct work_struct *work)
{
	mmput(container_of(work, struct mm_struct, async_put_work));
}

/*
 * The queued work owns a reference to mm_users. So while it is queued, no caller holds the last
 * one, and the kernel's own mmput_async(), which queues the same work, does not drop the last one.
 */
static inline void xpmem_mmput_async(struct mm_struct *mm)
{
	if (atomic_add_unless(&mm->mm_users, -1, 1))
		return;
	INIT_WORK(&mm->async_put_work, xpmem_mmput_work);
	xpmem_queue(XPMEM_QUEUE_EXIT, &mm->async_put_work);
}
#endif

#endif
