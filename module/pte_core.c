// SPDX-License-Identifier: GPL-2.0-only
/* The core makes the entries of single pages, where modules may not write page tables. */
#include "change.h"
#include "fault.h"
#include "pte.h"

/* Reads an entry of the attachment's page table without a lock. The entry may change at once. */
static pte_t entry_peek(const struct vm_fault *vmf, unsigned long address)
{
	pte_t entry = __pte(0);
	pmd_t pmd;

	/* The core may remove an empty table. RCU delays its freeing. */
	rcu_read_lock();
	pmd = READ_ONCE(*vmf->pmd);
	if (pmd_present(pmd) && !pmd_leaf(pmd))
		entry = READ_ONCE(*pte_offset_kernel(&pmd, address));
	rcu_read_unlock();
	return entry;
}

/*
 * The core makes the page table. It never makes a special entry writable, so this zaps a read-only
 * one before a write.
 */
void xpmem_ptes_make_table(struct vm_fault *vmf)
{
	unsigned long address = vmf->address & PAGE_MASK;
	pte_t entry;

	if (!(vmf->flags & FAULT_FLAG_WRITE) || vmf->vma->vm_flags & VM_MIXEDMAP)
		return;
	entry = entry_peek(vmf, address);
	if (pte_present(entry) && !pte_write(entry))
		zap_vma_ptes(vmf->vma, address, PAGE_SIZE);
}

/* Inserts a special entry. In a VM_MIXEDMAP VMA it makes an existing entry writable instead. */
static vm_fault_t insert_one(struct xpmem_insertion *insertion, unsigned long address,
			     unsigned long pfn)
{
	struct vm_area_struct *vma = insertion->snapshot->vma;
	struct page *page = hmm_pfn_to_page(pfn);
	bool writable = pfn & HMM_PFN_WRITE && vma->vm_flags & VM_WRITE;

	if (writable)
		xpmem_make_dirty(insertion->snapshot->window, page);
	if (!(vma->vm_flags & VM_MIXEDMAP))
		return vmf_insert_pfn_prot(vma, address, page_to_pfn(page),
					   writable ? insertion->writable : insertion->readonly);
	if (writable)
		return xpmem_insert_mixed_mkwrite(vma, address, page_to_pfn(page));
	/* Matches the core, which write-protects VMAs with tracked writes, as this one has. */
	if (pte_write(pfn_pte(0, vma->vm_page_prot)))
		WRITE_ONCE(vma->vm_page_prot, insertion->readonly);
	return xpmem_insert_mixed(vma, address, page_to_pfn(page));
}

/* Inserts the page at @index of the snapshot, or leaves it to xpmem_ptes_insert_refcounted(). */
static vm_fault_t insert_at(struct xpmem_insertion *insertion, unsigned long index)
{
	struct xpmem_snapshot *snapshot = insertion->snapshot;
	unsigned long bit = ((snapshot->start - snapshot->window->start) >> PAGE_SHIFT) + index;
	unsigned long pfn = snapshot->pfns[index];
	unsigned long address = insertion->address + (index << PAGE_SHIFT);
	vm_fault_t fault;

	snapshot->pfns[index] = 0;
	if (!xpmem_pfn_is_insertable(pfn, insertion->needs_writable))
		return 0;
	xpmem_window_mark_mapped(snapshot->window, BIT_WORD(bit), BIT_MASK(bit));
	if (!pte_none(entry_peek(snapshot->vmf, address)))
		return VM_FAULT_NOPAGE;
	if (xpmem_pfn_is_refcounted(snapshot->vma, pfn)) {
		snapshot->pfns[index] = (unsigned long)hmm_pfn_to_page(pfn);
		insertion->left++;
		return 0;
	}
	fault = insert_one(insertion, address, pfn);
	insertion->inserted += fault == VM_FAULT_NOPAGE;
	return fault;
}

int xpmem_ptes_insert_small(struct xpmem_insertion *insertion)
{
	struct xpmem_snapshot *snapshot = insertion->snapshot;
	unsigned long count = (snapshot->end - snapshot->start) >> PAGE_SHIFT, index;
	unsigned long wanted = (snapshot->source - snapshot->start) >> PAGE_SHIFT;
	vm_fault_t fault;
	int error;

	for (index = 0; index < count; index++) {
		fault = insert_at(insertion, index);
		if (fault & VM_FAULT_OOM)
			return -ENOMEM;
		if (index == wanted)
			insertion->wanted_is_mapped = insertion->wanted && fault == VM_FAULT_NOPAGE;
	}
	error = insertion->left ? xpmem_ptes_insert_refcounted(insertion) : 0;
	/* A refcounted entry has vm_page_prot, and may be read-only from an earlier fault. */
	if (!error && snapshot->write && insertion->wanted_is_mapped &&
	    snapshot->vma->vm_flags & VM_MIXEDMAP &&
	    insert_one(insertion, insertion->address + (wanted << PAGE_SHIFT), insertion->wanted) &
		    VM_FAULT_OOM)
		error = -ENOMEM;
	return error;
}
