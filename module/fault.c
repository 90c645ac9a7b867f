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
#include "xpmem.h"

/* How often a fault is tried in place when the exporter changes under it; then it faults anew. */
#define FAULT_TRIES 8
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

/* The caller has mm_users of the exporter raised, and holds the lock that keeps @vma. */
static void mirror_init(struct xpmem_mirror *mirror, struct vm_area_struct *vma, unsigned long source, bool write)
{
	struct xpmem_attachment *attachment = vma->vm_private_data;

	*mirror = (struct xpmem_mirror){
		.vma = vma,
		.attachment = attachment,
		.space = xpmem_attachment_space(attachment),
		.source = source,
		.write = write,
		.needs_writable = xpmem_needs_writable(vma),
	};
}

/* All of the window that the VMA maps. */
static void mirror_widen(struct xpmem_mirror *mirror)
{
	unsigned long window = mirror->source & ~(XPMEM_WINDOW_SIZE - 1);
	struct vm_area_struct *vma = mirror->vma;
	unsigned long first = vma->vm_pgoff << PAGE_SHIFT;

	mirror->start = max(window, first);
	mirror->end = min(window + XPMEM_WINDOW_SIZE, first + vma->vm_end - vma->vm_start);
}

/* An array for a window's snapshot; for one page, from the caller's stack, when memory is short. */
static void mirror_get_pfns(struct xpmem_mirror *mirror, unsigned long *single)
{
	mirror->pfns = kmalloc_array(XPMEM_WINDOW_PAGES, sizeof(*mirror->pfns), GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!mirror->pfns)
		mirror->pfns = single;
}

static void mirror_put_pfns(struct xpmem_mirror *mirror, unsigned long *single)
{
	if (mirror->pfns != single)
		kfree(mirror->pfns);
}

/*
 * One try under the attacher's lock. @source_locked says that the caller holds the exporter's mmap_lock
 * already, being the exporter.
 */
static enum xpmem_verdict try_in_place(struct xpmem_mirror *mirror, unsigned long *single, bool source_locked)
{
	struct mm_struct *mm = mirror->space->mm;
	enum xpmem_verdict verdict;

	mirror_widen(mirror);
	if (mirror->pfns == single) {
		mirror->start = mirror->source;
		mirror->end = mirror->source + PAGE_SIZE;
	}
	if (!source_locked && !mmap_read_trylock(mm))
		return XPMEM_ABSENT;
	verdict = xpmem_mirror_look(mirror);
	if (verdict == XPMEM_MAPPED)
		verdict = xpmem_mirror_snapshot(mirror);
	if (!source_locked)
		mmap_read_unlock(mm);
	if (verdict == XPMEM_MAPPED)
		verdict = xpmem_mirror_insert(mirror);
	return verdict;
}

static enum xpmem_verdict fault_in_place(struct xpmem_mirror *mirror, unsigned long *single, bool source_locked)
{
	enum xpmem_verdict verdict;
	int tries;

	for (tries = 0; tries < FAULT_TRIES; tries++) {
		verdict = try_in_place(mirror, single, source_locked);
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
	verdict = xpmem_mirror_insert(mirror);
	mirror->pfns = pfns;
	return verdict;
}

/* Not through what is dead, and not in a child that inherited the VMA. */
static bool may_fault(const struct vm_area_struct *vma)
{
	const struct xpmem_attachment *attachment = vma->vm_private_data;

	return !xpmem_attachment_revoked(attachment) && vma->vm_mm == attachment->permit->client->mm;
}

static vm_fault_t attachment_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct xpmem_attachment *attachment = vma->vm_private_data;
	struct xpmem_space *space = xpmem_attachment_space(attachment);
	struct xpmem_mirror mirror;
	bool may_retry = vmf->flags & FAULT_FLAG_ALLOW_RETRY;
	enum xpmem_verdict verdict = XPMEM_ABSENT;
	unsigned long single;
	bool source_locked;
	vm_fault_t error;

	xpmem_stat_add(XPMEM_STAT_FAULTS, 1);
	atomic_long_inc(&attachment->faults);
	if (!may_fault(vma) || !mmget_not_zero(space->mm))
		return VM_FAULT_SIGBUS;
	mirror_init(&mirror, vma, vmf->pgoff << PAGE_SHIFT, vmf->flags & FAULT_FLAG_WRITE);
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
		return error;
	}

	if (vmf->flags & FAULT_FLAG_RETRY_NOWAIT) {
		mmput_async(space->mm);
		return VM_FAULT_RETRY;
	}
	/* From here the VMA may go, and with it the reference that keeps the space. */
	refcount_inc(&attachment->object.ref);
	release_fault_lock(vmf);
	mirror.vma = NULL;
	fault_and_stash(&mirror);
	mmput(space->mm);
	xpmem_attachment_put(attachment);
	return VM_FAULT_RETRY;
}

/*
 * A write to an entry that is read-only. The entry becomes writable if the exporter's is; else it is
 * taken away, so that the access comes back as a plain write fault, which may wait.
 */
static vm_fault_t attachment_mkwrite(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct xpmem_attachment *attachment = vma->vm_private_data;
	struct xpmem_space *space = xpmem_attachment_space(attachment);
	struct xpmem_mirror mirror;
	enum xpmem_verdict verdict;
	unsigned long single;

	xpmem_stat_add(XPMEM_STAT_FAULTS, 1);
	atomic_long_inc(&attachment->faults);
	if (!may_fault(vma) || !mmget_not_zero(space->mm))
		return VM_FAULT_SIGBUS;
	mirror_init(&mirror, vma, vmf->pgoff << PAGE_SHIFT, true);
	mirror_get_pfns(&mirror, &single);
	verdict = fault_in_place(&mirror, &single, space->mm == vma->vm_mm && xpmem_fault_holds_mmap_lock(vmf));
	mirror_put_pfns(&mirror, &single);
	mmput_async(space->mm);
	if (verdict != XPMEM_ABSENT)
		return verdict_to_fault(verdict);
	unmap_mapping_range(space->inode->i_mapping, mirror.source, PAGE_SIZE, 1);
	return VM_FAULT_NOPAGE;
}

/*
 * Maps what the exporter has present from mirror->source to the end of the window or of the exporter's VMA; or
 * passes over what the exporter has not mapped. Returns the bytes that are done with, maybe more than the attachment
 * has, or zero when the exporter's mmap_lock is not to be had now.
 */
static unsigned long populate_here(struct xpmem_mirror *mirror, unsigned long *single, bool source_locked)
{
	struct mm_struct *mm = mirror->space->mm;
	struct vm_area_struct *vma;
	enum xpmem_verdict verdict = XPMEM_HOLE;

	mirror_widen(mirror);
	mirror->start = mirror->source;
	if (mirror->pfns == single)
		mirror->end = mirror->source + PAGE_SIZE;
	if (!source_locked && !mmap_read_trylock(mm))
		return 0;
	vma = find_vma(mm, mirror->source);
	if (!vma || vma->vm_start > mirror->source)
		mirror->end = vma ? vma->vm_start : ULONG_MAX & PAGE_MASK;
	else
		verdict = xpmem_mirror_look(mirror);
	if (verdict == XPMEM_MAPPED)
		verdict = xpmem_mirror_snapshot(mirror);
	if (!source_locked)
		mmap_read_unlock(mm);
	if (verdict == XPMEM_ABSENT)
		mirror->pfns[0] = 0;
	if (verdict == XPMEM_MAPPED || verdict == XPMEM_ABSENT)
		xpmem_mirror_insert(mirror);
	return mirror->end - mirror->source;
}

/*
 * For all of a new attachment, in the process that it is mapped in: what the exporter has present is mapped,
 * the rest is left to be faulted.
 */
void xpmem_attachment_populate(struct xpmem_attachment *attachment)
{
	struct xpmem_space *space = xpmem_attachment_space(attachment);
	unsigned long address = attachment->address, left = attachment->length;
	struct mm_struct *mm = current->mm;
	unsigned long single, done;
	struct xpmem_mirror mirror;
	struct vm_area_struct *vma;

	if (!mmget_not_zero(space->mm))
		return;
	while (left && !fatal_signal_pending(current) && !mmap_read_lock_killable(mm)) {
		vma = find_vma(mm, address);
		if (!vma || vma->vm_start > address || !xpmem_vma_is_attachment(vma) || vma->vm_private_data != attachment) {
			mmap_read_unlock(mm);
			break;
		}
		mirror_init(&mirror, vma, (vma->vm_pgoff << PAGE_SHIFT) + address - vma->vm_start, false);
		mirror_get_pfns(&mirror, &single);
		done = populate_here(&mirror, &single, space->mm == mm);
		mirror_put_pfns(&mirror, &single);
		mmap_read_unlock(mm);
		if (!done) {
			if (mmap_read_lock_killable(space->mm))
				break;
			mmap_read_unlock(space->mm);
		}
		done = min(done, left);
		address += done;
		left -= done;
		cond_resched();
	}
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
};
