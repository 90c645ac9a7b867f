// SPDX-License-Identifier: GPL-2.0-only
/* Bringing in and pinning pages of an exporter, with the access that its own mappings allow. */
#include <linux/sched/mm.h>
#include <linux/userfaultfd_k.h>

#include "compat/mm.h"
#include "xpmem.h"

/*
 * Has the exporter bring the wanted page in, and make it its own for a write. The caller holds the
 * exporter's mmap_lock; with @unlocked it may be given up, which returns XPMEM_RACED.
 *
 * Not fixup_user_fault(): after it gave up the lock, it goes on with whatever is mapped there by then. That may be an
 * attachment, whose source may turn into one in its turn, and so on down the kernel's stack.
 */
enum xpmem_fault_result xpmem_source_fault(struct xpmem_snapshot *snapshot, bool *unlocked)
{
	enum xpmem_fault_result result = xpmem_snapshot_check(snapshot);
	unsigned int flags = FAULT_FLAG_REMOTE;
	vm_fault_t fault;

	if (result != XPMEM_MAPPED)
		return result;
	if (snapshot->write)
		flags |= FAULT_FLAG_WRITE;
	if (unlocked)
		flags |= FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE;
	fault = handle_mm_fault(find_vma(snapshot->exporter->mm, snapshot->source), snapshot->source, flags, NULL);
	if (fault & (VM_FAULT_RETRY | VM_FAULT_COMPLETED)) {
		*unlocked = true;
		return XPMEM_RACED;
	}
	if (fault & VM_FAULT_OOM)
		return XPMEM_NOMEM;
	snapshot->brought_in = !(fault & VM_FAULT_ERROR);
	return snapshot->brought_in ? XPMEM_MAPPED : XPMEM_HOLE;
}

/**
 * xpmem_source_pin() - pin pages of an exporter for long, as its own write would find them
 * @exporter: the caller has mm_users of its mm raised, and holds no mmap_lock
 * @source: the first
 * @count: how many at most
 * @pages: room for them
 *
 * Return: how many were pinned, 0 to try again, or -EFAULT (none that may be attached, written and pinned is
 * there), -ENOMEM or -EINTR.
 */
long xpmem_source_pin(struct xpmem_exporter *exporter, unsigned long source, unsigned long count, struct page **pages)
{
	struct xpmem_snapshot snapshot = {
		.exporter = exporter,
		.source = source,
		.start = source,
		.end = source + (count << PAGE_SHIFT),
		.write = true,
	};
	struct mm_struct *mm = exporter->mm;
	enum xpmem_fault_result result;
	bool watched, unlocked = false;
	long pinned = -EFAULT;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	result = xpmem_snapshot_check(&snapshot);
	watched = result == XPMEM_MAPPED && userfaultfd_armed(find_vma(mm, source));
	if (watched) {
		/* A pin keeps the lock, and so cannot wait for the program that supplies the page. */
		snapshot.end = source + PAGE_SIZE;
		result = xpmem_source_fault(&snapshot, &unlocked);
	}
	if (result == XPMEM_MAPPED)
		pinned = xpmem_pin_user_pages_remote(mm, source, (snapshot.end - source) >> PAGE_SHIFT, FOLL_WRITE | FOLL_LONGTERM, pages);
	if (!unlocked)
		mmap_read_unlock(mm);
	if (result == XPMEM_NOMEM)
		return -ENOMEM;
	/* Or the page is gone again. */
	return result == XPMEM_RACED || (watched && result == XPMEM_MAPPED && pinned == -EFAULT) ? 0 : pinned;
}
