// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an attachment is to mirror: a snapshot of the exporter's page tables.
 *
 * It is taken without references, under the exporter's mmap_lock. entry.c maps it if the exporter
 * invalidated nothing of the window since.
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
 * Not at address 0, where some invalidations have no end (invalidation.c). Not with other
 * attributes of caching than ordinary memory has: two mappings of a page must agree in these.
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
 * xpmem_mirror_look() - whether the exporter could access the wanted page, and with which
 * neighbours
 * @mirror: its start and end are narrowed to the exporter's VMA
 *
 * The caller holds the exporter's mmap_lock. Sets @mirror->write where the attachment can only take
 * a page that the exporter has made its own.
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
	/* As for the exporter itself, what may be written may be read. */
	if (!(vma->vm_flags & (mirror->write ? VM_WRITE : VM_READ | VM_WRITE)))
		return XPMEM_DENIED;
	mirror->unreadable = !(vma->vm_flags & VM_READ);
	if (mirror->unreadable)
		mirror->write = true;
	/*
	 * Reading what is protected by userfaultfd waits for nobody: xpmem_mirror_insert() takes it
	 * read-only.
	 */
	if (mirror->needs_writable && (vma->vm_flags & (VM_WRITE | VM_UFFD_WP)) == VM_WRITE)
		mirror->write = true;
	mirror->start = max(mirror->start, vma->vm_start);
	mirror->end = min(mirror->end, vma->vm_end);
	return XPMEM_MAPPED;
}

/*
 * Of memory that is mapped to be written and not to be read hmm_range_fault() tells nothing. Its
 * wanted page is looked up as a write of the exporter would find it; the reference is given back at
 * once.
 */
static enum xpmem_verdict snapshot_unreadable(struct xpmem_mirror *mirror)
{
	struct page *page;
	long pinned;

	/* Not so that it sleeps under two locks, or fails where the fault would wait. */
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
 * Return: XPMEM_MAPPED when the wanted page is there as it is wanted; XPMEM_ABSENT also while an
 * invalidation goes on, then with no page in pfns; else XPMEM_RACED, XPMEM_HOLE or XPMEM_NOMEM.
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
