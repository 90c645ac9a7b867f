// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinnable VMAs: attachments of private memory on which get_user_pages() works.
 *
 * Every entry of a pinnable VMA maps an anonymous page that the exporter may write, and counts one
 * mapping and one reference, as fork() counts what a child inherits. No rmap finds the entry. Why
 * that is safe:
 *
 *   - The core pins only exclusive pages, and a writable entry of the exporter implies that its
 *     page is exclusive. Until the notifier has zapped the attachment, the exporter keeps the
 *     entry. So the mark of the page stays, although two processes map it.
 *   - What unmaps, moves, merges, or shares the page calls the exporter's notifier first. So the
 *     core finds the counts that it expects, and the entry is not the page's last mapping. (If the
 *     zap is deferred, it may be, and then the deferral holds the page.)
 *   - fork() gives the child a copy of a page that a device has, if the mm says that it has pinned
 *     pages. The insertion says so for the exporter. A pin is counted before fork() looks, because
 *     fork() calls the notifier before it copies an entry.
 *   - If the zap is deferred, the page looks pinned until then (deferral.c).
 *   - The VMA is neither VM_MIXEDMAP nor VM_PFNMAP. So fork() of the attacher does not copy its
 *     entries, even after MADV_DOFORK and MADV_KEEPONFORK: that would take the mark from the pages.
 *     (It copies entries for a userfaultfd with UFFD_FEATURE_EVENT_FORK, on some kernels before
 *     6.12. That needs CAP_SYS_PTRACE.) VM_DONTEXPAND keeps other functions of the core away, which
 *     leave VM_SPECIAL VMAs alone.
 *
 * If the exporter maps other memory there later, or forbids its own accesses, the VMA cannot map
 * that memory. Then it becomes one with special entries, for good.
 */
#include <linux/hmm.h>
#include <linux/mm.h>

#include "compat/mm.h"
#include "compat/page_table.h"
#include "compat/pinnable.h"
#include "fault.h"
#include "pte.h"
#include "xpmem.h"

/* Whether attachments may be pinnable. The checker of page tables forbids their entries. */
bool xpmem_pinnable_supported(void)
{
	return XPMEM_COUNTS_ANON_PAGES && !xpmem_page_tables_are_checked();
}

/**
 * xpmem_pfn_must_split() - whether the exporter must split the PMD of a page
 * @pfn: of a snapshot
 *
 * A PMD counts one mapping, and has one mark, for all its pages. So the exporter must map the page
 * by an entry of its own before a pinnable VMA can map it.
 *
 * Return: true if it must.
 */
bool xpmem_pfn_must_split(unsigned long pfn)
{
	struct page *page = hmm_pfn_to_page(pfn);

	return xpmem_pfn_is_insertable(pfn, true) && PageAnon(page) &&
	       hmm_pfn_to_map_order(pfn) >= PMD_SHIFT - PAGE_SHIFT &&
	       !(PageCompound(page) && PageHuge(page));
}

/**
 * xpmem_pfn_is_pinnable() - whether a page may get an anonymous entry in a pinnable VMA
 * @pfn: of a snapshot; the caller holds the lock of the page's window, or the page may be gone
 *
 * Return: true if it may.
 */
bool xpmem_pfn_is_pinnable(unsigned long pfn)
{
	return xpmem_pfn_is_insertable(pfn, true) && !xpmem_pfn_must_split(pfn) &&
	       xpmem_page_is_exclusive(hmm_pfn_to_page(pfn));
}

/**
 * xpmem_pinnable_end() - make a pinnable VMA one with special entries
 * @attachment: of the VMA; the caller holds a reference
 * @mm: of the attacher; the caller keeps it, and holds no lock
 * @address: in the VMA
 *
 * Does nothing if the VMA is gone, or if the task is killed.
 */
void xpmem_pinnable_end(struct xpmem_attachment *attachment, struct mm_struct *mm,
			unsigned long address)
{
	struct vm_area_struct *vma;

	if (mmap_write_lock_killable(mm))
		return;
	vma = find_vma(mm, address);
	if (vma && vma->vm_start <= address && xpmem_vma_is_pinnable(vma) &&
	    vma->vm_private_data == attachment) {
		/* Waits for faults that hold the VMA's lock. */
		vm_flags_set(vma, VM_PFNMAP);
		/* Zaps the VMA, and others of its group, which fault again. */
		unmap_mapping_range(vma->vm_file->f_mapping, (loff_t)vma->vm_pgoff << PAGE_SHIFT,
				    vma->vm_end - vma->vm_start, 1);
		/* The core write-protects VMAs with mkwrite operations. */
		WRITE_ONCE(vma->vm_page_prot, vm_get_page_prot(vma->vm_flags & ~VM_SHARED));
		WRITE_ONCE(vma->vm_ops, &xpmem_vm_ops);
		atomic_dec(&attachment->pinnable_vmas);
	}
	mmap_write_unlock(mm);
}
