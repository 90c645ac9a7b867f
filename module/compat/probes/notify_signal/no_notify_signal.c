// SPDX-License-Identifier: GPL-2.0-only
/* before 5.11 */
#include <linux/sched/signal.h>

/* Fails if the kernel has one of the two names. */
enum { TIF_NOTIFY_SIGNAL };
int task_sigpending;

bool probe(void);
bool probe(void)
{
	return signal_pending(current);
}
