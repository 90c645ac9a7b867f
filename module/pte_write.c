// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module writes entries of single pages itself, where modules may do that: special ones,
 * anonymous ones, and refcounted ones of pages that are not part of a large folio.
 */
#include "compat/page_table.h"
#include "compat/pinnable.h"
#include "change.h"
#include "fault.h"
#include "pte.h"

/* Installs the page table that the core has allocated for the fault. */
void xpmem_ptes_make_table(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	spinlock_t *lock;

	if (!pmd_none(READ_ONCE(*vmf->pmd)) || !vmf->prealloc_pte)
		return;
	lock = pmd_lock(mm, vmf->pmd);
	if (pmd_none(*vmf->pmd)) {
		mm_inc_nr_ptes(mm);
		/* Lockless page-table walkers must see an empty table. */
		smp_wmb();
		pmd_populate(mm, vmf->pmd, vmf->prealloc_pte);
		vmf->prealloc_pte = NULL;
	}
	spin_unlock(lock);
}

/* Protection of a special entry. Read-only ones stay clean: mprotect makes dirty ones writable. */
static pgprot_t special_prot(pgprot_t prot, bool writable)
{
	pte_t entry = pte_mkspecial(pte_mkyoung(pfn_pte(0, prot)));

	return pte_pgprot(writable ? pte_mkdirty(entry) : pte_mkclean(entry));
}

/* Inserts a special entry in an empty slot. */
static void insert_fresh(struct xpmem_insertion *insertion, pte_t *pte, unsigned long address,
			 struct page *page, bool writable)
{
	if (writable)
		xpmem_make_dirty(insertion->snapshot->window, page);
	xpmem_set_pte_at(insertion->snapshot->vma->vm_mm, address, pte,
			 pfn_pte(page_to_pfn(page), insertion->special[writable]));
	insertion->inserted++;
}

/*
 * Inserts a refcounted entry in an empty slot. Returns false if the page cannot be refcounted this
 * way. No notifier has invalidated the window, so the exporter still maps the page, and keeps it
 * mapped until the window's lock is dropped.
 */
static bool insert_counted(struct xpmem_insertion *insertion, pte_t *pte, unsigned long address,
			   struct page *page, bool writable)
{
	struct vm_area_struct *vma = insertion->snapshot->vma;
	pgprot_t prot = writable ? insertion->writable : vma->vm_page_prot;

	lockdep_assert_held(&insertion->snapshot->window->lock);
	if (!xpmem_page_dup_mapping(page))
		return false;
	insertion->counted[xpmem_page_is_shmem(page)]++;
	xpmem_set_pte_at(vma->vm_mm, address, pte, pfn_pte(page_to_pfn(page), prot));
	insertion->inserted++;
	return true;
}

/*
 * Inserts an anonymous entry in an empty slot of a pinnable VMA. The exporter maps the page, as in
 * insert_counted(). The zap of the entry drops its dirty bit, and an entry may become writable
 * later without a fault, so the page becomes dirty now.
 */
static void insert_anonymous(struct xpmem_insertion *insertion, pte_t *pte, unsigned long address,
			     struct page *page, bool writable)
{
	struct vm_area_struct *vma = insertion->snapshot->vma;
	pte_t entry = pte_mkyoung(pfn_pte(page_to_pfn(page), writable ? insertion->writable
								      : insertion->readonly));

	lockdep_assert_held(&insertion->snapshot->window->lock);
	if (vma->vm_flags & VM_MAYWRITE)
		xpmem_make_dirty(insertion->snapshot->window, page);
	xpmem_anon_page_dup_mapping(page, vma);
	insertion->anonymous++;
	xpmem_set_pte_at(vma->vm_mm, address, pte, writable ? pte_mkdirty(entry) : entry);
	insertion->inserted++;
}

/*
 * Makes an existing entry writable if it maps @page. The entry stays clean: TLBs may still hold it
 * read-only. On machines that do not walk again on their own, such as arm64, the core flushes the
 * TLB only when it makes the entry dirty.
 */
static void upgrade_entry(struct xpmem_insertion *insertion, pte_t *pte, unsigned long address,
			  struct page *page, bool writable)
{
	pte_t old = *pte, entry;

	if (!writable || !pte_present(old) || pte_write(old) || pte_pfn(old) != page_to_pfn(page))
		return;
	entry = pte_mkyoung(pfn_pte(page_to_pfn(page), insertion->writable));
	if (pte_special(old)) {
		xpmem_make_dirty(insertion->snapshot->window, page);
		entry = pte_mkspecial(entry);
	}
	xpmem_change_pte_at(insertion->snapshot->vma->vm_mm, address, pte, entry);
	insertion->upgraded++;
}

/*
 * Clears the slot of the wanted page if it has a marker of a userfaultfd of the attacher, which
 * then takes the page for one that was written. The slots of other pages keep theirs.
 */
static void clear_marker(struct mm_struct *mm, unsigned long address, pte_t *pte)
{
	if (xpmem_pte_is_marker(*pte))
		pte_clear(mm, address, pte);
}

/*
 * Inserts special, refcounted and anonymous entries. Leaves pages for
 * xpmem_ptes_insert_refcounted() in pfns, as pointers. The caller holds the window's lock and the
 * table's lock.
 */
static void fill_table(struct xpmem_insertion *insertion, pte_t *first)
{
	struct xpmem_snapshot *snapshot = insertion->snapshot;
	struct vm_area_struct *vma = snapshot->vma;
	unsigned long count = (snapshot->end - snapshot->start) >> PAGE_SHIFT;
	unsigned long bit = (snapshot->start - snapshot->window->start) >> PAGE_SHIFT;
	bool special = vma->vm_flags & VM_PFNMAP, mixed = vma->vm_flags & VM_MIXEDMAP;
	bool may_write = vma->vm_flags & VM_WRITE;
	bool needs_writable = insertion->needs_writable;
	unsigned long address = insertion->address, index, pfn, mask = 0;
	unsigned long wanted = (snapshot->source - snapshot->start) >> PAGE_SHIFT;
	pte_t *pte = first;
	struct page *page;

	lockdep_assert_held(&snapshot->window->lock);
	lockdep_assert_held(pte_lockptr(vma->vm_mm, snapshot->vmf->pmd));
	insertion->special[false] = special_prot(insertion->readonly, false);
	insertion->special[true] = special_prot(insertion->writable, true);
	if (insertion->wanted)
		clear_marker(vma->vm_mm, address + (wanted << PAGE_SHIFT), first + wanted);
	for (index = 0; index < count; index++, bit++, pte++, address += PAGE_SIZE) {
		pfn = snapshot->pfns[index];
		snapshot->pfns[index] = 0;
		if (xpmem_pfn_is_insertable(pfn, needs_writable)) {
			mask |= BIT_MASK(bit);
			page = hmm_pfn_to_page(pfn);
			if (!pte_none(*pte)) {
				upgrade_entry(insertion, pte, address, page,
					      may_write && pfn & HMM_PFN_WRITE);
			} else if (special || (mixed && !xpmem_pfn_is_refcounted(vma, pfn))) {
				insert_fresh(insertion, pte, address, page,
					     may_write && pfn & HMM_PFN_WRITE);
			} else if (!mixed) {
				if (xpmem_pfn_is_pinnable(pfn))
					insert_anonymous(insertion, pte, address, page, may_write);
			} else if (!insert_counted(insertion, pte, address, page,
						   may_write && snapshot->write &&
							   index == wanted)) {
				snapshot->pfns[index] = (unsigned long)page;
				insertion->left++;
			}
		}
		if (bit % BITS_PER_LONG == BITS_PER_LONG - 1 || index + 1 == count) {
			xpmem_window_mark_mapped(snapshot->window, BIT_WORD(bit), mask);
			mask = 0;
		}
	}
	if (insertion->counted[false])
		xpmem_add_mm_counter(vma->vm_mm, MM_FILEPAGES, insertion->counted[false]);
	if (insertion->counted[true])
		xpmem_add_mm_counter(vma->vm_mm, MM_SHMEMPAGES, insertion->counted[true]);
	if (insertion->anonymous)
		xpmem_add_mm_counter(vma->vm_mm, MM_ANONPAGES, insertion->anonymous);
	pte = first + wanted;
	insertion->wanted_is_mapped = insertion->wanted && pte_present(*pte) &&
		pte_pfn(*pte) == page_to_pfn(hmm_pfn_to_page(insertion->wanted));
}

/* Inserts entries into an existing page table. Returns false if there is none. */
static bool insert_special(struct xpmem_insertion *insertion)
{
	struct vm_fault *vmf = insertion->snapshot->vmf;
	spinlock_t *lock;
	bool same;
	pmd_t pmd;

	/* The core may remove an empty table. RCU delays its freeing. */
	rcu_read_lock();
	pmd = READ_ONCE(*vmf->pmd);
	if (!pmd_present(pmd) || pmd_leaf(pmd)) {
		rcu_read_unlock();
		return false;
	}
	lock = pte_lockptr(vmf->vma->vm_mm, &pmd);
	spin_lock(lock);
	rcu_read_unlock();
	same = pmd_same(pmd, READ_ONCE(*vmf->pmd));
	if (same)
		fill_table(insertion, pte_offset_kernel(&pmd, insertion->address));
	spin_unlock(lock);
	return same;
}

/*
 * Makes the page that a write wants writable at once. The core maps it with vm_page_prot, which
 * lacks write permission where writes are tracked. Without this the write would fault again in
 * page_mkwrite(), which may only try for the exporter's lock.
 */
static void upgrade_wanted(struct xpmem_insertion *insertion)
{
	struct xpmem_snapshot *snapshot = insertion->snapshot;

	snapshot->start = snapshot->source;
	snapshot->end = snapshot->source + PAGE_SIZE;
	insertion->address = snapshot->vmf->address & PAGE_MASK;
	snapshot->pfns[0] = insertion->wanted;
	insertion->left = 0;
	insertion->counted[false] = insertion->counted[true] = 0;
	insert_special(insertion);
}

int xpmem_ptes_insert_small(struct xpmem_insertion *insertion)
{
	int error;

	if (!insert_special(insertion) || !insertion->left)
		return 0;
	error = xpmem_ptes_insert_refcounted(insertion);
	if (!error && insertion->snapshot->write && insertion->wanted_is_mapped &&
	    insertion->wanted)
		upgrade_wanted(insertion);
	return error;
}
