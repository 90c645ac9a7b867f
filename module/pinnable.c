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
#include <linux/mm.h>

#include "compat/mm.h"
#include "compat/page_table.h"
#include "compat/pinnable.h"
#include "fault.h"
#include "xpmem.h"

/* Whether attachments may be pinnable. The checker of page tables forbids their entries. */
bool xpmem_pinnable_supported(void)
{
	return XPMEM_COUNTS_ANON_PAGES && !xpmem_page_tables_are_checked();
}

/*
 * Makes the pinnable VMA at an address one with special entries. The caller holds no lock, and
 * keeps @mm. Does nothing if the VMA is gone, or if the task is killed.
 */
void xpmem_pinnable_end(struct mm_struct *mm, unsigned long address)
{
	struct xpmem_attachment *attachment;
	struct vm_area_struct *vma;

	if (mmap_write_lock_killable(mm))
		return;
	vma = find_vma(mm, address);
	if (vma && vma->vm_start <= address && xpmem_vma_is_pinnable(vma)) {
		/* Waits for faults that hold the VMA's lock. */
		vm_flags_set(vma, VM_PFNMAP);
		/* Zaps the VMA, and others of its group, which fault again. */
		unmap_mapping_range(vma->vm_file->f_mapping, (loff_t)vma->vm_pgoff << PAGE_SHIFT,
				    vma->vm_end - vma->vm_start, 1);
		/* The core write-protects VMAs with mkwrite operations. */
		WRITE_ONCE(vma->vm_page_prot, vm_get_page_prot(vma->vm_flags & ~VM_SHARED));
		WRITE_ONCE(vma->vm_ops, &xpmem_vm_ops);
		attachment = vma->vm_private_data;
		atomic_dec(&attachment->pinnable_vmas);
	}
	mmap_write_unlock(mm);
}
