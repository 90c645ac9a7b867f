// SPDX-License-Identifier: GPL-2.0-only
/* Inserts a snapshot into the page tables of an attachment. pte.c describes the entries. */
#include <linux/sched/mm.h>

#include "compat/pinnable.h"
#include "change.h"
#include "fault.h"
#include "pte.h"

static int insert_pages(struct xpmem_insertion *insertion)
{
	unsigned int reclaim;
	int error;

	/* The core allocates missing page tables. It must not reclaim under these locks. */
	reclaim = memalloc_noreclaim_save();
	error = xpmem_ptes_insert_small(insertion);
	memalloc_noreclaim_restore(reclaim);
	return error;
}

/*
 * Whether a pinnable VMA can map the wanted page. The snapshot may have been taken for another VMA
 * of the task. It has no wanted page if the caller only wants what is present.
 */
static enum xpmem_fault_result check_pinnable(unsigned long wanted)
{
	if (!(wanted & HMM_PFN_VALID) || xpmem_pfn_is_pinnable(wanted))
		return XPMEM_MAPPED;
	return xpmem_pfn_must_split(wanted) ? XPMEM_ABSENT : XPMEM_UNPINNABLE;
}

/*
 * Marks the attachment and the window before any entry is inserted, and decides which pages may be.
 * The caller has called xpmem_snapshot_hold().
 */
static void begin_insertion(struct xpmem_insertion *insertion)
{
	struct xpmem_snapshot *snapshot = insertion->snapshot;
	struct xpmem_attachment *attachment = snapshot->attachment;
	struct vm_area_struct *vma = snapshot->vma;

	lockdep_assert_held(&snapshot->window->lock);
	if (!READ_ONCE(attachment->touched))
		WRITE_ONCE(attachment->touched, true);
	if (snapshot->huge && !READ_ONCE(attachment->huge))
		WRITE_ONCE(attachment->huge, true);
	/*
	 * xpmem_snapshot_check() accepted the wanted page, so a read-only page that must be
	 * writable is one that the exporter may only read, or that a userfaultfd protects. The
	 * page-table lock orders this change before the entry.
	 */
	insertion->needs_writable = xpmem_needs_writable(vma);
	insertion->wanted = xpmem_snapshot_wanted(snapshot);
	if (insertion->needs_writable &&
	    (insertion->wanted & (HMM_PFN_VALID | HMM_PFN_WRITE)) == HMM_PFN_VALID) {
		WRITE_ONCE(vma->vm_ops, &xpmem_vm_ops);
		insertion->needs_writable = false;
	}
	xpmem_window_mark_group(snapshot->window, attachment);
	if (!xpmem_pfn_is_insertable(insertion->wanted, insertion->needs_writable))
		insertion->wanted = 0;
}

/**
 * xpmem_ptes_insert() - map the pages of a snapshot into the attachment
 * @snapshot: after xpmem_snapshot_take(), within one PMD of the attachment; consumes its pfns
 *
 * The caller holds the attacher's mmap_lock or VMA lock, and needs no lock of the exporter.
 * Return: XPMEM_MAPPED, or XPMEM_RACED, XPMEM_HOLE (revoked), XPMEM_ABSENT (the exporter must split
 * a PMD), XPMEM_UNPINNABLE or XPMEM_NOMEM with nothing mapped.
 */
enum xpmem_fault_result xpmem_ptes_insert(struct xpmem_snapshot *snapshot)
{
	struct vm_area_struct *vma = snapshot->vma;
	struct xpmem_insertion insertion = {
		.snapshot = snapshot,
		.address = vma->vm_start + snapshot->start - (vma->vm_pgoff << PAGE_SHIFT),
		.writable = vm_get_page_prot(vma->vm_flags),
		.readonly = vm_get_page_prot(vma->vm_flags & ~VM_SHARED),
	};
	enum xpmem_fault_result result;
	int error = 0;

	xpmem_assert_vma_is_stable(vma);
	if (!snapshot->huge)
		xpmem_ptes_make_table(snapshot->vmf);

	xpmem_race_point("entries-insert");
	result = xpmem_snapshot_hold(snapshot);
	if (result != XPMEM_MAPPED)
		return result;
	if (xpmem_vma_is_pinnable(vma)) {
		result = check_pinnable(xpmem_snapshot_wanted(snapshot));
		if (result != XPMEM_MAPPED) {
			xpmem_snapshot_release(snapshot);
			return result;
		}
		/* The window's lock orders this before a fork that finds the pages pinned. */
		xpmem_mm_set_pinned(snapshot->exporter->mm);
	}
	begin_insertion(&insertion);
	if (snapshot->huge)
		xpmem_ptes_insert_huge(&insertion);
	else
		error = insert_pages(&insertion);
	if (error)
		result = XPMEM_NOMEM;
	else if (!insertion.wanted_is_mapped)
		result = insertion.wanted ? XPMEM_RACED : XPMEM_HOLE;
	xpmem_snapshot_release(snapshot);
	snapshot->gained = insertion.inserted + insertion.upgraded;

	if (insertion.inserted) {
		snapshot->inserted += insertion.inserted;
		xpmem_stat_add_fault(snapshot->attachment, XPMEM_STAT_PAGES_MAPPED,
				     insertion.inserted);
	}
	return result;
}
