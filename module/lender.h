/* SPDX-License-Identifier: GPL-2.0-only */
/* Lending and borrowing of an mmap_lock. */
#ifndef XPMEM_LENDER_H
#define XPMEM_LENDER_H

#include "xpmem.h"

struct xpmem_lender {
	struct list_head link;
	struct mm_struct *mm;
	unsigned int borrowers;
};

void xpmem_lender_begin(struct xpmem_lender *lender, struct mm_struct *mm);
void xpmem_lender_end(struct xpmem_lender *lender);
bool xpmem_mmap_read_get(struct mm_struct *mm, bool waits, struct xpmem_lender **lender);
void xpmem_mmap_read_end(struct mm_struct *mm, struct xpmem_lender *lender);

#endif
