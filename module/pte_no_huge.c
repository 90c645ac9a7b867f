// SPDX-License-Identifier: GPL-2.0-only
/* Takes the place of pte_huge.c where there are no huge entries. */
#include "fault.h"
#include "pte.h"

bool xpmem_ptes_may_be_huge(const struct xpmem_snapshot *snapshot)
{
	return false;
}

bool xpmem_ptes_set_huge(struct xpmem_snapshot *snapshot)
{
	return false;
}

void xpmem_ptes_insert_huge(struct xpmem_insertion *insertion)
{
}
