// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots of the exporter's page tables.
 *
 * A fault takes a snapshot under the exporter's mmap_lock, without page references. entry.c maps it
 * unless an invalidation of the window followed.
 */
#include <linux/hmm.h>
#include <linux/magic.h>

#include "compat/mm.h"
#include "compat/page_table.h"
#include "race.h"
#include "xpmem.h"

/*
 * Whether memory of @vma may be attached at all. The caller holds the mmap_lock of its mm.
 *
 * Memory at address 0 is refused, because some invalidations there have no end (invalidation.c).
 * Memory with special caching attributes is refused, because all mappings of a page must agree.
 */
bool xpmem_source_allowed(const struct vm_area_struct *vma)
{
	lockdep_assert_held(&vma->vm_mm->mmap_lock);
	if (!vma->vm_start || !xpmem_prot_is_cached(vma->vm_page_prot))
		return false;
	if (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_SHADOW_STACK))
		return false;
	if (xpmem_vma_is_attachment(vma))
		return false;
#ifdef SECRETMEM_MAGIC
	if (vma->vm_file && file_inode(vma->vm_file)->i_sb->s_magic == SECRETMEM_MAGIC)
		return false;
#endif
	return true;
}

/**
 * xpmem_mirror_look() - check whether the exporter may access the wanted page
 * @mirror: its start and end are narrowed to the exporter's VMA
 *
 * The caller holds the exporter's mmap_lock. Sets @mirror->write if the attachment can only map a
 * page that the exporter has already copied on write.
 * Return: XPMEM_MAPPED, XPMEM_HOLE or XPMEM_DENIED.
 */
enum xpmem_verdict xpmem_mirror_look(struct xpmem_mirror *mirror)
{
	struct mm_struct *mm = mirror->space->mm;
	struct vm_area_struct *vma;

	lockdep_assert_held(&mm->mmap_lock);
	vma = find_vma(mm, mirror->source);
	if (!vma || vma->vm_start > mirror->source || !xpmem_source_allowed(vma))
		return XPMEM_HOLE;
	/* Write permission implies read permission, as it does for the exporter. */
	if (!(vma->vm_flags & (mirror->write ? VM_WRITE : VM_READ | VM_WRITE)))
		return XPMEM_DENIED;
	mirror->unreadable = !(vma->vm_flags & VM_READ);
	if (mirror->unreadable)
		mirror->write = true;
	/*
	 * A read of userfaultfd-protected memory must not wait for its handler:
	 * xpmem_entries_insert() maps such a page read-only.
	 */
	if (mirror->needs_writable && (vma->vm_flags & (VM_WRITE | VM_UFFD_WP)) == VM_WRITE)
		mirror->write = true;
	mirror->start = max(mirror->start, vma->vm_start);
	mirror->end = min(mirror->end, vma->vm_end);
	return XPMEM_MAPPED;
}

/*
 * hmm_range_fault() does not report memory that is mapped write-only. This looks up the wanted page
 * as a write of the exporter does, and drops the reference at once.
 */
static enum xpmem_verdict snapshot_unreadable(struct xpmem_mirror *mirror)
{
	struct page *page;
	long pinned;

	/* Otherwise the lookup could sleep under two locks, or fail where a fault would wait. */
	if (!mirror->brought_in)
		return XPMEM_ABSENT;
	mirror->start = mirror->source;
	mirror->end = mirror->source + PAGE_SIZE;
	pinned = xpmem_pin_user_pages_remote(mirror->space->mm, mirror->source, 1, FOLL_WRITE,
					     &page);
	if (pinned != 1)
		return pinned == -ENOMEM ? XPMEM_NOMEM : XPMEM_ABSENT;
	mirror->pfns[0] = page_to_pfn(page) | HMM_PFN_VALID | HMM_PFN_WRITE;
	unpin_user_page(page);
	return XPMEM_MAPPED;
}

/**
 * xpmem_mirror_snapshot() - read the exporter's page tables
 * @mirror: window is set; pfns and seq are filled for start to end
 *
 * The caller holds the exporter's mmap_lock and called xpmem_mirror_look() under it.
 * Return: XPMEM_MAPPED if the exporter maps the wanted page with the wanted access; XPMEM_ABSENT
 * if not, or during an invalidation, then with no page in pfns; else XPMEM_RACED, XPMEM_HOLE or
 * XPMEM_NOMEM.
 */
enum xpmem_verdict xpmem_mirror_snapshot(struct xpmem_mirror *mirror)
{
	struct hmm_range range = {
		.start = mirror->start,
		.end = mirror->end,
		.hmm_pfns = mirror->pfns,
		.dev_private_owner = &xpmem_segments,	/* owns no device memory */
	};
	unsigned long pfn;
	int error;

	lockdep_assert_held(&mirror->space->mm->mmap_lock);
	mirror->window = xpmem_window_get(mirror->space, mirror->source);
	if (IS_ERR(mirror->window))
		return PTR_ERR(mirror->window) == -EINTR ? XPMEM_RACED : XPMEM_NOMEM;
	range.notifier = &mirror->space->snapshot_notifier;
	memset_l(mirror->pfns, 0, (mirror->end - mirror->start) >> PAGE_SHIFT);
	if (!xpmem_window_sample(mirror->window, mirror->start, mirror->end, &mirror->seq))
		return XPMEM_ABSENT;
	xpmem_race_point("mirror-sampled");
	if (mirror->unreadable)
		return snapshot_unreadable(mirror);
	error = hmm_range_fault(&range);
	if (error == -EBUSY)
		return XPMEM_RACED;
	if (error)
		return XPMEM_HOLE;
	pfn = xpmem_mirror_wanted(mirror);
	if (!(pfn & HMM_PFN_VALID))
		return pfn & HMM_PFN_ERROR ? XPMEM_HOLE : XPMEM_ABSENT;
	if (mirror->write && !(pfn & HMM_PFN_WRITE))
		return XPMEM_ABSENT;
	return XPMEM_MAPPED;
}
