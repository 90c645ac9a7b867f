// SPDX-License-Identifier: GPL-2.0-only
/* before 5.11 */
#include <linux/sched/signal.h>

enum { TIF_NOTIFY_SIGNAL };

bool probe(void);
bool probe(void)
{
	return signal_pending(current);
}
