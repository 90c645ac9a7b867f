/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flag by which task work interrupts the caller, apart from signals. io_uring sets it for each
 * batch of completions. Before 5.11 task work raises TIF_SIGPENDING, as signals do.
 */
#ifndef XPMEM_NOTIFY_SIGNAL_H
#define XPMEM_NOTIFY_SIGNAL_H

#include <linux/sched/signal.h>

#include "features.h"

#ifdef XPMEM_HAVE_NOTIFY_SIGNAL

/* Returns whether task work waits. Then the caller calls xpmem_task_work_show() later. */
static inline bool xpmem_task_work_hide(void)
{
	return test_and_clear_thread_flag(TIF_NOTIFY_SIGNAL);
}

static inline void xpmem_task_work_show(void)
{
	set_thread_flag(TIF_NOTIFY_SIGNAL);
}

static inline bool xpmem_signal_waits(void)
{
	return task_sigpending(current);
}

#else

static inline bool xpmem_task_work_hide(void)
{
	return false;
}

static inline void xpmem_task_work_show(void)
{
}

static inline bool xpmem_signal_waits(void)
{
	return signal_pending(current);
}

#endif

#endif
