// SPDX-License-Identifier: GPL-2.0-only
/* Bringing in and pinning pages of an exporter, with the access that its own mappings allow. */
#include <linux/magic.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/userfaultfd_k.h>

#include "compat/mm.h"
#include "fault.h"
#include "xpmem.h"

/*
 * Whether @vma may map pages that vm_normal_page() does not know, privately. To copy such a page
 * for a write, the core reads it through its user address, in the address space of the task that
 * faults. If that is not the exporter, the exporter gets what the task has there, or zeros. DAX
 * pages are such pages on kernels before 6.15.
 */
static bool copies_by_address(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & VM_MAYSHARE) && (vma_is_dax(vma) || vma->vm_flags & VM_MIXEDMAP);
}

/**
 * xpmem_source_fault() - let the exporter bring the wanted page in, or copy it on write
 * @snapshot: its start and end are narrowed to the exporter's VMA
 * @unlocked: allows the function to drop the exporter's mmap_lock: then it takes the lock again, or
 *	sets *@unlocked and returns XPMEM_RACED; or NULL
 *
 * The caller holds the exporter's mmap_lock.
 *
 * fixup_user_fault() is not suitable: after it dropped the lock, it goes on with whichever mapping
 * is there then. That may be an attachment, whose source may have become one too, and so on: the
 * recursion could use up the kernel stack.
 *
 * Return: XPMEM_MAPPED, XPMEM_RACED, XPMEM_HOLE, XPMEM_DENIED or XPMEM_NOMEM. After XPMEM_MAPPED,
 * the page may be gone again if the lock was dropped.
 */
enum xpmem_fault_result xpmem_source_fault(struct xpmem_snapshot *snapshot, bool *unlocked)
{
	enum xpmem_fault_result result = xpmem_snapshot_check(snapshot);
	struct mm_struct *mm = snapshot->exporter->mm;
	unsigned int flags = FAULT_FLAG_REMOTE;
	struct vm_area_struct *vma;
	vm_fault_t fault;

	lockdep_assert_held(&mm->mmap_lock);
	if (result != XPMEM_MAPPED)
		return result;
	vma = find_vma(mm, snapshot->source);
	if (snapshot->spares_fuse && xpmem_source_is_fuse(vma))
		return XPMEM_HOLE;
	if (snapshot->write && mm != current->mm && copies_by_address(vma))
		return XPMEM_HOLE;
	if (snapshot->write)
		flags |= FAULT_FLAG_WRITE;
	if (unlocked)
		flags |= FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE;
	fault = handle_mm_fault(vma, snapshot->source, flags, NULL);
	if (fault & (VM_FAULT_RETRY | VM_FAULT_COMPLETED)) {
		/* A write to a file dropped the lock at its end, as it might be throttled. */
		if (fault & VM_FAULT_COMPLETED && !mmap_read_lock_killable(mm))
			return xpmem_snapshot_check(snapshot);
		*unlocked = true;
		return XPMEM_RACED;
	}
	if (fault & VM_FAULT_OOM)
		return XPMEM_NOMEM;
	snapshot->brought_in = !(fault & VM_FAULT_ERROR);
	return snapshot->brought_in ? XPMEM_MAPPED : XPMEM_HOLE;
}

/* The most that the exporter brings in at a time before any process accesses it. */
#define AHEAD_SIZE max(262144UL, PAGE_SIZE)

/*
 * Whether faults ahead in @vma never wait for a program, nor for a device other than swap.
 * handle_mm_fault() reads files without dropping the lock if it may not wait for a page. A file of
 * tmpfs has i_private while a hole is punched, for which a fault waits.
 */
static bool may_fault_ahead(struct vm_area_struct *vma)
{
	struct inode *inode;

	if (vma->vm_flags & VM_RAND_READ)
		return false;
	if (vma_is_anonymous(vma))
		return true;
	if (!vma->vm_file || !(vma->vm_flags & VM_SHARED))
		return false;
	inode = file_inode(vma->vm_file);
	return inode->i_sb->s_magic == TMPFS_MAGIC && !READ_ONCE(inode->i_private);
}

/**
 * xpmem_source_fault_ahead() - let the exporter bring in the rest of the block
 * @snapshot: the exporter has just brought in the wanted page; the block shrinks to this page and
 *	the pages that the exporter brings in here
 *
 * The caller holds the exporter's mmap_lock. The function stops where the fault would have to drop
 * it, and as soon as another task wants it.
 */
void xpmem_source_fault_ahead(struct xpmem_snapshot *snapshot)
{
	unsigned int flags = FAULT_FLAG_REMOTE | FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT;
	unsigned long source = snapshot->source, address, start, end;
	unsigned long step = snapshot->backwards ? -PAGE_SIZE : PAGE_SIZE;
	struct mm_struct *mm = snapshot->exporter->mm;
	struct vm_area_struct *vma = find_vma(mm, source);

	lockdep_assert_held(&mm->mmap_lock);
	start = max3(snapshot->block_start, vma->vm_start,
		     source - min(AHEAD_SIZE - PAGE_SIZE, source));
	end = min3(snapshot->block_end, vma->vm_end, source + AHEAD_SIZE);
	/* A read must not make pages dirty that no task may ever write. */
	if (snapshot->store || snapshot->pinnable)
		flags |= FAULT_FLAG_WRITE;
	for (address = source + step; address >= start && address < end; address += step) {
		if (!may_fault_ahead(vma) || rwsem_is_contended(&mm->mmap_lock) ||
		    signal_pending(current) ||
		    handle_mm_fault(vma, address, flags, NULL) & (VM_FAULT_ERROR | VM_FAULT_RETRY))
			break;
		cond_resched();
	}
	snapshot->block_start = snapshot->backwards ? address + PAGE_SIZE : source;
	snapshot->block_end = snapshot->backwards ? source + PAGE_SIZE : address;
}

/*
 * Whether pages from snapshot->source on may be pinned, and whether another program supplies them.
 * The caller holds the exporter's mmap_lock. Returns XPMEM_MAPPED if so.
 */
static enum xpmem_fault_result check_for_pin(struct xpmem_snapshot *snapshot, bool *supplied)
{
	struct mm_struct *mm = snapshot->exporter->mm;
	enum xpmem_fault_result result;
	struct vm_area_struct *vma;

	lockdep_assert_held(&mm->mmap_lock);
	result = xpmem_snapshot_check(snapshot);
	if (result != XPMEM_MAPPED)
		return result;
	vma = find_vma(mm, snapshot->source);
	*supplied = userfaultfd_armed(vma) || xpmem_source_is_fuse(vma);
	/*
	 * The server may keep a shared page locked forever, and unpinning takes that lock. For
	 * others, the pin must not wait.
	 */
	if (xpmem_source_is_fuse(vma) && (vma->vm_flags & VM_MAYSHARE || !XPMEM_FOLL_PRESENT))
		return XPMEM_HOLE;
	/* The core pins no DAX memory for long, and may have to copy other pages here. */
	if (copies_by_address(vma))
		return XPMEM_HOLE;
	return XPMEM_MAPPED;
}

/**
 * xpmem_source_pin() - pin pages of an exporter for long, with the access of its own writes
 * @permit: of the caller, which has raised mm_users of the exporter's mm, and holds no mmap_lock
 * @source: address of the first page
 * @count: number of pages at most
 * @pages: room for @count pages
 *
 * Return: the number of pinned pages, 0 to try again, -EFAULT if no page there may be attached,
 * written and pinned, -ENOMEM or -EINTR.
 */
long xpmem_source_pin(struct xpmem_permit *permit, unsigned long source, unsigned long count,
		      struct page **pages)
{
	struct xpmem_snapshot snapshot = {
		.permit = permit,
		.exporter = permit->segment->exporter,
		.source = source,
		.start = source,
		.end = source + (count << PAGE_SHIFT),
		.store = true,
	};
	struct mm_struct *mm = snapshot.exporter->mm;
	enum xpmem_fault_result result;
	unsigned int flags = FOLL_WRITE | FOLL_LONGTERM;
	bool supplied = false, unlocked = false;
	long pinned = -EFAULT;

	might_lock_read(&mm->mmap_lock);
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	result = check_for_pin(&snapshot, &supplied);
	if (result == XPMEM_MAPPED && supplied) {
		/*
		 * Pinning keeps the lock, so it must not wait for the program that supplies the
		 * page, even if the page is gone again.
		 */
		flags |= XPMEM_FOLL_PRESENT;
		snapshot.end = source + PAGE_SIZE;
		result = xpmem_source_fault(&snapshot, &unlocked);
		/* The fault dropped the lock: another program may have to supply the page now. */
		if (result == XPMEM_MAPPED && !snapshot.brought_in)
			result = XPMEM_RACED;
	}
	xpmem_race_point("source-pin");
	if (result == XPMEM_MAPPED)
		pinned = xpmem_pin_user_pages_remote(mm, source,
						     (snapshot.end - source) >> PAGE_SHIFT, flags,
						     pages);
	if (!unlocked)
		mmap_read_unlock(mm);
	if (result == XPMEM_NOMEM)
		return -ENOMEM;
	/* A page that the program supplied may be gone again. */
	if (result == XPMEM_RACED || (supplied && result == XPMEM_MAPPED && pinned == -EFAULT))
		return 0;
	return pinned;
}
