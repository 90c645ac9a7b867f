// SPDX-License-Identifier: GPL-2.0-only
/* Entries that map a whole PMD, where the architecture has a mark for them. */
#include "compat/page_table.h"
#include "change.h"
#include "fault.h"
#include "pte.h"

/**
 * xpmem_ptes_may_be_huge() - whether the attachment can map the wanted page by a PMD
 * @snapshot: its pfns need not be filled
 *
 * Return: true if it can.
 */
bool xpmem_ptes_may_be_huge(const struct xpmem_snapshot *snapshot)
{
	const struct vm_area_struct *vma = snapshot->vma;
	unsigned long address = snapshot->vmf->address & PMD_MASK;

	return PMD_SHIFT == XPMEM_WINDOW_SHIFT && vma->vm_flags & VM_PFNMAP &&
	       address >= vma->vm_start && vma->vm_end - address >= PMD_SIZE &&
	       !((snapshot->vmf->address ^ snapshot->source) & ~PMD_MASK & PAGE_MASK) &&
	       !arch_needs_pgtable_deposit() && !xpmem_page_tables_are_checked() &&
	       pmd_none(READ_ONCE(*snapshot->vmf->pmd));
}

/*
 * A zap of the huge zero page takes a page table that was set aside with it, on 7.2 and 7.3 even in
 * a VMA of a driver. An attachment sets none aside. No other page that the exporter may map by a
 * PMD is without a mapping (huge_zero_pfn is not exported).
 */
static bool is_huge_zero(struct page *page)
{
	return !READ_ONCE(compound_head(page)->mapping);
}

/**
 * xpmem_ptes_set_huge() - whether the exporter maps the wanted page by a PMD
 * @snapshot: after xpmem_ptes_may_be_huge() and a snapshot of the wanted page; sets huge
 *
 * Return: the value of huge.
 */
bool xpmem_ptes_set_huge(struct xpmem_snapshot *snapshot)
{
	unsigned long pfn = xpmem_snapshot_wanted(snapshot), start = snapshot->source & PMD_MASK;

	/* The sequence covers the whole window; the range of the snapshot may be smaller. */
	snapshot->huge = xpmem_pfn_is_insertable(pfn, false) &&
			 hmm_pfn_to_map_order(pfn) >= PMD_SHIFT - PAGE_SHIFT &&
			 !is_huge_zero(hmm_pfn_to_page(pfn)) &&
			 !xpmem_range_is_active(snapshot->exporter, start, start + PMD_SIZE);
	return snapshot->huge;
}

/* Inserts a huge entry, if there is none yet. The caller holds the window's lock. */
void xpmem_ptes_insert_huge(struct xpmem_insertion *insertion)
{
	struct xpmem_snapshot *snapshot = insertion->snapshot;
	struct vm_area_struct *vma = snapshot->vma;
	struct page *page = hmm_pfn_to_page(insertion->wanted);
	bool writable = (insertion->wanted & HMM_PFN_WRITE) && (vma->vm_flags & VM_WRITE);
	pmd_t *pmd = snapshot->vmf->pmd, entry;
	unsigned long index, address = insertion->address & PMD_MASK;
	spinlock_t *lock;

	lockdep_assert_held(&snapshot->window->lock);
	entry = pmd_mkhuge(pfn_pmd(page_to_pfn(page) -
				   ((insertion->address - address) >> PAGE_SHIFT),
				   writable ? insertion->writable : insertion->readonly));
	/* A read-only one stays clean: mprotect makes dirty entries writable. */
	entry = xpmem_pmd_mkspecial(
		pmd_mkyoung(writable ? pmd_mkdirty(entry) : pmd_mkclean(entry)));
	lock = pmd_lock(vma->vm_mm, pmd);
	/* Otherwise another fault inserted an entry. This access uses it, or faults again. */
	if (pmd_none(*pmd)) {
		if (writable)
			xpmem_make_dirty(snapshot->window, page);
		for (index = 0; index < BITS_TO_LONGS(XPMEM_WINDOW_PAGES); index++)
			xpmem_window_mark_mapped(snapshot->window, index, ~0UL);
		xpmem_set_pmd_at(vma->vm_mm, address, pmd, entry);
		update_mmu_cache_pmd(vma, address, pmd);
		insertion->inserted = PMD_SIZE >> PAGE_SHIFT;
		insertion->wanted_is_mapped = true;
	}
	spin_unlock(lock);
	if (insertion->inserted)
		xpmem_stat_add_fault(snapshot->attachment, XPMEM_STAT_HUGE_MAPPINGS, 1);
}
