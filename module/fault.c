// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults in attachments.
 *
 * The fast path keeps the attacher's lock: it tries for the exporter's mmap_lock, takes a snapshot
 * and inserts it. When the exporter has to bring a page in, or its lock is not to be had, the
 * attacher's lock is given up first, since two mmap_locks are never waited for at once; what is found
 * is kept for the fault that retries (retry.c).
 */
#include <linux/delay.h>
#include <linux/hmm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat/mm.h"
#include "race.h"
#include "trace.h"
#include "xpmem.h"

/* How often a fault is tried in place when the exporter changes under it; then it faults anew. */
#define FAULT_TRIES 8
/* Around a page whose neighbours are not known to be of use; as much as the core maps around a page of a file. */
#define SPARSE_SIZE 65536UL
/* How often the exporter may bring the page in and it is gone again, until a caller that cannot give up its lock gets SIGBUS. */
#define MAX_FRUITLESS 1000

static vm_fault_t result_to_vm_fault(enum xpmem_fault_result result)
{
	switch (result) {
	case XPMEM_MAPPED:
		return VM_FAULT_NOPAGE;
	case XPMEM_RACED:
		/* The access is tried again; by the kernel, after SIGKILL, without end. */
		return fatal_signal_pending(current) ? VM_FAULT_SIGBUS : VM_FAULT_NOPAGE;
	case XPMEM_DENIED:
		return VM_FAULT_SIGSEGV;
	case XPMEM_NOMEM:
		return VM_FAULT_OOM;
	case XPMEM_ABSENT:
	case XPMEM_HOLE:
		break;
	}
	return VM_FAULT_SIGBUS;
}

/*
 * Whether all of a window is to be mapped for one page, as nothing else is known yet, or it lies beside a window that had a fault lately.
 * Where the window itself had one, each time the opposite of the last: what is there already need not be mapped again, and what is not is
 * wanted after all. Faults that race forget each other, no more.
 */
static bool is_dense(struct xpmem_attachment *attachment, unsigned long source)
{
	unsigned long number = (source >> XPMEM_WINDOW_SHIFT) + 1, recent;
	bool dense = false;
	unsigned int i;

	for (i = 0; i < XPMEM_RECENT_WINDOWS; i++) {
		recent = READ_ONCE(attachment->recent[i]);
		if (recent >> 1 == number) {
			WRITE_ONCE(attachment->recent[i], recent ^ XPMEM_RECENT_DENSE);
			return !(recent & XPMEM_RECENT_DENSE);
		}
		recent >>= 1;
		dense |= !recent || recent + 1 == number || recent == number + 1;
	}
	i = READ_ONCE(attachment->next_recent);
	WRITE_ONCE(attachment->next_recent, i + 1);
	WRITE_ONCE(attachment->recent[i % XPMEM_RECENT_WINDOWS], number << 1 | (dense ? XPMEM_RECENT_DENSE : 0));
	return dense;
}

/*
 * One try under the attacher's lock, for all in a block of @size. @source_locked says that the caller holds the exporter's mmap_lock
 * already, being the exporter.
 */
static enum xpmem_fault_result try_in_place(struct xpmem_snapshot *snapshot, unsigned long size, bool source_locked)
{
	struct mm_struct *mm = snapshot->exporter->mm;
	enum xpmem_fault_result result;

	if (!source_locked && !mmap_read_trylock(mm))
		return XPMEM_ABSENT;
	result = xpmem_snapshot_take_around(snapshot, size);
	if (!source_locked)
		mmap_read_unlock(mm);
	if (result == XPMEM_MAPPED)
		result = xpmem_ptes_insert(snapshot);
	/* The exporter has to bring the page in: a look at its neighbours then is seldom worth it. */
	if (result == XPMEM_ABSENT)
		snapshot->block = PAGE_SIZE;
	return result;
}

static enum xpmem_fault_result fault_in_place(struct xpmem_snapshot *snapshot, unsigned long *single, bool source_locked)
{
	enum xpmem_fault_result result;
	int tries;

	snapshot->block = is_dense(snapshot->attachment, snapshot->source) ? XPMEM_WINDOW_SIZE : SPARSE_SIZE;
	for (tries = 0; tries < FAULT_TRIES; tries++) {
		result = try_in_place(snapshot, snapshot->pfns == single ? PAGE_SIZE : snapshot->block, source_locked);
		if (result != XPMEM_RACED)
			break;
		cond_resched();
	}
	return result;
}

/* One fault of the exporter, and a snapshot of the page. The caller has the exporter's mmap_lock, and keeps it. */
static enum xpmem_fault_result fault_and_snapshot(struct xpmem_snapshot *snapshot)
{
	enum xpmem_fault_result result = xpmem_source_fault(snapshot, NULL);

	return result == XPMEM_MAPPED ? xpmem_snapshot_take_block(snapshot, PAGE_SIZE) : result;
}

/*
 * For callers that cannot give up the attacher's lock: waits for the exporter's, and for invalidations to end, until the task is
 * killed. The tasks that have the exporter's lock may wait for the attacher's, which is why it is lent meanwhile.
 */
static enum xpmem_fault_result fault_without_retry(struct xpmem_snapshot *snapshot, bool source_locked)
{
	bool lends = xpmem_fault_holds_mmap_lock(snapshot->vmf);
	struct mm_struct *mm = snapshot->exporter->mm;
	struct xpmem_lender lender, *borrowed;
	enum xpmem_fault_result result = XPMEM_RACED;
	unsigned int tries, fruitless = 0;

	if (lends)
		xpmem_lender_begin(&lender, snapshot->vma->vm_mm);
	for (tries = 0; !fatal_signal_pending(current) && fruitless < MAX_FRUITLESS; tries++) {
		if (source_locked) {
			result = fault_and_snapshot(snapshot);
		} else if (xpmem_mmap_read_try(mm, &borrowed)) {
			result = fault_and_snapshot(snapshot);
			xpmem_mmap_read_end(mm, borrowed);
		} else {
			result = XPMEM_RACED;
		}
		if (result == XPMEM_MAPPED)
			result = xpmem_ptes_insert(snapshot);
		if (result != XPMEM_ABSENT && result != XPMEM_RACED)
			break;
		if (result == XPMEM_ABSENT && !xpmem_invalidation_active(snapshot->exporter, snapshot->start, snapshot->end))
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

/* The block around the wanted page; the page alone when memory is short. */
static enum xpmem_fault_result snapshot_for_retry(struct xpmem_snapshot *snapshot, struct xpmem_retry *retry)
{
	unsigned long size = retry->pfns ? snapshot->block : PAGE_SIZE;
	enum xpmem_fault_result result;

	snapshot->pfns = retry->pfns ?: &retry->pfn;
	snapshot->start = snapshot->source & ~(size - 1);
	snapshot->end = snapshot->start + size;
	result = xpmem_snapshot_check(snapshot);
	return result == XPMEM_MAPPED ? xpmem_snapshot_take(snapshot) : result;
}

/* Brings the wanted page in. The caller holds no lock. Returns false when nothing was found out. */
static bool fault_for_retry(struct xpmem_snapshot *snapshot, struct xpmem_retry *retry)
{
	struct xpmem_exporter *exporter = snapshot->exporter;
	enum xpmem_fault_result result;
	bool unlocked = false;

	if (xpmem_invalidation_wait(exporter, snapshot->source, snapshot->source + PAGE_SIZE) || mmap_read_lock_killable(exporter->mm))
		return false;
	snapshot->start = snapshot->source;
	snapshot->end = snapshot->source + PAGE_SIZE;
	result = xpmem_source_fault(snapshot, &unlocked);
	if (result == XPMEM_MAPPED)
		result = snapshot_for_retry(snapshot, retry);
	if (!unlocked)
		mmap_read_unlock(exporter->mm);

	if (result == XPMEM_ABSENT || result == XPMEM_RACED || fatal_signal_pending(current))
		return false;
	if (result != XPMEM_MAPPED) {
		retry->error = result_to_vm_fault(result);
		return true;
	}
	retry->start = snapshot->start;
	retry->end = snapshot->end;
	retry->window = snapshot->window;
	retry->seq = snapshot->seq;
	return true;
}

/* No lock of the attacher is held, and snapshot->vma is gone. Leaves a retry, unless memory is short. */
static void fault_and_keep(struct xpmem_snapshot *snapshot)
{
	struct xpmem_retry *retry = kzalloc(sizeof(*retry), GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN);
	struct xpmem_retry local = {};

	if (!retry) {
		fault_for_retry(snapshot, &local);
		return;
	}
	retry->source = snapshot->source;
	retry->write = snapshot->write;
	if (snapshot->block > PAGE_SIZE)
		retry->pfns = xpmem_pfns_get();
	if (fault_for_retry(snapshot, retry))
		xpmem_retry_put(snapshot->exporter, retry);
	else
		xpmem_retry_free(retry);
}

/*
 * Inserts what this task found before it gave up the attacher's lock, as far as the VMA and one page table reach now.
 * Sets snapshot->write when the task had a write sent back, which read first.
 */
static enum xpmem_fault_result insert_kept(struct xpmem_snapshot *snapshot, bool tried, vm_fault_t *error)
{
	struct xpmem_retry *retry = xpmem_retry_take(snapshot->exporter, snapshot->source);
	unsigned long *pfns = snapshot->pfns, *found, wanted;
	enum xpmem_fault_result result = XPMEM_ABSENT;

	*error = 0;
	if (!retry)
		return result;
	if (retry->write)
		snapshot->write = true;
	if (retry->error) {
		/* What was found for an earlier access may have changed since. */
		if (tried)
			*error = retry->error;
		goto out;
	}
	if (retry->start == retry->end)
		goto out;
	found = retry->pfns ?: &retry->pfn;
	wanted = found[(snapshot->source - retry->start) >> PAGE_SHIFT];
	if (snapshot->write && !(wanted & HMM_PFN_WRITE))
		goto out;
	xpmem_snapshot_widen(snapshot, retry->pfns ? XPMEM_WINDOW_SIZE : PAGE_SIZE);
	snapshot->start = max(snapshot->start, retry->start);
	snapshot->end = min(snapshot->end, retry->end);
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

/* Not through what is dead, and not in a child that inherited the VMA. */
static bool may_fault(const struct vm_area_struct *vma)
{
	const struct xpmem_attachment *attachment = vma->vm_private_data;

	return !xpmem_attachment_revoked(attachment) && vma->vm_mm == attachment->permit->client->mm;
}

/* While the attachment is sure to be there, so before its lock is given up. Returns @fault. */
static vm_fault_t count_end(struct xpmem_attachment *attachment, enum xpmem_fault_result result, vm_fault_t fault)
{
	if (fault & VM_FAULT_ERROR)
		xpmem_stat_add_fault(attachment, XPMEM_STAT_FAILURES, 1);
	else if (result != XPMEM_MAPPED)
		xpmem_stat_add_fault(attachment, XPMEM_STAT_RETRIES, 1);
	return fault;
}

/* While the attachment is sure to be there; the VMA may be gone. @begun is 0 when nobody traced then. */
static void trace_end(const struct vm_fault *vmf, const struct xpmem_attachment *attachment, unsigned long pages,
		      vm_fault_t fault, u64 begun)
{
	if (trace_fault_enabled())
		trace_fault(attachment, vmf->address, vmf->pgoff << PAGE_SHIFT, vmf->flags & FAULT_FLAG_WRITE, fault, pages,
			    begun ? ktime_get_ns() - begun : 0);
}

/* The caller's lock is given up, and the VMA may go, and with it the reference that keeps the exporter. */
static vm_fault_t retry_fault(struct xpmem_snapshot *snapshot, u64 begun)
{
	struct xpmem_attachment *attachment = snapshot->attachment;
	struct xpmem_exporter *exporter = snapshot->exporter;
	struct vm_fault *vmf = snapshot->vmf;

	refcount_inc(&attachment->object.ref);
	__module_get(THIS_MODULE);
	release_fault_lock(vmf);
	snapshot->vmf = NULL;
	snapshot->vma = NULL;
	xpmem_race_point("fault-unlocked");
	fault_and_keep(snapshot);
	trace_end(vmf, attachment, 0, VM_FAULT_RETRY, begun);
	/* Not mmput(), whose end of the exporter may wait for locks that the faulting task holds. */
	mmput_async(exporter->mm);
	xpmem_attachment_put(attachment);
	module_put(THIS_MODULE);
	return VM_FAULT_RETRY;
}

/* A fault, or a write to an entry that is read-only: by @write. The caller knows the fault's flags. */
static vm_fault_t handle_fault(struct vm_fault *vmf, bool write)
{
	struct vm_area_struct *vma = vmf->vma;
	struct xpmem_attachment *attachment = vma->vm_private_data;
	struct xpmem_exporter *exporter = xpmem_attachment_exporter(attachment);
	u64 begun = trace_fault_enabled() ? ktime_get_ns() : 0;
	bool may_retry = vmf->flags & FAULT_FLAG_ALLOW_RETRY;
	enum xpmem_fault_result result;
	struct xpmem_snapshot snapshot;
	unsigned long single;
	bool source_locked;
	vm_fault_t error;

	xpmem_stat_add_fault(attachment, XPMEM_STAT_FAULTS, 1);
	if (!may_fault(vma) || !mmget_not_zero(exporter->mm)) {
		trace_end(vmf, attachment, 0, VM_FAULT_SIGBUS, begun);
		return count_end(attachment, XPMEM_HOLE, VM_FAULT_SIGBUS);
	}
	xpmem_snapshot_init(&snapshot, vmf, write);
	source_locked = exporter->mm == vma->vm_mm && xpmem_fault_holds_mmap_lock(vmf);

	xpmem_snapshot_get_pfns(&snapshot, &single);
	result = insert_kept(&snapshot, vmf->flags & FAULT_FLAG_TRIED, &error);
	if (!error && result != XPMEM_MAPPED)
		result = fault_in_place(&snapshot, &single, source_locked);
	if (snapshot.write && !write && (result == XPMEM_DENIED || result == XPMEM_HOLE)) {
		/* The exporter's memory is no longer writable, or this is another access than the one that was sent back. */
		snapshot.write = false;
		result = fault_in_place(&snapshot, &single, source_locked);
	}
	if (!error && result == XPMEM_ABSENT && !may_retry)
		result = fault_without_retry(&snapshot, source_locked);
	xpmem_snapshot_put_pfns(&snapshot, &single);
	if (!error && result == XPMEM_ABSENT && may_retry) {
		count_end(attachment, result, VM_FAULT_RETRY);
		if (!(vmf->flags & FAULT_FLAG_RETRY_NOWAIT))
			return retry_fault(&snapshot, begun);
		error = VM_FAULT_RETRY;
	} else {
		if (!error)
			error = result_to_vm_fault(result);
		count_end(attachment, result, error);
	}
	mmput_async(exporter->mm);
	trace_end(vmf, attachment, snapshot.inserted, error, begun);
	return error;
}

static vm_fault_t attachment_fault(struct vm_fault *vmf)
{
	const struct xpmem_attachment *attachment = vmf->vma->vm_private_data;

	if (READ_ONCE(attachment->populater) == current)
		return xpmem_populate_fault(vmf);
	return handle_fault(vmf, vmf->flags & FAULT_FLAG_WRITE);
}

#ifdef XPMEM_HAVE_HUGE_FAULT_ORDER
/*
 * Kernels since 6.12 ask first whether all around the page can be mapped at once, before they make a page table. Whatever else is to be
 * done is left to attachment_fault(), which comes next.
 */
static vm_fault_t attachment_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	struct xpmem_attachment *attachment = vma->vm_private_data;
	struct xpmem_exporter *exporter = xpmem_attachment_exporter(attachment);
	u64 begun = trace_fault_enabled() ? ktime_get_ns() : 0;
	enum xpmem_fault_result result = XPMEM_ABSENT;
	struct xpmem_snapshot snapshot;
	unsigned long single;
	bool source_locked;

	if (order != PMD_SHIFT - PAGE_SHIFT || vmf->flags & FAULT_FLAG_TRIED || !may_fault(vma) || !mmget_not_zero(exporter->mm))
		return VM_FAULT_FALLBACK;
	xpmem_snapshot_init(&snapshot, vmf, vmf->flags & FAULT_FLAG_WRITE);
	snapshot.pfns = &single;
	source_locked = exporter->mm == vma->vm_mm && xpmem_fault_holds_mmap_lock(vmf);
	if (xpmem_ptes_may_be_huge(&snapshot) && (source_locked || mmap_read_trylock(exporter->mm))) {
		result = xpmem_snapshot_take_block(&snapshot, PAGE_SIZE);
		if (!source_locked)
			mmap_read_unlock(exporter->mm);
		if (result == XPMEM_MAPPED)
			result = xpmem_ptes_set_huge(&snapshot) ? xpmem_ptes_insert(&snapshot) : XPMEM_ABSENT;
	}
	mmput_async(exporter->mm);
	if (result != XPMEM_MAPPED)
		return VM_FAULT_FALLBACK;
	/* For what lies beside it. */
	is_dense(attachment, snapshot.source);
	if (READ_ONCE(attachment->populater) != current)
		xpmem_stat_add_fault(attachment, XPMEM_STAT_FAULTS, 1);
	trace_end(vmf, attachment, snapshot.inserted, VM_FAULT_NOPAGE, begun);
	return VM_FAULT_NOPAGE;
}
#else
#define attachment_huge_fault NULL
#endif

/*
 * A write to a special entry that is read-only. It becomes writable in place, after the exporter has made the page its
 * own. It is not taken away: an instruction that reads before it writes would put it back, without end.
 */
static vm_fault_t attachment_pfn_mkwrite(struct vm_fault *vmf)
{
	vm_fault_t fault = handle_fault(vmf, true);

	/* The core looks at NOPAGE, to touch nothing more. */
	return fault & VM_FAULT_RETRY ? fault | VM_FAULT_NOPAGE : fault;
}

/* The next fault of the task on the page will be a write, also if the access reads first. False without memory. */
static bool send_back_as_write(struct xpmem_snapshot *snapshot)
{
	struct xpmem_retry *retry = kzalloc(sizeof(*retry), GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN);

	if (!retry)
		return false;
	retry->source = snapshot->source;
	retry->write = true;
	xpmem_retry_put(snapshot->exporter, retry);
	return true;
}

/*
 * The same for a counted entry, where the core hides the fault's flags: so nobody knows here whether the lock may be given up. If the
 * exporter's page is not writable at once, the entry is taken away, and the task comes back with a fault for writing.
 */
static vm_fault_t attachment_page_mkwrite(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct xpmem_attachment *attachment = vma->vm_private_data;
	struct xpmem_exporter *exporter = xpmem_attachment_exporter(attachment);
	u64 begun = trace_fault_enabled() ? ktime_get_ns() : 0;
	struct xpmem_snapshot snapshot;
	enum xpmem_fault_result result;
	unsigned long single;
	vm_fault_t fault;

	xpmem_stat_add_fault(attachment, XPMEM_STAT_FAULTS, 1);
	if (!may_fault(vma) || !mmget_not_zero(exporter->mm)) {
		trace_end(vmf, attachment, 0, VM_FAULT_SIGBUS, begun);
		return count_end(attachment, XPMEM_HOLE, VM_FAULT_SIGBUS);
	}
	xpmem_snapshot_init(&snapshot, vmf, true);
	xpmem_snapshot_get_pfns(&snapshot, &single);
	result = fault_in_place(&snapshot, &single, false);
	xpmem_snapshot_put_pfns(&snapshot, &single);
	fault = result == XPMEM_ABSENT ? VM_FAULT_NOPAGE : result_to_vm_fault(result);
	if (result == XPMEM_ABSENT) {
		if (!send_back_as_write(&snapshot))
			fault = VM_FAULT_OOM;
		unmap_mapping_range(vma->vm_file->f_mapping, snapshot.source, PAGE_SIZE, 1);
	}
	mmput_async(exporter->mm);
	trace_end(vmf, attachment, snapshot.inserted, fault, begun);
	return count_end(attachment, result, fault);
}

const struct vm_operations_struct xpmem_vm_ops = {
	.open = xpmem_attachment_open,
	.close = xpmem_attachment_close,
	.fault = attachment_fault,
	.huge_fault = attachment_huge_fault,
	.page_mkwrite = attachment_page_mkwrite,
	.pfn_mkwrite = attachment_pfn_mkwrite,
};

/*
 * For VMAs of memory whose file system does not track writes. The core refuses long-term pins of VMAs that
 * have mkwrite operations.
 */
const struct vm_operations_struct xpmem_vm_ops_untracked = {
	.open = xpmem_attachment_open,
	.close = xpmem_attachment_close,
	.fault = attachment_fault,
	.huge_fault = attachment_huge_fault,
};
