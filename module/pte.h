/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entries of an attachment's page tables, for the files that insert them. Functions that run for
 * each page are inline.
 */
#ifndef XPMEM_PTE_H
#define XPMEM_PTE_H

#include <linux/hmm.h>

#include "compat/mm.h"
#include "change.h"
#include "fault.h"
#include "xpmem.h"

/* Whether the page of @pfn, of a snapshot, gets a refcounted entry in @vma. */
static inline bool xpmem_pfn_is_refcounted(const struct vm_area_struct *vma, unsigned long pfn)
{
	bool writable = pfn & HMM_PFN_WRITE;

	if (!(vma->vm_flags & VM_MIXEDMAP) || !xpmem_page_is_file(hmm_pfn_to_page(pfn)))
		return false;
	/* A refcounted entry gets vm_page_prot, as from vm_insert_pages(). */
	return writable || !(vma->vm_flags & VM_MAYWRITE) ||
	       !pte_write(pfn_pte(0, vma->vm_page_prot));
}

/* Whether @pfn, of a snapshot, is a page that attachments may reach. */
static inline bool xpmem_pfn_is_usable(unsigned long pfn)
{
	return (pfn & HMM_PFN_VALID) && !is_zone_device_page(hmm_pfn_to_page(pfn));
}

/*
 * Marks a page dirty before it is mapped writable or written, because the zap of a special entry
 * drops its dirty bit. The caller holds the lock of the page's window.
 */
static inline void xpmem_make_dirty(const struct xpmem_window *window, struct page *page)
{
	lockdep_assert_held(&window->lock);
	if (!PageDirty(page))
		set_page_dirty(page);
}

/* Whether @pfn may be mapped. @needs_writable: xpmem_needs_writable() of the VMA. */
static inline bool xpmem_pfn_is_insertable(unsigned long pfn, bool needs_writable)
{
	return xpmem_pfn_is_usable(pfn) && ((pfn & HMM_PFN_WRITE) || !needs_writable);
}

/* One insertion of a snapshot, on the stack of the task that faults. */
struct xpmem_insertion {
	struct xpmem_snapshot *snapshot;
	unsigned long address;		/* address of snapshot->start in the attachment */
	pgprot_t writable;		/* for entries; vm_page_prot may lack write permission */
	pgprot_t readonly;
	pgprot_t special[2];		/* pte_write.c; special entries, read-only and writable */
	bool needs_writable;		/* xpmem_needs_writable(vma), which may become false */
	unsigned long wanted;		/* pfns' entry of the wanted page; 0: it cannot be mapped */
	unsigned long inserted;
	unsigned long upgraded;		/* entries that became writable */
	unsigned long counted[2];	/* pages that insert_counted() mapped: of files, of shmem */
	unsigned long anonymous;	/* pages that insert_anonymous() mapped */
	unsigned long left;		/* pages for xpmem_ptes_insert_refcounted(), in pfns */
	bool wanted_is_mapped;
};

/* pinnable.c */

bool xpmem_pfn_must_split(unsigned long pfn);
bool xpmem_pfn_is_pinnable(unsigned long pfn);

/* pte.c */

int xpmem_ptes_insert_refcounted(struct xpmem_insertion *insertion);

/* pte_write.c or pte_core.c */

void xpmem_ptes_make_table(struct vm_fault *vmf);
int xpmem_ptes_insert_small(struct xpmem_insertion *insertion);

/* pte_huge.c or pte_no_huge.c */

void xpmem_ptes_insert_huge(struct xpmem_insertion *insertion);

#endif
