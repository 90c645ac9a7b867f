// SPDX-License-Identifier: GPL-2.0-only
/* 5.11 and later */
#include <linux/sched/signal.h>

bool probe(void);
bool probe(void)
{
	return test_thread_flag(TIF_NOTIFY_SIGNAL) && !task_sigpending(current);
}
