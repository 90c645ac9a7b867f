// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults in attachments.
 *
 * The fast path keeps the attacher's lock. It tries for the exporter's mmap_lock, takes a snapshot
 * and inserts it. If that lock is taken, or the exporter must bring the page in first, the fault
 * drops the attacher's lock, because no task waits for two mmap_locks at once. It keeps the pages
 * that it finds then for the fault that retries (retry.c).
 */
#include <linux/delay.h>
#include <linux/hmm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat/mm.h"
#include "compat/mmput.h"
#include "change.h"
#include "fault.h"
#include "lender.h"
#include "race.h"
#include "retry.h"
#include "trace.h"
#include "xpmem.h"

/* Tries in place while the exporter changes the memory. Then the task faults anew. */
#define FAULT_TRIES 8
/*
 * How often the exporter may bring the page in and lose it again, before a caller that cannot drop
 * its lock gets SIGBUS.
 */
#define MAX_FRUITLESS 1000

static vm_fault_t result_to_vm_fault(enum xpmem_fault_result result)
{
	switch (result) {
	case XPMEM_MAPPED:
		return VM_FAULT_NOPAGE;
	case XPMEM_RACED:
		/*
		 * The task repeats the access. After SIGKILL the kernel would repeat it without
		 * end.
		 */
		return fatal_signal_pending(current) ? VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
	case XPMEM_DENIED:
		return VM_FAULT_SIGSEGV;
	case XPMEM_NOMEM:
		return VM_FAULT_OOM;
	case XPMEM_ABSENT:
	case XPMEM_HOLE:
	case XPMEM_UNPINNABLE:
		break;
	}
	return VM_FAULT_SIGBUS;
}

/*
 * Notes that the exporter must bring the page in. It also brings in the rest of the block, but only
 * if the fault continues a stream.
 */
static void set_absent(struct xpmem_snapshot *snapshot)
{
	snapshot->absent = true;
	if (!snapshot->continues) {
		snapshot->block_start = snapshot->source;
		snapshot->block_end = snapshot->source + PAGE_SIZE;
		snapshot->block_order = 0;
	}
}

/* Inserts the snapshot, or the huge entry that it found, and records that in the stream. */
static enum xpmem_fault_result snapshot_insert(struct xpmem_snapshot *snapshot)
{
	unsigned long start = snapshot->start, end = snapshot->end;
	enum xpmem_fault_result result;

	if (snapshot->huge) {
		start = snapshot->source & PMD_MASK;
		end = start + PMD_SIZE;
	}
	result = xpmem_ptes_insert(snapshot);
	if (result == XPMEM_MAPPED)
		xpmem_stream_advance(snapshot, start, end, snapshot->gained);
	return result;
}

/*
 * Tries once, under the attacher's lock, to map the block. @source_locked: the caller is the
 * exporter, and holds the exporter's mmap_lock already.
 */
static enum xpmem_fault_result try_in_place(struct xpmem_snapshot *snapshot, bool source_locked)
{
	struct mm_struct *mm = snapshot->exporter->mm;
	enum xpmem_fault_result result;

	xpmem_assert_vma_is_stable(snapshot->vma);
	if (source_locked)
		lockdep_assert_held(&mm->mmap_lock);
	else if (!mmap_read_trylock(mm))
		return XPMEM_ABSENT;
	result = xpmem_snapshot_take_around(snapshot);
	if (!source_locked)
		mmap_read_unlock(mm);
	if (result == XPMEM_ABSENT)
		set_absent(snapshot);
	return result == XPMEM_MAPPED ? snapshot_insert(snapshot) : result;
}

static enum xpmem_fault_result fault_in_place(struct xpmem_snapshot *snapshot,
					      unsigned long *single, bool source_locked)
{
	enum xpmem_fault_result result;
	int tries;

	xpmem_stream_find(snapshot);
	if (snapshot->pfns == single) {
		snapshot->block_start = snapshot->source;
		snapshot->block_end = snapshot->source + PAGE_SIZE;
	}
	for (tries = 0; tries < FAULT_TRIES; tries++) {
		result = try_in_place(snapshot, source_locked);
		if (result != XPMEM_RACED)
			break;
		cond_resched();
	}
	return result;
}

/*
 * Takes a snapshot of the page, and lets the exporter fault once if the page is absent. The caller
 * holds the exporter's mmap_lock, and keeps it.
 */
static enum xpmem_fault_result fault_and_snapshot(struct xpmem_snapshot *snapshot)
{
	enum xpmem_fault_result result;

	lockdep_assert_held(&snapshot->exporter->mm->mmap_lock);
	/* The lock was dropped since an earlier attempt. */
	snapshot->brought_in = false;
	result = xpmem_snapshot_take_page(snapshot);
	if (result != XPMEM_ABSENT)
		return result;
	result = xpmem_source_fault(snapshot, NULL);
	return result == XPMEM_MAPPED ? xpmem_snapshot_take_page(snapshot) : result;
}

/**
 * xpmem_fault_without_retry() - serve a caller that cannot drop the attacher's lock
 * @snapshot: pfns has room for one page
 * @source_locked: the attacher is the exporter, so the caller holds the exporter's mmap_lock, which
 *	fault_and_snapshot() asserts
 * @use: called with a snapshot of the wanted page, and again if it returns XPMEM_RACED or
 *	XPMEM_ABSENT
 *
 * Waits for the exporter's lock, and for invalidations to end, until the task is killed. Tasks that
 * hold the exporter's lock may wait for the attacher's lock, so this task lends it meanwhile.
 *
 * Return: the last result of @use, or the reason why it was not called.
 */
enum xpmem_fault_result xpmem_fault_without_retry(struct xpmem_snapshot *snapshot,
						  bool source_locked, xpmem_snapshot_use *use)
{
	bool lends = xpmem_fault_holds_mmap_lock(snapshot->vmf);
	struct mm_struct *mm = snapshot->exporter->mm;
	struct xpmem_lender lender, *borrowed;
	enum xpmem_fault_result result = XPMEM_RACED;
	unsigned int tries, fruitless = 0;

	xpmem_assert_vma_is_stable(snapshot->vma);
	if (lends)
		xpmem_lender_begin(&lender, snapshot->vma->vm_mm);
	for (tries = 0; !fatal_signal_pending(current) && fruitless < MAX_FRUITLESS; tries++) {
		if (source_locked) {
			result = fault_and_snapshot(snapshot);
		} else if (xpmem_mmap_read_get(mm, lends, &borrowed)) {
			result = fault_and_snapshot(snapshot);
			xpmem_mmap_read_end(mm, borrowed);
		} else {
			result = XPMEM_RACED;
		}
		if (result == XPMEM_MAPPED)
			result = use(snapshot);
		if (result != XPMEM_ABSENT && result != XPMEM_RACED)
			break;
		if (result == XPMEM_ABSENT &&
		    !xpmem_range_is_active(snapshot->exporter, snapshot->start, snapshot->end))
			fruitless++;
		if (tries < 50)
			usleep_range(100, 200);
		else
			usleep_range(1000, 2000);
	}
	if (lends)
		xpmem_lender_end(&lender);
	return result;
}

/*
 * Takes a snapshot of the block around the wanted page, or of the page alone when memory is short.
 * The caller holds the exporter's mmap_lock.
 */
static enum xpmem_fault_result snapshot_for_retry(struct xpmem_snapshot *snapshot,
						  struct xpmem_retry *retry)
{
	enum xpmem_fault_result result;

	lockdep_assert_held(&snapshot->exporter->mm->mmap_lock);
	snapshot->pfns = retry->pfns ?: &retry->pfn;
	if (retry->pfns) {
		snapshot->start = snapshot->block_start;
		snapshot->end = snapshot->block_end;
	}
	result = xpmem_snapshot_check(snapshot);
	return result == XPMEM_MAPPED ? xpmem_snapshot_take(snapshot) : result;
}

/*
 * Lets the exporter bring the wanted page in, and fills @retry. The caller holds no lock, which
 * xpmem_range_wait() asserts for mmap_locks. Returns XPMEM_MAPPED; or XPMEM_UNPINNABLE, or another
 * result if there is nothing to keep.
 */
static enum xpmem_fault_result fault_for_retry(struct xpmem_snapshot *snapshot,
					       struct xpmem_retry *retry)
{
	struct xpmem_exporter *exporter = snapshot->exporter;
	enum xpmem_fault_result result;
	bool unlocked = false;

	if (xpmem_range_wait(exporter, snapshot->source, snapshot->source + PAGE_SIZE) ||
	    mmap_read_lock_killable(exporter->mm))
		return XPMEM_RACED;
	snapshot->start = snapshot->source;
	snapshot->end = snapshot->source + PAGE_SIZE;
	result = xpmem_source_fault(snapshot, &unlocked);
	if (result == XPMEM_MAPPED && snapshot->absent)
		xpmem_source_fault_ahead(snapshot);
	if (result == XPMEM_MAPPED)
		result = snapshot_for_retry(snapshot, retry);
	if (!unlocked)
		mmap_read_unlock(exporter->mm);

	if (result == XPMEM_ABSENT || result == XPMEM_RACED || result == XPMEM_UNPINNABLE)
		return result;
	if (fatal_signal_pending(current))
		return XPMEM_RACED;
	if (result != XPMEM_MAPPED) {
		retry->error = result_to_vm_fault(result);
		return XPMEM_MAPPED;
	}
	retry->start = snapshot->start;
	retry->end = snapshot->end;
	retry->window = snapshot->window;
	retry->seq = snapshot->seq;
	/* The fault that retries most likely maps all of it. */
	xpmem_stream_advance(snapshot, snapshot->start, snapshot->end, XPMEM_WINDOW_PAGES);
	return XPMEM_MAPPED;
}

/*
 * Keeps an xpmem_retry for the task, unless memory is short. The fault has dropped the attacher's
 * lock, so snapshot->vma may be gone.
 */
static enum xpmem_fault_result fault_and_keep(struct xpmem_snapshot *snapshot)
{
	enum xpmem_fault_result result;
	struct xpmem_retry *retry =
		kzalloc(sizeof(*retry), GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN);
	struct xpmem_retry local = {};

	if (!retry)
		return fault_for_retry(snapshot, &local);
	retry->source = snapshot->source;
	retry->write = snapshot->store;
	if (snapshot->block_end - snapshot->block_start > PAGE_SIZE)
		retry->pfns = xpmem_pfns_get();
	result = fault_for_retry(snapshot, retry);
	if (result == XPMEM_MAPPED)
		xpmem_retry_put(snapshot->exporter, retry);
	else
		xpmem_retry_free(retry);
	return result;
}

/*
 * Inserts the pages that this task found after it dropped the attacher's lock, as far as the VMA
 * and one page table reach now. The caller holds the attacher's lock, which xpmem_ptes_insert()
 * asserts. Sets *@error to the error that the task kept instead, or to 0. Sets snapshot->store if
 * the kept entry serves a write, as one from send_back_as_write() does.
 */
static enum xpmem_fault_result insert_kept(struct xpmem_snapshot *snapshot, bool tried,
					   vm_fault_t *error)
{
	struct xpmem_retry *retry = xpmem_retry_take(snapshot->exporter, snapshot->source);
	unsigned long *pfns = snapshot->pfns, *found, wanted;
	enum xpmem_fault_result result = XPMEM_ABSENT;

	*error = 0;
	if (!retry)
		return result;
	if (retry->error) {
		/*
		 * An error that an earlier access met may be out of date, and an error of a write
		 * says nothing about a read.
		 */
		if (tried && (snapshot->store || !retry->write))
			*error = retry->error;
		goto out;
	}
	if (retry->write)
		snapshot->store = snapshot->write = true;
	if (retry->start == retry->end)
		goto out;
	found = retry->pfns ?: &retry->pfn;
	wanted = found[(snapshot->source - retry->start) >> PAGE_SHIFT];
	if (snapshot->write && !(wanted & HMM_PFN_WRITE))
		goto out;
	xpmem_snapshot_widen(snapshot, retry->start, retry->end);
	snapshot->pfns = found + ((snapshot->start - retry->start) >> PAGE_SHIFT);
	snapshot->window = retry->window;
	snapshot->seq = retry->seq;
	if (xpmem_ptes_may_be_huge(snapshot))
		xpmem_ptes_set_huge(snapshot);
	result = xpmem_ptes_insert(snapshot);
	snapshot->pfns = pfns;
	snapshot->huge = false;
out:
	xpmem_retry_free(retry);
	return result;
}

/* Refuses faults through dead objects, and in a child that inherited the VMA. */
bool xpmem_may_fault(const struct vm_area_struct *vma)
{
	const struct xpmem_attachment *attachment = vma->vm_private_data;

	return !xpmem_attachment_revoked(attachment) &&
	       vma->vm_mm == attachment->permit->client->mm;
}

/*
 * Counts a fault by its outcome. The caller's lock of the VMA still keeps the attachment. The
 * attachment does not know the VMA, so the callers assert the lock.
 */
static void count_end(struct xpmem_attachment *attachment, enum xpmem_fault_result result,
		      vm_fault_t fault)
{
	if (fault & VM_FAULT_ERROR)
		xpmem_stat_add_fault(attachment, XPMEM_STAT_FAILURES, 1);
	else if (result != XPMEM_MAPPED)
		xpmem_stat_add_fault(attachment, XPMEM_STAT_RETRIES, 1);
}

/*
 * Traces the end of a fault. The caller's lock or reference keeps the attachment. The VMA may be
 * gone, so only the callers can assert the lock.
 */
static void trace_end(const struct vm_fault *vmf, const struct xpmem_snapshot *snapshot,
		      vm_fault_t fault)
{
	if (trace_fault_enabled())
		trace_fault(snapshot->attachment, vmf->address, vmf->pgoff << PAGE_SHIFT,
			    vmf->flags & FAULT_FLAG_WRITE, fault, snapshot->inserted,
			    snapshot->begun ? ktime_get_ns() - snapshot->begun : 0);
}

/*
 * Begins to handle a fault, and raises mm_users of the exporter's mm. Returns false, without that,
 * if the fault is refused.
 */
static bool fault_begin(struct xpmem_snapshot *snapshot, struct vm_fault *vmf, bool write)
{
	xpmem_assert_vma_is_stable(vmf->vma);
	xpmem_snapshot_init(snapshot, vmf, write);
	snapshot->begun = trace_fault_enabled() ? ktime_get_ns() : 0;
	return xpmem_may_fault(vmf->vma) && mmget_not_zero(snapshot->exporter->mm);
}

/* Counts and traces a fault that still holds the attacher's lock, and returns @fault. */
static vm_fault_t fault_end(const struct xpmem_snapshot *snapshot, enum xpmem_fault_result result,
			    vm_fault_t fault)
{
	xpmem_assert_vma_is_stable(snapshot->vma);
	count_end(snapshot->attachment, result, fault);
	trace_end(snapshot->vmf, snapshot, fault);
	return fault;
}

/*
 * Drops the attacher's lock, and removes what keeps the fault from its page: lets the exporter
 * bring it in for the fault that retries, or ends the pinnable VMA that cannot map it. Without the
 * lock, the VMA may go, and with it the reference that keeps the exporter, so the function takes
 * references of its own.
 */
static vm_fault_t retry_fault(struct xpmem_snapshot *snapshot, enum xpmem_fault_result result)
{
	struct xpmem_attachment *attachment = snapshot->attachment;
	struct xpmem_exporter *exporter = snapshot->exporter;
	struct mm_struct *mm = snapshot->vma->vm_mm;
	struct vm_fault *vmf = snapshot->vmf;

	xpmem_assert_vma_is_stable(snapshot->vma);
	count_end(attachment, result, VM_FAULT_RETRY);
	refcount_inc(&attachment->object.ref);
	__module_get(THIS_MODULE);
	release_fault_lock(vmf);
	snapshot->vmf = NULL;
	snapshot->vma = NULL;
	xpmem_race_point("fault-unlocked");
	if (result == XPMEM_ABSENT)
		result = fault_and_keep(snapshot);
	if (result == XPMEM_UNPINNABLE)
		xpmem_pinnable_end(attachment, mm, vmf->address);
	trace_end(vmf, snapshot, VM_FAULT_RETRY);
	/* mmput() could end the exporter, and wait for locks that the faulting task holds. */
	xpmem_mmput_async(exporter->mm);
	xpmem_attachment_put(attachment);
	module_put(THIS_MODULE);
	return VM_FAULT_RETRY;
}

/**
 * xpmem_fault_handle() - handle a fault in an attachment
 * @vmf: has the flags of the fault itself
 * @write: the access is a write, maybe to a read-only PTE
 *
 * The caller holds the attacher's mmap_lock or VMA lock, which fault_begin() asserts.
 * Return: as the fault operation of a VMA. With VM_FAULT_RETRY, the lock was dropped, unless the
 * flags forbid to wait.
 */
vm_fault_t xpmem_fault_handle(struct vm_fault *vmf, bool write)
{
	struct vm_area_struct *vma = vmf->vma;
	enum xpmem_fault_result result;
	struct xpmem_snapshot snapshot;
	unsigned long single;
	bool source_locked;
	struct mm_struct *mm;
	vm_fault_t fault;

	xpmem_stat_add_fault(vma->vm_private_data, XPMEM_STAT_FAULTS, 1);
	if (!fault_begin(&snapshot, vmf, write))
		return fault_end(&snapshot, XPMEM_HOLE, VM_FAULT_SIGBUS);
	mm = snapshot.exporter->mm;
	source_locked = mm == vma->vm_mm && xpmem_fault_holds_mmap_lock(vmf);

	xpmem_snapshot_get_pfns(&snapshot, &single);
	result = insert_kept(&snapshot, vmf->flags & FAULT_FLAG_TRIED, &fault);
	if (!fault && result != XPMEM_MAPPED)
		result = fault_in_place(&snapshot, &single, source_locked);
	if (snapshot.store && !write && (result == XPMEM_DENIED || result == XPMEM_HOLE)) {
		/*
		 * The exporter's memory is no longer writable, or this access is not the one that
		 * was sent back.
		 */
		snapshot.store = false;
		result = fault_in_place(&snapshot, &single, source_locked);
	}
	if (!fault && (result == XPMEM_ABSENT || result == XPMEM_UNPINNABLE) &&
	    vmf->flags & FAULT_FLAG_ALLOW_RETRY)
		fault = VM_FAULT_RETRY;
	else if (!fault && result == XPMEM_ABSENT)
		result = xpmem_fault_without_retry(&snapshot, source_locked, xpmem_ptes_insert);
	xpmem_snapshot_put_pfns(&snapshot, &single);
	if (fault == VM_FAULT_RETRY && !(vmf->flags & FAULT_FLAG_RETRY_NOWAIT))
		return retry_fault(&snapshot, result);
	xpmem_mmput_async(mm);
	return fault_end(&snapshot, result, fault ?: result_to_vm_fault(result));
}

/*
 * Kernels since 6.12 first ask whether one PMD can map the whole range around the page, before they
 * allocate a page table. The ordinary fault, which they report next, does everything else.
 */
vm_fault_t xpmem_fault_huge(struct vm_fault *vmf, unsigned int order)
{
	enum xpmem_fault_result result = XPMEM_ABSENT;
	struct xpmem_snapshot snapshot;
	unsigned long single;
	bool source_locked;
	struct mm_struct *mm;

	if (order != PMD_SHIFT - PAGE_SHIFT || vmf->flags & FAULT_FLAG_TRIED ||
	    !fault_begin(&snapshot, vmf, vmf->flags & FAULT_FLAG_WRITE))
		return VM_FAULT_FALLBACK;
	snapshot.pfns = &single;
	mm = snapshot.exporter->mm;
	source_locked = mm == vmf->vma->vm_mm && xpmem_fault_holds_mmap_lock(vmf);
	if (xpmem_ptes_may_be_huge(&snapshot) && (source_locked || mmap_read_trylock(mm))) {
		result = xpmem_snapshot_take_page(&snapshot);
		if (!source_locked)
			mmap_read_unlock(mm);
		if (result == XPMEM_MAPPED && xpmem_ptes_set_huge(&snapshot)) {
			xpmem_stream_find(&snapshot);
			result = snapshot_insert(&snapshot);
		} else {
			result = XPMEM_ABSENT;
		}
	}
	xpmem_mmput_async(mm);
	if (result != XPMEM_MAPPED)
		return VM_FAULT_FALLBACK;
	if (READ_ONCE(snapshot.attachment->creator) != current)
		xpmem_stat_add_fault(snapshot.attachment, XPMEM_STAT_FAULTS, 1);
	return fault_end(&snapshot, result, VM_FAULT_NOPAGE);
}

/*
 * Makes the task's next fault on the page a write fault, even if the access reads first. Returns
 * false without memory.
 */
static bool send_back_as_write(struct xpmem_snapshot *snapshot)
{
	struct xpmem_retry *retry =
		kzalloc(sizeof(*retry), GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN);

	if (!retry)
		return false;
	retry->source = snapshot->source;
	retry->write = true;
	xpmem_retry_put(snapshot->exporter, retry);
	return true;
}

/*
 * A write met a read-only refcounted PTE. The core hides the fault's flags here, so the function
 * cannot know whether it may drop the lock. If the exporter's page is not writable at once, the
 * function zaps the PTE, and the task comes back with a write fault.
 */
vm_fault_t xpmem_fault_page_mkwrite(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct xpmem_snapshot snapshot;
	enum xpmem_fault_result result;
	unsigned long single;
	vm_fault_t fault;

	xpmem_stat_add_fault(vma->vm_private_data, XPMEM_STAT_FAULTS, 1);
	if (!fault_begin(&snapshot, vmf, true))
		return fault_end(&snapshot, XPMEM_HOLE, VM_FAULT_SIGBUS);
	xpmem_snapshot_get_pfns(&snapshot, &single);
	result = fault_in_place(&snapshot, &single, false);
	xpmem_snapshot_put_pfns(&snapshot, &single);
	fault = result == XPMEM_ABSENT ? VM_FAULT_NOPAGE : result_to_vm_fault(result);
	if (result == XPMEM_ABSENT) {
		if (!send_back_as_write(&snapshot))
			fault = VM_FAULT_OOM;
		unmap_mapping_range(vma->vm_file->f_mapping, snapshot.source, PAGE_SIZE, 1);
	}
	xpmem_mmput_async(snapshot.exporter->mm);
	return fault_end(&snapshot, result, fault);
}
