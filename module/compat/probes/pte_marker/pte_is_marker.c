// SPDX-License-Identifier: GPL-2.0-only
/* 6.19 and later: functions for leaf entries have a header of their own. */
#include <linux/leafops.h>
#include <linux/mm.h>

bool probe(pte_t pte);
bool probe(pte_t pte)
{
	return pte_is_marker(pte);
}
