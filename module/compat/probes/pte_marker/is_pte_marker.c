// SPDX-License-Identifier: GPL-2.0-only
/* 5.19 and later */
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/swapops.h>

bool probe(pte_t pte);
bool probe(pte_t pte)
{
	return is_pte_marker(pte);
}
