// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mirrors what the exporter's page tables say into an attachment.
 *
 * A snapshot is taken without references, under the exporter's mmap_lock, and inserted under
 * the window's lock if no notifier called since. From then on the notifier alone keeps it right.
 *
 * Two ways to insert a page:
 *   special     no reference, no rmap, get_user_pages refuses it. For private memory, and
 *               whatever is odd.
 *   refcounted  as if the attachment mapped the file. For shared memory, in VMAs that are
 *               VM_MIXEDMAP.
 *
 * A page is writable in an attachment only if it is writable in the exporter at that moment.
 */
#include <linux/hmm.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/memremap.h>
#include <linux/sched/mm.h>
#include <linux/swap.h>

#include "compat/mm.h"
#include "xpmem.h"

/* Whether memory of @vma may be attached at all. The caller holds the mmap_lock of its mm. */
bool xpmem_source_allowed(const struct vm_area_struct *vma)
{
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

/*
 * In a VMA without the mkwrite operations the core makes read-only entries writable on its
 * own, so it may hold only pages that the exporter may write.
 */
bool xpmem_needs_writable(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &xpmem_vm_ops_untracked && (vma->vm_flags & VM_MAYWRITE);
}

static unsigned long wanted(const struct xpmem_mirror *mirror)
{
	return mirror->pfns[(mirror->source - mirror->start) >> PAGE_SHIFT];
}

/**
 * xpmem_mirror_look() - whether the exporter could access the wanted page, and with which neighbours
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
	if (!(vma->vm_flags & (mirror->write ? VM_WRITE : VM_READ)))
		return XPMEM_DENIED;
	/* Reading what is protected by userfaultfd waits for nobody: xpmem_mirror_insert() takes it read-only. */
	if (mirror->needs_writable && (vma->vm_flags & (VM_WRITE | VM_UFFD_WP)) == VM_WRITE)
		mirror->write = true;
	mirror->start = max(mirror->start, vma->vm_start);
	mirror->end = min(mirror->end, vma->vm_end);
	return XPMEM_MAPPED;
}

/**
 * xpmem_mirror_snapshot() - read the exporter's page tables
 * @mirror: window is set; pfns and seq are filled for start to end
 *
 * The caller holds the exporter's mmap_lock and called xpmem_mirror_look() under it.
 * Return: XPMEM_MAPPED when the wanted page is there as it is wanted, else XPMEM_ABSENT,
 * XPMEM_RACED, XPMEM_HOLE or XPMEM_NOMEM.
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

	mirror->window = xpmem_window_get(mirror->space, mirror->source);
	if (IS_ERR(mirror->window))
		return PTR_ERR(mirror->window) == -EINTR ? XPMEM_RACED : XPMEM_NOMEM;
	range.notifier = &mirror->window->notifier;
	memset(mirror->pfns, 0, (mirror->end - mirror->start) >> PAGE_SHIFT << ilog2(sizeof(*mirror->pfns)));
	mirror->seq = range.notifier_seq = mmu_interval_read_begin(range.notifier);
	error = hmm_range_fault(&range);
	if (error == -EBUSY)
		return XPMEM_RACED;
	if (error)
		return XPMEM_HOLE;
	pfn = wanted(mirror);
	if (!(pfn & HMM_PFN_VALID))
		return pfn & HMM_PFN_ERROR ? XPMEM_HOLE : XPMEM_ABSENT;
	if (mirror->write && !(pfn & HMM_PFN_WRITE))
		return XPMEM_ABSENT;
	return XPMEM_MAPPED;
}

struct insertion {
	struct xpmem_mirror *mirror;
	unsigned long address;		/* of mirror->start in the attachment */
	pgprot_t writable;
	pgprot_t readonly;
	unsigned long inserted;
	bool wanted_is_mapped;
};

static bool is_refcounted(const struct vm_area_struct *vma, unsigned long pfn)
{
	bool writable = pfn & HMM_PFN_WRITE;

	if (!(vma->vm_flags & VM_MIXEDMAP) || !xpmem_page_is_file(hmm_pfn_to_page(pfn)))
		return false;
	/* vm_insert_page() maps with vm_page_prot. */
	return writable || !(vma->vm_flags & VM_MAYWRITE) || !pte_write(pfn_pte(0, vma->vm_page_prot));
}

static bool is_insertable(const struct vm_area_struct *vma, unsigned long pfn)
{
	if (!(pfn & HMM_PFN_VALID) || is_zone_device_page(hmm_pfn_to_page(pfn)))
		return false;
	return (pfn & HMM_PFN_WRITE) || !xpmem_needs_writable(vma);
}

/*
 * Called by apply_to_page_range() under the attacher's page-table lock, for each entry. Inserts special
 * entries, and makes entries writable that are there already.
 */
static int insert_entry(pte_t *pte, unsigned long address, void *data)
{
	struct insertion *insertion = data;
	struct xpmem_mirror *mirror = insertion->mirror;
	struct vm_area_struct *vma = mirror->vma;
	unsigned long index = (address - insertion->address) >> PAGE_SHIFT;
	unsigned long pfn = mirror->pfns[index];
	bool is_wanted = mirror->start + (index << PAGE_SHIFT) == mirror->source;
	bool writable = (pfn & HMM_PFN_WRITE) && (vma->vm_flags & VM_WRITE);
	pte_t old = READ_ONCE(*pte), entry;
	struct page *page;
	bool special;

	if (!pfn)
		return 0;
	page = hmm_pfn_to_page(pfn);
	if (pte_none(old)) {
		special = !is_refcounted(vma, pfn);
		if (!special)
			return 0;
	} else {
		if (!pte_present(old) || pte_pfn(old) != page_to_pfn(page))
			return 0;
		insertion->wanted_is_mapped |= is_wanted;
		if (pte_write(old) || !writable)
			return 0;
		special = pte_special(old);
	}

	entry = pte_mkyoung(pfn_pte(page_to_pfn(page), writable ? insertion->writable : insertion->readonly));
	if (special) {
		entry = pte_mkspecial(entry);
		/*
		 * The dirty bit of a special entry is dropped when it is zapped, so the page is dirty from
		 * now on. A read-only one stays clean: mprotect makes dirty entries writable.
		 */
		if (writable) {
			if (!PageDirty(page))
				set_page_dirty(page);
			entry = pte_mkdirty(entry);
		} else {
			entry = pte_mkclean(entry);
		}
	}
	set_pte_at(vma->vm_mm, address, pte, entry);
	insertion->wanted_is_mapped |= is_wanted;
	insertion->inserted += pte_none(old);
	return 0;
}

/* Makes page tables, so that nothing has to be allocated under the window's lock. */
static int make_entry(pte_t *pte, unsigned long address, void *data)
{
	return 0;
}

static int make_page_tables(struct xpmem_mirror *mirror, unsigned long address)
{
	unsigned long last = address + (mirror->end - mirror->start) - PAGE_SIZE;
	int error;

	error = apply_to_page_range(mirror->vma->vm_mm, address, PAGE_SIZE, make_entry, NULL);
	if (!error && (address ^ last) & PMD_MASK)
		error = apply_to_page_range(mirror->vma->vm_mm, last, PAGE_SIZE, make_entry, NULL);
	return error;
}

static int insert_refcounted(struct insertion *insertion)
{
	struct xpmem_mirror *mirror = insertion->mirror;
	unsigned long address = insertion->address;
	unsigned long source;
	unsigned long *pfn = mirror->pfns;
	int error;

	for (source = mirror->start; source < mirror->end; source += PAGE_SIZE, address += PAGE_SIZE, pfn++) {
		if (!*pfn || !is_refcounted(mirror->vma, *pfn))
			continue;
		error = vm_insert_page(mirror->vma, address, hmm_pfn_to_page(*pfn));
		if (error == -ENOMEM)
			return error;
		if (error && error != -EBUSY)	/* a kind of page that it refuses */
			*pfn = 0;
		insertion->inserted += !error;
		insertion->wanted_is_mapped |= !error && source == mirror->source;
	}
	return 0;
}

/**
 * xpmem_mirror_insert() - map what a snapshot found into the attachment
 * @mirror: after xpmem_mirror_snapshot(); no lock of the exporter is needed
 *
 * The caller holds the attacher's mmap_lock or VMA lock.
 * Return: XPMEM_MAPPED, or XPMEM_RACED, XPMEM_HOLE (revoked) or XPMEM_NOMEM with nothing mapped.
 */
enum xpmem_verdict xpmem_mirror_insert(struct xpmem_mirror *mirror)
{
	struct vm_area_struct *vma = mirror->vma;
	struct xpmem_window *window = mirror->window;
	struct insertion insertion = {
		.mirror = mirror,
		.address = vma->vm_start + mirror->start - (vma->vm_pgoff << PAGE_SHIFT),
		.writable = vm_get_page_prot(vma->vm_flags),
		.readonly = vm_get_page_prot(vma->vm_flags & ~VM_SHARED),
	};
	unsigned long index, count = (mirror->end - mirror->start) >> PAGE_SHIFT;
	enum xpmem_verdict verdict = XPMEM_MAPPED;
	unsigned int reclaim;
	int error;

	xpmem_assert_vma_is_stable(vma);
	if (make_page_tables(mirror, insertion.address))
		return XPMEM_NOMEM;

	down_read(&window->lock);
	if (mmu_interval_read_retry(&window->notifier, mirror->seq)) {
		verdict = XPMEM_RACED;
		goto unlock;
	}
	if (xpmem_attachment_revoked(mirror->attachment)) {
		verdict = XPMEM_HOLE;
		goto unlock;
	}
	/*
	 * The wanted page passed the look: where it must be writable and is not, the exporter may only read
	 * it. Readers see this change before they see the entry, through the page-table lock.
	 */
	if (xpmem_needs_writable(vma) && (wanted(mirror) & (HMM_PFN_VALID | HMM_PFN_WRITE)) == HMM_PFN_VALID)
		WRITE_ONCE(vma->vm_ops, &xpmem_vm_ops);

	for (index = 0; index < count; index++) {
		if (!is_insertable(vma, mirror->pfns[index])) {
			mirror->pfns[index] = 0;
			continue;
		}
		set_bit(((mirror->start - window->start) >> PAGE_SHIFT) + index, window->mapped);
	}
	/* Page tables may be taken away again by others, so what is allocated here must not reclaim. */
	reclaim = memalloc_noreclaim_save();
	error = vma->vm_flags & VM_MIXEDMAP ? insert_refcounted(&insertion) : 0;
	if (!error)
		error = apply_to_page_range(vma->vm_mm, insertion.address, mirror->end - mirror->start, insert_entry,
					    &insertion);
	memalloc_noreclaim_restore(reclaim);
	if (error)
		verdict = XPMEM_NOMEM;
	else if (!insertion.wanted_is_mapped)
		verdict = wanted(mirror) ? XPMEM_RACED : XPMEM_HOLE;
unlock:
	up_read(&window->lock);

	if (insertion.inserted) {
		xpmem_stat_add(XPMEM_STAT_PAGES_MAPPED, insertion.inserted);
		atomic_long_add(insertion.inserted, &mirror->attachment->pages_mapped);
	}
	return verdict;
}
