// SPDX-License-Identifier: GPL-2.0-only
/* before 5.11 */
#include <linux/sched/signal.h>

enum { TIF_NOTIFY_SIGNAL };

unsigned long probe(void);
unsigned long probe(void)
{
	return JOBCTL_TASK_WORK;
}
