// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshots of the exporter's page tables.
 *
 * A fault takes a snapshot under the exporter's mmap_lock, without page references. insertion.c
 * maps it unless an invalidation of the window followed.
 */
#include <linux/hmm.h>
#include <linux/magic.h>

#include "compat/mm.h"
#include "compat/page_table.h"
#include "change.h"
#include "fault.h"
#include "pte.h"
#include "race.h"
#include "xpmem.h"

/*
 * Whether memory of @vma may be attached at all. The caller holds the mmap_lock of its mm.
 *
 * Memory with special caching attributes is refused, because all mappings of a page must agree.
 * Shared mappings of DAX files are refused, because their file system takes blocks away at once,
 * while deferral.c keeps a page by a reference. A fault must not have the file system allocate one.
 */
bool xpmem_source_allowed(const struct vm_area_struct *vma)
{
	lockdep_assert_held(&vma->vm_mm->mmap_lock);
	if (!xpmem_prot_is_cached(vma->vm_page_prot))
		return false;
	if (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_SHADOW_STACK))
		return false;
	if (vma_is_dax(vma) && vma->vm_flags & VM_MAYSHARE)
		return false;
	return !xpmem_vma_is_attachment(vma) && !xpmem_vma_is_secret(vma);
}

/*
 * Whether pinnable VMAs may map memory of @vma, which xpmem_source_allowed() has accepted: ordinary
 * private memory that the exporter may read and write at any time.
 */
bool xpmem_source_is_pinnable(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_MAYSHARE | VM_MIXEDMAP | VM_HUGETLB | VM_UFFD_WP)) &&
	       (vma->vm_flags & (VM_READ | VM_WRITE)) == (VM_READ | VM_WRITE) &&
	       !vma_is_dax(vma);
}

/* Whether a FUSE server has to supply absent pages of @vma, which may take it forever. */
bool xpmem_source_is_fuse(const struct vm_area_struct *vma)
{
	return vma->vm_file && file_inode(vma->vm_file)->i_sb->s_magic == FUSE_SUPER_MAGIC;
}

/*
 * Whether @vma maps a file of a FUSE mount that ordinary users can make, and the caller's ids are
 * not all those with which the file was opened. A FUSE server that does not answer keeps a task
 * that waits for it even from being killed, until the server or its connection ends. So FUSE keeps
 * tasks of other users and groups away from such mounts: its test let the opener pass. This module
 * keeps them away from memory of the files. The exporter's ids do not matter, because it may have
 * changed them since, or have got the file from another process. Present pages are refused too:
 * whether a page needs the server may change at any moment.
 */
static bool is_fuse_of_another_user(const struct xpmem_snapshot *snapshot,
				    const struct vm_area_struct *vma)
{
	const struct xpmem_owner *attacher = snapshot->permit->object.owner;
	const struct cred *opener;

	if (!xpmem_source_is_fuse(vma) || current->mm == snapshot->exporter->mm ||
	    !(file_inode(vma->vm_file)->i_sb->s_type->fs_flags & FS_USERNS_MOUNT))
		return false;
	opener = vma->vm_file->f_cred;
	/* A kernel thread has the ids of root while it uses the attacher's mm. */
	if (current->flags & PF_KTHREAD)
		return !uid_eq(attacher->uid, opener->euid) || !gid_eq(attacher->gid, opener->egid);
	/* Not those that a filesystem has taken on while it copies from the attachment. */
	return !xpmem_ids_are_equal(opener, current_real_cred());
}

/* Uses @single, on the caller's stack, for one page when memory is short. */
void xpmem_snapshot_get_pfns(struct xpmem_snapshot *snapshot, unsigned long *single)
{
	snapshot->pfns = xpmem_pfns_get() ?: single;
}

void xpmem_snapshot_put_pfns(struct xpmem_snapshot *snapshot, unsigned long *single)
{
	if (snapshot->pfns != single)
		xpmem_pfns_put(snapshot->pfns);
}

/* The caller raises mm_users of the exporter's mm before it takes a snapshot. */
void xpmem_snapshot_init(struct xpmem_snapshot *snapshot, struct vm_fault *vmf, bool write)
{
	struct vm_area_struct *vma = vmf->vma;
	struct xpmem_attachment *attachment = vma->vm_private_data;

	*snapshot = (struct xpmem_snapshot){
		.vmf = vmf,
		.vma = vma,
		.attachment = attachment,
		.permit = attachment->permit,
		.exporter = xpmem_attachment_exporter(attachment),
		.source = vmf->pgoff << PAGE_SHIFT,
		.store = write,
		.write = write,
		.needs_writable = xpmem_needs_writable(vma),
		.pinnable = xpmem_vma_is_pinnable(vma),
	};
}

/**
 * xpmem_snapshot_widen() - set the range of a snapshot
 * @snapshot: gets the part of [@start, @end) that the VMA and one page table of the attacher cover
 * @start: first source address
 * @end: end of the range, which contains the wanted page and is in its window
 */
void xpmem_snapshot_widen(struct xpmem_snapshot *snapshot, unsigned long start, unsigned long end)
{
	unsigned long offset = snapshot->vmf->address & PAGE_MASK & ~PMD_MASK;
	struct vm_area_struct *vma = snapshot->vma;
	unsigned long first = vma->vm_pgoff << PAGE_SHIFT;

	snapshot->start = max3(start, first, snapshot->source - min(offset, snapshot->source));
	snapshot->end = min3(end, first + vma->vm_end - vma->vm_start,
			     snapshot->source + (PMD_SIZE - offset));
}

/**
 * xpmem_snapshot_check() - check whether the exporter may access the wanted page
 * @snapshot: its start and end are narrowed to the exporter's VMA
 *
 * The caller holds the exporter's mmap_lock. Sets @snapshot->write if the attachment can only map a
 * page that the exporter has already copied on write.
 * Return: XPMEM_MAPPED, XPMEM_HOLE, XPMEM_DENIED or XPMEM_UNPINNABLE.
 */
enum xpmem_fault_result xpmem_snapshot_check(struct xpmem_snapshot *snapshot)
{
	struct mm_struct *mm = snapshot->exporter->mm;
	struct vm_area_struct *vma;

	lockdep_assert_held(&mm->mmap_lock);
	vma = find_vma(mm, snapshot->source);
	if (!vma || vma->vm_start > snapshot->source || !xpmem_source_allowed(vma) ||
	    is_fuse_of_another_user(snapshot, vma))
		return XPMEM_HOLE;
	/* An earlier check may have met another mapping. */
	snapshot->write = snapshot->store;
	/* Write permission implies read permission, as it does for the exporter. */
	if (!(vma->vm_flags & (snapshot->write ? VM_WRITE : VM_READ | VM_WRITE)))
		return XPMEM_DENIED;
	if (snapshot->pinnable && !xpmem_source_is_pinnable(vma))
		return XPMEM_UNPINNABLE;
	snapshot->unreadable = !(vma->vm_flags & VM_READ);
	if (snapshot->unreadable)
		snapshot->write = true;
	/*
	 * A read of userfaultfd-protected memory must not wait for its handler:
	 * xpmem_ptes_insert() maps such a page read-only.
	 */
	if (snapshot->needs_writable && (vma->vm_flags & (VM_WRITE | VM_UFFD_WP)) == VM_WRITE)
		snapshot->write = true;
	snapshot->start = max(snapshot->start, vma->vm_start);
	snapshot->end = min(snapshot->end, vma->vm_end);
	return XPMEM_MAPPED;
}

/*
 * hmm_range_fault() does not report memory that is mapped write-only. This looks up the wanted page
 * as a write of the exporter does, and drops the reference at once.
 */
static enum xpmem_fault_result snapshot_unreadable(struct xpmem_snapshot *snapshot)
{
	struct page *page;
	long pinned;

	/* Otherwise the lookup could sleep under two locks, or fail where a fault would wait. */
	if (!snapshot->brought_in)
		return XPMEM_ABSENT;
	snapshot->start = snapshot->source;
	snapshot->end = snapshot->source + PAGE_SIZE;
	pinned = xpmem_pin_user_pages_remote(snapshot->exporter->mm, snapshot->source, 1,
					     FOLL_WRITE, &page);
	if (pinned != 1)
		return pinned == -ENOMEM ? XPMEM_NOMEM : XPMEM_ABSENT;
	snapshot->pfns[0] = page_to_pfn(page) | HMM_PFN_VALID | HMM_PFN_WRITE;
	unpin_user_page(page);
	return XPMEM_MAPPED;
}

/*
 * Has page-table entries of the exporter map the wanted page, which one PMD maps, and reads the
 * page tables again. The pin ends at once. It does not wait for a program that supplies pages. The
 * caller holds the exporter's mmap_lock, which keeps the entries from being collapsed.
 */
static enum xpmem_fault_result snapshot_split(struct xpmem_snapshot *snapshot)
{
	struct page *page;
	long pinned;

	memset_l(snapshot->pfns, 0, (snapshot->end - snapshot->start) >> PAGE_SHIFT);
	/* Otherwise the split could sleep under two locks. */
	if (!snapshot->brought_in)
		return XPMEM_ABSENT;
	pinned = xpmem_pin_user_pages_remote(snapshot->exporter->mm, snapshot->source, 1,
					     FOLL_WRITE | FOLL_SPLIT_PMD | XPMEM_FOLL_PRESENT,
					     &page);
	if (pinned != 1)
		return pinned == -ENOMEM ? XPMEM_NOMEM : XPMEM_ABSENT;
	unpin_user_page(page);
	/* One split is enough. */
	snapshot->brought_in = false;
	return xpmem_snapshot_take(snapshot);
}

/**
 * xpmem_snapshot_take() - read the exporter's page tables
 * @snapshot: the function sets window and seq, and fills pfns for start to end
 *
 * The caller holds the exporter's mmap_lock and called xpmem_snapshot_check() under it.
 * Return: XPMEM_MAPPED if the exporter maps the wanted page with the wanted access; XPMEM_ABSENT
 * if not, or during an invalidation, then with no page in pfns; else XPMEM_RACED, XPMEM_HOLE or
 * XPMEM_NOMEM.
 */
enum xpmem_fault_result xpmem_snapshot_take(struct xpmem_snapshot *snapshot)
{
	struct hmm_range range = {
		.start = snapshot->start,
		.end = snapshot->end,
		.hmm_pfns = snapshot->pfns,
		.dev_private_owner = &xpmem_segments,	/* owns no device memory */
	};
	unsigned long pfn;
	int error;

	lockdep_assert_held(&snapshot->exporter->mm->mmap_lock);
	snapshot->window = xpmem_window_get(snapshot->exporter, snapshot->source);
	if (IS_ERR(snapshot->window))
		return PTR_ERR(snapshot->window) == -EINTR ? XPMEM_RACED : XPMEM_NOMEM;
	range.notifier = &snapshot->exporter->snapshot_notifier;
	memset_l(snapshot->pfns, 0, (snapshot->end - snapshot->start) >> PAGE_SHIFT);
	if (!xpmem_window_sample(snapshot->window, snapshot->start, snapshot->end, &snapshot->seq))
		return XPMEM_ABSENT;
	xpmem_race_point("snapshot-sampled");
	if (snapshot->unreadable)
		return snapshot_unreadable(snapshot);
	error = hmm_range_fault(&range);
	if (error == -EBUSY)
		return XPMEM_RACED;
	if (error)
		return XPMEM_HOLE;
	pfn = xpmem_snapshot_wanted(snapshot);
	if (!(pfn & HMM_PFN_VALID))
		return pfn & HMM_PFN_ERROR ? XPMEM_HOLE : XPMEM_ABSENT;
	if (snapshot->write && !(pfn & HMM_PFN_WRITE))
		return XPMEM_ABSENT;
	return snapshot->pinnable && xpmem_pfn_must_split(pfn) ? snapshot_split(snapshot)
								: XPMEM_MAPPED;
}

/**
 * xpmem_snapshot_hold() - keep the exporter's page tables as the snapshot has them
 * @snapshot: after xpmem_snapshot_take()
 *
 * The caller needs no lock of the exporter. Until xpmem_snapshot_release(), changes of the exporter
 * wait, and so do tasks that revoke the attachment. The caller allocates nothing with reclaim.
 * Return: XPMEM_MAPPED; or XPMEM_RACED, or XPMEM_HOLE after a revocation, then with nothing held.
 */
enum xpmem_fault_result xpmem_snapshot_hold(struct xpmem_snapshot *snapshot)
{
	enum xpmem_fault_result result = XPMEM_MAPPED;

	down_read(&snapshot->attachment->permit->inserting);
	down_read(&snapshot->window->lock);
	if (xpmem_window_changed(snapshot->window, snapshot->seq))
		result = XPMEM_RACED;
	else if (xpmem_attachment_revoked(snapshot->attachment) ||
		 !xpmem_exporter_is_stable(snapshot->exporter))
		result = XPMEM_HOLE;
	if (result != XPMEM_MAPPED)
		xpmem_snapshot_release(snapshot);
	return result;
}

void xpmem_snapshot_release(struct xpmem_snapshot *snapshot)
{
	up_read(&snapshot->window->lock);
	up_read(&snapshot->attachment->permit->inserting);
}

static enum xpmem_fault_result take_range(struct xpmem_snapshot *snapshot, unsigned long start,
					  unsigned long end)
{
	enum xpmem_fault_result result;

	lockdep_assert_held(&snapshot->exporter->mm->mmap_lock);
	snapshot->huge = false;
	xpmem_snapshot_widen(snapshot, start, end);
	result = xpmem_snapshot_check(snapshot);
	return result == XPMEM_MAPPED ? xpmem_snapshot_take(snapshot) : result;
}

/*
 * Checks and takes a snapshot of the wanted page. The caller holds the exporter's mmap_lock, which
 * take_range() asserts.
 */
enum xpmem_fault_result xpmem_snapshot_take_page(struct xpmem_snapshot *snapshot)
{
	return take_range(snapshot, snapshot->source, snapshot->source + PAGE_SIZE);
}

/* Likewise for the block around the wanted page. */
enum xpmem_fault_result xpmem_snapshot_take_block(struct xpmem_snapshot *snapshot)
{
	return take_range(snapshot, snapshot->block_start, snapshot->block_end);
}

/**
 * xpmem_snapshot_take_around() - take a snapshot of the block around the wanted page
 * @snapshot: the block is set; sets huge, with the wanted page alone, if one PMD maps the block
 *
 * Looks first whether the wanted page is present, which costs little. The caller holds the
 * exporter's mmap_lock, which take_range() asserts.
 * Return: as xpmem_snapshot_take() and xpmem_snapshot_check().
 */
enum xpmem_fault_result xpmem_snapshot_take_around(struct xpmem_snapshot *snapshot)
{
	enum xpmem_fault_result result = xpmem_snapshot_take_page(snapshot);

	if (result != XPMEM_MAPPED || snapshot->block_end - snapshot->block_start == PAGE_SIZE ||
	    (xpmem_ptes_may_be_huge(snapshot) && xpmem_ptes_set_huge(snapshot)))
		return result;
	return xpmem_snapshot_take_block(snapshot);
}
