// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults in attachments.
 *
 * The fast path keeps the attacher's lock: it tries for the exporter's mmap_lock, takes a snapshot
 * and inserts it. When the exporter has to bring a page in, or its lock is not to be had, the
 * attacher's lock is given up first, since two mmap_locks are never waited for at once; what is found
 * then waits in the stash for the fault that follows.
 */
#include <linux/delay.h>
#include <linux/hmm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/userfaultfd_k.h>

#include "compat/mm.h"
#include "trace.h"
#include "xpmem.h"

/* How often a fault is tried in place when the exporter changes under it; then it faults anew. */
#define FAULT_TRIES 8
/* Around a page whose neighbours are not known to be of use; as much as the core maps around a page of a file. */
#define SPARSE_SIZE 65536UL
/* For callers that cannot give up their lock: about 10 ms, then SIGBUS. */
#define NO_RETRY_TRIES 50

static vm_fault_t verdict_to_fault(enum xpmem_verdict verdict)
{
	switch (verdict) {
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

/* The caller has mm_users of the exporter raised. */
static void mirror_init(struct xpmem_mirror *mirror, struct vm_fault *vmf, bool write)
{
	struct vm_area_struct *vma = vmf->vma;
	struct xpmem_attachment *attachment = vma->vm_private_data;

	*mirror = (struct xpmem_mirror){
		.vmf = vmf,
		.vma = vma,
		.attachment = attachment,
		.space = xpmem_attachment_space(attachment),
		.source = vmf->pgoff << PAGE_SHIFT,
		.write = write,
		.needs_writable = xpmem_needs_writable(vma),
	};
}

/*
 * All around the wanted page that the VMA and one page table map, in a block of @size, which is a power of two and no more than
 * a window.
 */
static void mirror_widen(struct xpmem_mirror *mirror, unsigned long size)
{
	unsigned long block = mirror->source & ~(size - 1), offset = mirror->vmf->address & PAGE_MASK & ~PMD_MASK;
	struct vm_area_struct *vma = mirror->vma;
	unsigned long first = vma->vm_pgoff << PAGE_SHIFT;

	mirror->start = max3(block, first, mirror->source - min(offset, mirror->source));
	mirror->end = min3(block + size, first + vma->vm_end - vma->vm_start, mirror->source + (PMD_SIZE - offset));
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

/* Each an array for a window's snapshot, or NULL: kernels may clear what they allocate, which takes longer than to fill it. */
static DEFINE_PER_CPU(unsigned long *, spare_pfns);

void xpmem_fault_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kfree(per_cpu(spare_pfns, cpu));
}

/* An array for a window's snapshot; for one page, from the caller's stack, when memory is short. */
static void mirror_get_pfns(struct xpmem_mirror *mirror, unsigned long *single)
{
	mirror->pfns = this_cpu_xchg(spare_pfns, NULL);
	if (!mirror->pfns)
		mirror->pfns = kmalloc_array(XPMEM_WINDOW_PAGES, sizeof(*mirror->pfns), GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!mirror->pfns)
		mirror->pfns = single;
}

static void mirror_put_pfns(struct xpmem_mirror *mirror, unsigned long *single)
{
	if (mirror->pfns != single && this_cpu_cmpxchg(spare_pfns, NULL, mirror->pfns))
		kfree(mirror->pfns);
}

/* The caller holds the exporter's mmap_lock. */
static enum xpmem_verdict look_and_snapshot(struct xpmem_mirror *mirror, unsigned long size)
{
	enum xpmem_verdict verdict;

	mirror->huge = false;
	mirror_widen(mirror, size);
	verdict = xpmem_mirror_look(mirror);
	return verdict == XPMEM_MAPPED ? xpmem_mirror_snapshot(mirror) : verdict;
}

/* The same, of a block of @size unless all is huge. Whether the wanted page is there is looked at first, which costs little. */
static enum xpmem_verdict snapshot(struct xpmem_mirror *mirror, unsigned long size)
{
	enum xpmem_verdict verdict = look_and_snapshot(mirror, PAGE_SIZE);

	if (verdict != XPMEM_MAPPED || size == PAGE_SIZE || (xpmem_entries_may_be_huge(mirror) && xpmem_entries_set_huge(mirror)))
		return verdict;
	return look_and_snapshot(mirror, size);
}

/*
 * One try under the attacher's lock, for all in a block of @size. @source_locked says that the caller holds the exporter's mmap_lock
 * already, being the exporter.
 */
static enum xpmem_verdict try_in_place(struct xpmem_mirror *mirror, unsigned long size, bool source_locked)
{
	struct mm_struct *mm = mirror->space->mm;
	enum xpmem_verdict verdict;

	if (!source_locked && !mmap_read_trylock(mm))
		return XPMEM_ABSENT;
	verdict = snapshot(mirror, size);
	if (!source_locked)
		mmap_read_unlock(mm);
	if (verdict == XPMEM_MAPPED)
		verdict = xpmem_entries_insert(mirror);
	return verdict;
}

static enum xpmem_verdict fault_in_place(struct xpmem_mirror *mirror, unsigned long *single, bool source_locked)
{
	unsigned long size = mirror->pfns == single ? PAGE_SIZE : is_dense(mirror->attachment, mirror->source) ? XPMEM_WINDOW_SIZE : SPARSE_SIZE;
	enum xpmem_verdict verdict;
	int tries;

	for (tries = 0; tries < FAULT_TRIES; tries++) {
		verdict = try_in_place(mirror, size, source_locked);
		if (verdict != XPMEM_RACED)
			break;
		cond_resched();
	}
	return verdict;
}

/*
 * Has the exporter bring the wanted page in, and make it its own for a write. The caller holds the
 * exporter's mmap_lock; with @unlocked it may be given up, which returns XPMEM_RACED.
 *
 * Not fixup_user_fault(): after it gave up the lock, it goes on with whatever is mapped there by then. That may be an
 * attachment, whose source may turn into one in its turn, and so on down the kernel's stack.
 */
static enum xpmem_verdict fault_source(struct xpmem_mirror *mirror, bool *unlocked)
{
	enum xpmem_verdict verdict = xpmem_mirror_look(mirror);
	unsigned int flags = FAULT_FLAG_REMOTE;
	vm_fault_t fault;

	if (verdict != XPMEM_MAPPED)
		return verdict;
	if (mirror->write)
		flags |= FAULT_FLAG_WRITE;
	if (unlocked)
		flags |= FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE;
	fault = handle_mm_fault(find_vma(mirror->space->mm, mirror->source), mirror->source, flags, NULL);
	if (fault & (VM_FAULT_RETRY | VM_FAULT_COMPLETED)) {
		*unlocked = true;
		return XPMEM_RACED;
	}
	if (fault & VM_FAULT_OOM)
		return XPMEM_NOMEM;
	return fault & VM_FAULT_ERROR ? XPMEM_HOLE : XPMEM_MAPPED;
}

/*
 * For callers that cannot give up the attacher's lock: the exporter's is only tried for. Its pages
 * are brought in without giving that up either.
 */
static enum xpmem_verdict fault_without_retry(struct xpmem_mirror *mirror, unsigned long *single, bool source_locked)
{
	struct mm_struct *mm = mirror->space->mm;
	enum xpmem_verdict verdict = XPMEM_ABSENT;
	int tries;

	for (tries = 0; tries < NO_RETRY_TRIES && !fatal_signal_pending(current); tries++) {
		if (source_locked || mmap_read_trylock(mm)) {
			verdict = fault_source(mirror, NULL);
			if (!source_locked)
				mmap_read_unlock(mm);
			if (verdict == XPMEM_MAPPED)
				verdict = fault_in_place(mirror, single, source_locked);
			if (verdict != XPMEM_ABSENT && verdict != XPMEM_RACED)
				break;
		}
		usleep_range(100, 200);
	}
	return verdict;
}

/*
 * With no lock of the attacher held, and mirror->vma gone: brings the wanted page in, and
 * leaves what was found in the stash.
 */
static void fault_and_stash(struct xpmem_mirror *mirror)
{
	struct xpmem_space *space = mirror->space;
	struct xpmem_stash stash = { .source = mirror->source };
	enum xpmem_verdict verdict;
	unsigned long pfn;
	bool unlocked = false;

	if (mmap_read_lock_killable(space->mm))
		return;
	mirror->start = mirror->source;
	mirror->end = mirror->source + PAGE_SIZE;
	mirror->pfns = &pfn;
	verdict = fault_source(mirror, &unlocked);
	if (verdict == XPMEM_MAPPED)
		verdict = xpmem_mirror_snapshot(mirror);
	if (!unlocked)
		mmap_read_unlock(space->mm);

	if (verdict == XPMEM_ABSENT || verdict == XPMEM_RACED || fatal_signal_pending(current))
		return;
	if (verdict == XPMEM_MAPPED) {
		stash.window = mirror->window;
		stash.seq = mirror->seq;
		stash.pfn = pfn;
	} else {
		stash.error = verdict_to_fault(verdict);
	}
	xpmem_stash_put(space, &stash);
}

/* What this task left in the stash before it gave up the attacher's lock. */
static enum xpmem_verdict insert_stashed(struct xpmem_mirror *mirror, vm_fault_t *error)
{
	unsigned long *pfns = mirror->pfns;
	enum xpmem_verdict verdict;
	struct xpmem_stash stash;

	*error = 0;
	if (!xpmem_stash_take(mirror->space, mirror->source, &stash))
		return XPMEM_ABSENT;
	if (stash.error) {
		*error = stash.error;
		return XPMEM_HOLE;
	}
	if (mirror->write && !(stash.pfn & HMM_PFN_WRITE))
		return XPMEM_ABSENT;
	mirror->window = stash.window;
	mirror->start = mirror->source;
	mirror->end = mirror->source + PAGE_SIZE;
	mirror->pfns = &stash.pfn;
	mirror->seq = stash.seq;
	verdict = xpmem_entries_insert(mirror);
	mirror->pfns = pfns;
	return verdict;
}

/* Not through what is dead, and not in a child that inherited the VMA. */
static bool may_fault(const struct vm_area_struct *vma)
{
	const struct xpmem_attachment *attachment = vma->vm_private_data;

	return !xpmem_attachment_revoked(attachment) && vma->vm_mm == attachment->permit->client->mm;
}

/* While the attachment is sure to be there, so before its lock is given up. Returns @fault. */
static vm_fault_t count_end(struct xpmem_attachment *attachment, enum xpmem_verdict verdict, vm_fault_t fault)
{
	if (fault & VM_FAULT_ERROR)
		xpmem_stat_add_fault(attachment, XPMEM_STAT_FAILURES, 1);
	else if (verdict != XPMEM_MAPPED)
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

/*
 * Maps what the exporter has present of the window and its VMA, or passes over what the exporter has not mapped. Returns the source
 * address of the end, maybe beyond the attachment, or zero when the exporter's mmap_lock is not to be had now.
 */
static unsigned long populate_here(struct xpmem_mirror *mirror, unsigned long *single, bool source_locked)
{
	unsigned long size = mirror->pfns == single ? PAGE_SIZE : XPMEM_WINDOW_SIZE, end;
	struct mm_struct *mm = mirror->space->mm;
	struct vm_area_struct *vma;
	enum xpmem_verdict verdict;

	if (!source_locked && !mmap_read_trylock(mm))
		return 0;
	vma = find_vma(mm, mirror->source);
	if (!vma || vma->vm_start > mirror->source) {
		end = vma ? vma->vm_start : ULONG_MAX & PAGE_MASK;
		verdict = XPMEM_HOLE;
	} else {
		verdict = snapshot(mirror, size);
		if (verdict == XPMEM_ABSENT)
			verdict = look_and_snapshot(mirror, size);
		end = mirror->huge ? (mirror->source | ~PMD_MASK) + 1 : mirror->end;
	}
	if (!source_locked)
		mmap_read_unlock(mm);
	if (verdict == XPMEM_ABSENT)
		mirror->pfns[(mirror->source - mirror->start) >> PAGE_SHIFT] = 0;
	if (verdict == XPMEM_MAPPED || verdict == XPMEM_ABSENT)
		xpmem_entries_insert(mirror);
	return end;
}

/* A fault of the populater: its task has mm_users of the exporter raised. */
static vm_fault_t populate_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct xpmem_attachment *attachment = vma->vm_private_data;
	struct xpmem_mirror mirror;
	unsigned long single;

	mirror_init(&mirror, vmf, false);
	mirror_get_pfns(&mirror, &single);
	attachment->populated = populate_here(&mirror, &single, mirror.space->mm == vma->vm_mm);
	mirror_put_pfns(&mirror, &single);
	return VM_FAULT_NOPAGE;
}

static vm_fault_t attachment_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct xpmem_attachment *attachment = vma->vm_private_data;
	struct xpmem_space *space = xpmem_attachment_space(attachment);
	u64 begun = trace_fault_enabled() ? ktime_get_ns() : 0;
	struct xpmem_mirror mirror;
	bool may_retry = vmf->flags & FAULT_FLAG_ALLOW_RETRY;
	enum xpmem_verdict verdict = XPMEM_ABSENT;
	unsigned long single;
	bool source_locked;
	vm_fault_t error;

	if (READ_ONCE(attachment->populater) == current)
		return populate_fault(vmf);
	xpmem_stat_add_fault(attachment, XPMEM_STAT_FAULTS, 1);
	if (!may_fault(vma) || !mmget_not_zero(space->mm)) {
		trace_end(vmf, attachment, 0, VM_FAULT_SIGBUS, begun);
		return count_end(attachment, XPMEM_HOLE, VM_FAULT_SIGBUS);
	}
	mirror_init(&mirror, vmf, vmf->flags & FAULT_FLAG_WRITE);
	source_locked = space->mm == vma->vm_mm && xpmem_fault_holds_mmap_lock(vmf);

	mirror_get_pfns(&mirror, &single);
	if (vmf->flags & FAULT_FLAG_TRIED) {
		verdict = insert_stashed(&mirror, &error);
		if (error)
			goto out;
	}
	if (verdict != XPMEM_MAPPED)
		verdict = fault_in_place(&mirror, &single, source_locked);
	if (verdict == XPMEM_ABSENT && !may_retry)
		verdict = fault_without_retry(&mirror, &single, source_locked);
	error = verdict_to_fault(verdict);
out:
	mirror_put_pfns(&mirror, &single);
	if (verdict != XPMEM_ABSENT || !may_retry) {
		mmput_async(space->mm);
		trace_end(vmf, attachment, mirror.inserted, error, begun);
		return count_end(attachment, verdict, error);
	}

	count_end(attachment, verdict, VM_FAULT_RETRY);
	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT) {
		mmput_async(space->mm);
		trace_end(vmf, attachment, 0, VM_FAULT_RETRY, begun);
		return VM_FAULT_RETRY;
	}
	/* From here the VMA may go, and with it the reference that keeps the space. */
	refcount_inc(&attachment->object.ref);
	release_fault_lock(vmf);
	mirror.vmf = NULL;
	mirror.vma = NULL;
	fault_and_stash(&mirror);
	trace_end(vmf, attachment, 0, VM_FAULT_RETRY, begun);
	mmput(space->mm);
	xpmem_attachment_put(attachment);
	return VM_FAULT_RETRY;
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
	struct xpmem_space *space = xpmem_attachment_space(attachment);
	u64 begun = trace_fault_enabled() ? ktime_get_ns() : 0;
	enum xpmem_verdict verdict = XPMEM_ABSENT;
	struct xpmem_mirror mirror;
	unsigned long single;
	bool source_locked;

	if (order != PMD_SHIFT - PAGE_SHIFT || vmf->flags & FAULT_FLAG_TRIED || !may_fault(vma) || !mmget_not_zero(space->mm))
		return VM_FAULT_FALLBACK;
	mirror_init(&mirror, vmf, vmf->flags & FAULT_FLAG_WRITE);
	mirror.pfns = &single;
	source_locked = space->mm == vma->vm_mm && xpmem_fault_holds_mmap_lock(vmf);
	if (xpmem_entries_may_be_huge(&mirror) && (source_locked || mmap_read_trylock(space->mm))) {
		verdict = look_and_snapshot(&mirror, PAGE_SIZE);
		if (!source_locked)
			mmap_read_unlock(space->mm);
		if (verdict == XPMEM_MAPPED)
			verdict = xpmem_entries_set_huge(&mirror) ? xpmem_entries_insert(&mirror) : XPMEM_ABSENT;
	}
	mmput_async(space->mm);
	if (verdict != XPMEM_MAPPED)
		return VM_FAULT_FALLBACK;
	/* For what lies beside it. */
	is_dense(attachment, mirror.source);
	if (READ_ONCE(attachment->populater) != current)
		xpmem_stat_add_fault(attachment, XPMEM_STAT_FAULTS, 1);
	trace_end(vmf, attachment, mirror.inserted, VM_FAULT_NOPAGE, begun);
	return VM_FAULT_NOPAGE;
}
#else
#define attachment_huge_fault NULL
#endif

/*
 * A write to an entry that is read-only. The entry becomes writable if the exporter's is; else it is
 * taken away, so that the access comes back as a plain write fault, which may wait.
 */
static vm_fault_t attachment_mkwrite(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct xpmem_attachment *attachment = vma->vm_private_data;
	struct xpmem_space *space = xpmem_attachment_space(attachment);
	u64 begun = trace_fault_enabled() ? ktime_get_ns() : 0;
	struct xpmem_mirror mirror;
	enum xpmem_verdict verdict;
	unsigned long single;

	xpmem_stat_add_fault(attachment, XPMEM_STAT_FAULTS, 1);
	if (!may_fault(vma) || !mmget_not_zero(space->mm)) {
		trace_end(vmf, attachment, 0, VM_FAULT_SIGBUS, begun);
		return count_end(attachment, XPMEM_HOLE, VM_FAULT_SIGBUS);
	}
	mirror_init(&mirror, vmf, true);
	mirror_get_pfns(&mirror, &single);
	verdict = fault_in_place(&mirror, &single, space->mm == vma->vm_mm && xpmem_fault_holds_mmap_lock(vmf));
	mirror_put_pfns(&mirror, &single);
	mmput_async(space->mm);
	trace_end(vmf, attachment, mirror.inserted, verdict == XPMEM_ABSENT ? VM_FAULT_NOPAGE : verdict_to_fault(verdict), begun);
	if (verdict != XPMEM_ABSENT)
		return count_end(attachment, verdict, verdict_to_fault(verdict));
	count_end(attachment, verdict, VM_FAULT_NOPAGE);
	unmap_mapping_range(vma->vm_file->f_mapping, mirror.source, PAGE_SIZE, 1);
	return VM_FAULT_NOPAGE;
}

/**
 * xpmem_attachment_populate() - map what the exporter has present of a new attachment
 * @attachment: attached by the caller, whose faults do it, one for each window; the rest is left to be faulted
 */
void xpmem_attachment_populate(struct xpmem_attachment *attachment)
{
	struct xpmem_space *space = xpmem_attachment_space(attachment);
	unsigned long source = attachment->source, end = source + attachment->length;
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned long address;
	vm_fault_t fault;

	if (!mmget_not_zero(space->mm))
		return;
	WRITE_ONCE(attachment->populater, current);
	while (source < end && !fatal_signal_pending(current) && !mmap_read_lock_killable(mm)) {
		address = attachment->address + source - attachment->source;
		vma = find_vma(mm, address);
		if (!vma || vma->vm_start > address || !xpmem_vma_is_attachment(vma) || vma->vm_private_data != attachment) {
			mmap_read_unlock(mm);
			break;
		}
		/* Where another thread's fault came first. */
		attachment->populated = (source | (XPMEM_WINDOW_SIZE - 1)) + 1;
		fault = handle_mm_fault(vma, address, 0, NULL);
		mmap_read_unlock(mm);
		if (fault & VM_FAULT_ERROR)
			break;
		if (attachment->populated) {
			source = attachment->populated;
		} else {
			if (mmap_read_lock_killable(space->mm))
				break;
			mmap_read_unlock(space->mm);
		}
		/* A writer, as another thread that attaches, would wait for milliseconds while a reader takes the lock again and again. */
		if (rwsem_is_contended(&mm->mmap_lock))
			usleep_range(20, 50);
		cond_resched();
	}
	WRITE_ONCE(attachment->populater, NULL);
	mmput(space->mm);
}

/**
 * xpmem_source_pin() - pin pages of an exporter for long, as its own write would find them
 * @space: the caller has mm_users of its mm raised, and holds no mmap_lock
 * @source: the first
 * @count: how many at most
 * @pages: room for them
 *
 * Return: how many were pinned, 0 to try again, or -EFAULT (none that may be attached, written and pinned is
 * there), -ENOMEM or -EINTR.
 */
long xpmem_source_pin(struct xpmem_space *space, unsigned long source, unsigned long count, struct page **pages)
{
	struct xpmem_mirror mirror = {
		.space = space,
		.source = source,
		.start = source,
		.end = source + (count << PAGE_SHIFT),
		.write = true,
	};
	struct mm_struct *mm = space->mm;
	enum xpmem_verdict verdict;
	bool watched, unlocked = false;
	long pinned = -EFAULT;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	verdict = xpmem_mirror_look(&mirror);
	watched = verdict == XPMEM_MAPPED && userfaultfd_armed(find_vma(mm, source));
	if (watched) {
		/* A pin keeps the lock, and so cannot wait for the program that supplies the page. */
		mirror.end = source + PAGE_SIZE;
		verdict = fault_source(&mirror, &unlocked);
	}
	if (verdict == XPMEM_MAPPED)
		pinned = xpmem_pin_user_pages_remote(mm, source, (mirror.end - source) >> PAGE_SHIFT, FOLL_WRITE | FOLL_LONGTERM, pages);
	if (!unlocked)
		mmap_read_unlock(mm);
	if (verdict == XPMEM_NOMEM)
		return -ENOMEM;
	/* Or the page is gone again. */
	return verdict == XPMEM_RACED || (watched && verdict == XPMEM_MAPPED && pinned == -EFAULT) ? 0 : pinned;
}

const struct vm_operations_struct xpmem_vm_ops = {
	.open = xpmem_attachment_open,
	.close = xpmem_attachment_close,
	.fault = attachment_fault,
	.huge_fault = attachment_huge_fault,
	.page_mkwrite = attachment_mkwrite,
	.pfn_mkwrite = attachment_mkwrite,
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
