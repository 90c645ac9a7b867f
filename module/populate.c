// SPDX-License-Identifier: GPL-2.0-only
/* Maps the pages that the exporter has present into a new attachment. */
#include <linux/delay.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "fault.h"
#include "xpmem.h"

/*
 * Maps the present pages of the window that lie in one VMA of the exporter, or skips a hole in the
 * exporter's mappings. Returns the source address where it ended, which may lie beyond the
 * attachment, or 0 if the exporter's mmap_lock is not available now.
 */
static unsigned long populate_here(struct xpmem_snapshot *snapshot, unsigned long *single,
				   bool source_locked)
{
	unsigned long size = snapshot->pfns == single ? PAGE_SIZE : XPMEM_WINDOW_SIZE, end;
	struct mm_struct *mm = snapshot->exporter->mm;
	struct vm_area_struct *vma;
	enum xpmem_fault_result result;

	if (source_locked)
		lockdep_assert_held(&mm->mmap_lock);
	else if (!mmap_read_trylock(mm))
		return 0;
	snapshot->block_start = snapshot->source & ~(size - 1);
	snapshot->block_end = snapshot->block_start + size;
	vma = find_vma(mm, snapshot->source);
	if (!vma || vma->vm_start > snapshot->source) {
		end = vma ? vma->vm_start : ULONG_MAX & PAGE_MASK;
		result = XPMEM_HOLE;
	} else {
		result = xpmem_snapshot_take_around(snapshot);
		if (result == XPMEM_ABSENT)
			result = xpmem_snapshot_take_block(snapshot);
		end = snapshot->huge ? (snapshot->source | ~PMD_MASK) + 1 : snapshot->end;
		if (result == XPMEM_DENIED || result == XPMEM_UNPINNABLE)
			end = vma->vm_end;
	}
	if (!source_locked)
		mmap_read_unlock(mm);
	if (result == XPMEM_ABSENT)
		snapshot->pfns[(snapshot->source - snapshot->start) >> PAGE_SHIFT] = 0;
	if (result == XPMEM_MAPPED || result == XPMEM_ABSENT)
		xpmem_ptes_insert(snapshot);
	return end;
}

/* Serves a fault of the populater. Its task has raised mm_users of the exporter's mm. */
vm_fault_t xpmem_populate_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct xpmem_attachment *attachment = vma->vm_private_data;
	struct xpmem_snapshot snapshot;
	unsigned long single;

	xpmem_snapshot_init(&snapshot, vmf, false);
	xpmem_snapshot_get_pfns(&snapshot, &single);
	attachment->populated =
		populate_here(&snapshot, &single, snapshot.exporter->mm == vma->vm_mm);
	xpmem_snapshot_put_pfns(&snapshot, &single);
	return VM_FAULT_NOPAGE;
}

/**
 * xpmem_attachment_populate() - map the pages of a new attachment that the exporter has present
 * @attachment: the caller has attached it
 *
 * The caller's task takes one fault for each window. Later faults map the rest.
 */
void xpmem_attachment_populate(struct xpmem_attachment *attachment)
{
	struct xpmem_exporter *exporter = xpmem_attachment_exporter(attachment);
	unsigned long source = attachment->source, end = source + attachment->length;
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned long address;
	vm_fault_t fault;

	if (!mmget_not_zero(exporter->mm))
		return;
	WRITE_ONCE(attachment->creator, current);
	while (source < end && !fatal_signal_pending(current) && !mmap_read_lock_killable(mm)) {
		address = attachment->address + source - attachment->source;
		vma = find_vma(mm, address);
		if (!vma || vma->vm_start > address || !xpmem_vma_is_attachment(vma) ||
		    vma->vm_private_data != attachment) {
			mmap_read_unlock(mm);
			break;
		}
		/* Keeps this value if another thread's fault has mapped the page. */
		attachment->populated = (source | (XPMEM_WINDOW_SIZE - 1)) + 1;
		fault = handle_mm_fault(vma, address, 0, NULL);
		mmap_read_unlock(mm);
		if (fault & VM_FAULT_ERROR)
			break;
		if (attachment->populated) {
			source = attachment->populated;
		} else {
			if (mmap_read_lock_killable(exporter->mm))
				break;
			mmap_read_unlock(exporter->mm);
		}
		/*
		 * Back off, or mmap_lock writers (other threads that attach) starve for
		 * milliseconds.
		 */
		if (rwsem_is_contended(&mm->mmap_lock))
			usleep_range(20, 50);
		cond_resched();
	}
	WRITE_ONCE(attachment->creator, NULL);
	mmput(exporter->mm);
}
