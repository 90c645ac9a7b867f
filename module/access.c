// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses of debuggers to attachments (/proc/PID/mem, ptrace).
 *
 * The core asks for them where get_user_pages() refuses an attachment. This copies from and to the
 * exporter's page as the CPU does through a special entry, and keeps no reference to it.
 *
 * The core does not say what an access is for. Readers of /proc/PID/cmdline come here too if a
 * process has moved its command line into an attachment. They must not wait for a filesystem that
 * the same process serves.
 */
#include <linux/highmem.h>
#include <linux/lockdep.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>

#include "compat/mmput.h"
#include "fault.h"
#include "pte.h"
#include "xpmem.h"

struct access {
	struct xpmem_snapshot snapshot;
	unsigned int offset;		/* in the page */
	unsigned int length;
	void *buffer;
	bool write;			/* snapshot.write may be set for a read, too */
};

static enum xpmem_fault_result access_copy(struct xpmem_snapshot *snapshot)
{
	struct access *access = container_of(snapshot, struct access, snapshot);
	unsigned long pfn = xpmem_snapshot_wanted(snapshot);
	enum xpmem_fault_result result;
	struct page *page;
	void *bytes;

	if (!xpmem_pfn_is_usable(pfn))
		return XPMEM_HOLE;
	result = xpmem_snapshot_hold(snapshot);
	if (result != XPMEM_MAPPED)
		return result;
	page = hmm_pfn_to_page(pfn);
	bytes = page_address(page) + access->offset;
	if (access->write) {
		xpmem_make_dirty(snapshot->window, page);
		memcpy(bytes, access->buffer, access->length);
		flush_dcache_page(page);
	} else {
		memcpy(access->buffer, bytes, access->length);
	}
	xpmem_snapshot_release(snapshot);
	return XPMEM_MAPPED;
}

/**
 * xpmem_attachment_access() - copy from or to an attachment
 * @vma: of the attacher, whose mmap_lock the caller holds for reading
 * @address: in @vma
 * @buffer: memory of the kernel
 * @length: bytes; may reach beyond the page and @vma
 * @write: FOLL_WRITE, or zero to read
 *
 * A write requires that the attacher and the exporter may write there themselves. FOLL_FORCE does
 * not change that, as it does not in other shared mappings. A read requires that the exporter may
 * read.
 *
 * Return: the number of bytes that were copied, within one page, or -EFAULT.
 */
int xpmem_attachment_access(struct vm_area_struct *vma, unsigned long address, void *buffer,
			    int length, int write)
{
	struct vm_fault vmf = {
		.vma = vma,
		.address = address & PAGE_MASK,
		.pgoff = linear_page_index(vma, address),
	};
	struct access access = { .offset = offset_in_page(address), .buffer = buffer };
	enum xpmem_fault_result result;
	struct mm_struct *mm;
	unsigned long single;

	lockdep_assert_held(&vma->vm_mm->mmap_lock);
	if (length <= 0 || !xpmem_may_fault(vma) || (write && !(vma->vm_flags & VM_WRITE)))
		return -EFAULT;
	xpmem_snapshot_init(&access.snapshot, &vmf, write);
	mm = access.snapshot.exporter->mm;
	if (!mmget_not_zero(mm))
		return -EFAULT;
	access.length = min_t(unsigned int, length, PAGE_SIZE - access.offset);
	access.write = write;
	access.snapshot.pfns = &single;
	access.snapshot.spares_fuse = true;
	/* A copy suits memory of any kind, and needs no split of a PMD. */
	access.snapshot.pinnable = false;
	result = xpmem_fault_without_retry(&access.snapshot, mm == vma->vm_mm, access_copy);
	xpmem_mmput_async(mm);
	return result == XPMEM_MAPPED ? access.length : -EFAULT;
}
