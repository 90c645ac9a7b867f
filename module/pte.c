// SPDX-License-Identifier: GPL-2.0-only
/*
 * The entries of an attachment's page tables. A fault maps a snapshot under the window's lock,
 * unless an invalidation of the window followed the snapshot. After that, the notifier alone keeps
 * the entries correct.
 *
 * There are three kinds of entries:
 *   special     maps one page without reference and rmap; get_user_pages() refuses it. Used for
 *               private memory, and for pages that fit no other kind.
 *   huge        the same for a whole PMD, if the exporter maps the memory by a PMD.
 *   refcounted  maps one page as a mapping of the file does. Used for shared memory, in VM_MIXEDMAP
 *               VMAs. One pass inserts special entries and pages that the exporter maps by PTEs;
 *               it counts the latter as fork() does. vm_insert_pages() maps the rest.
 *
 * Where modules may not write page tables, the core makes special entries, and huge entries do not
 * exist.
 *
 * A page is writable in an attachment only if it is writable in the exporter at that moment.
 */
#include <linux/hmm.h>
#include <linux/sched/mm.h>
#include <linux/swap.h>

#include "compat/mm.h"
#include "compat/page_table.h"
#include "race.h"
#include "xpmem.h"

struct insertion {
	struct xpmem_snapshot *snapshot;
	unsigned long address;		/* address of snapshot->start in the attachment */
	pgprot_t writable;		/* for entries; vm_page_prot may lack write permission */
	pgprot_t readonly;
	pgprot_t special[2];		/* fill_table(); special entries, read-only and writable */
	unsigned long wanted;		/* snapshot of the wanted page; 0: it cannot be mapped */
	unsigned long inserted;
	unsigned long upgraded;		/* entries that became writable */
	unsigned long counted[2];	/* pages that insert_counted() mapped: of files, of shmem */
	unsigned long left;		/* pages that fill_table() left for insert_refcounted() */
	bool wanted_is_mapped;
};

/*
 * Whether @vma may hold only pages that the exporter may write. In a VMA without the mkwrite
 * operations the core makes read-only entries writable on its own.
 */
bool xpmem_needs_writable(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &xpmem_vm_ops_untracked && (vma->vm_flags & VM_MAYWRITE);
}

static bool is_refcounted(const struct vm_area_struct *vma, unsigned long pfn)
{
	bool writable = pfn & HMM_PFN_WRITE;

	if (!(vma->vm_flags & VM_MIXEDMAP) || !xpmem_page_is_file(hmm_pfn_to_page(pfn)))
		return false;
	/* A refcounted entry gets vm_page_prot, as from vm_insert_pages(). */
	return writable || !(vma->vm_flags & VM_MAYWRITE) ||
	       !pte_write(pfn_pte(0, vma->vm_page_prot));
}

/* Whether @pfn, of a snapshot, is a page that attachments may reach. */
bool xpmem_pfn_is_usable(unsigned long pfn)
{
	return (pfn & HMM_PFN_VALID) && !is_zone_device_page(hmm_pfn_to_page(pfn));
}

/*
 * Marks a page dirty before it is mapped writable or written, because the zap of a special entry
 * drops its dirty bit. The caller holds the lock of the page's window.
 */
void xpmem_make_dirty(const struct xpmem_window *window, struct page *page)
{
	lockdep_assert_held(&window->lock);
	if (!PageDirty(page))
		set_page_dirty(page);
}

static bool is_insertable(unsigned long pfn, bool needs_writable)
{
	return xpmem_pfn_is_usable(pfn) && ((pfn & HMM_PFN_WRITE) || !needs_writable);
}

/*
 * Marks pages of the window that the notifier has to zap. The caller, like other tasks at the same
 * time, holds the window's lock for reading.
 */
static void mark_mapped(struct xpmem_window *window, unsigned long index, unsigned long mask)
{
	lockdep_assert_held(&window->lock);
	if (mask & ~READ_ONCE(window->mapped[index]))
		atomic_long_or(mask, (atomic_long_t *)&window->mapped[index]);
}

/*
 * Marks the group of an attacher that is about to map pages of the window. The caller holds the
 * window's lock for reading.
 */
static void mark_group(struct xpmem_window *window, const struct xpmem_attachment *attachment)
{
	unsigned long bit = BIT(attachment->permit->client->group);

	lockdep_assert_held(&window->lock);
	if (!(READ_ONCE(window->groups) & bit))
		atomic_long_or(bit, (atomic_long_t *)&window->groups);
}

#ifdef XPMEM_HAVE_HUGE_ENTRIES
/**
 * xpmem_ptes_may_be_huge() - whether the attachment can map the wanted page by a PMD
 * @snapshot: the function does not read its snapshot
 *
 * Return: true if it can.
 */
bool xpmem_ptes_may_be_huge(const struct xpmem_snapshot *snapshot)
{
	const struct vm_area_struct *vma = snapshot->vma;
	unsigned long address = snapshot->vmf->address & PMD_MASK;

	return PMD_SHIFT == XPMEM_WINDOW_SHIFT && !(vma->vm_flags & VM_MIXEDMAP) &&
	       address >= vma->vm_start && vma->vm_end - address >= PMD_SIZE &&
	       !((snapshot->vmf->address ^ snapshot->source) & ~PMD_MASK & PAGE_MASK) &&
	       !arch_needs_pgtable_deposit() && !xpmem_huge_entries_are_checked() &&
	       pmd_none(READ_ONCE(*snapshot->vmf->pmd));
}

/*
 * A zap of the huge zero page takes a page table that was set aside with it, on 7.2 and 7.3 even in
 * a VMA of a driver. An attachment sets none aside. No other page that the exporter may map by a
 * PMD is without a mapping (huge_zero_pfn is not exported).
 */
static bool is_huge_zero(struct page *page)
{
	return !READ_ONCE(compound_head(page)->mapping);
}

/**
 * xpmem_ptes_set_huge() - whether the exporter maps the wanted page by a PMD
 * @snapshot: after xpmem_ptes_may_be_huge() and a snapshot of the wanted page; sets huge
 *
 * Return: the value of huge.
 */
bool xpmem_ptes_set_huge(struct xpmem_snapshot *snapshot)
{
	unsigned long pfn = xpmem_snapshot_wanted(snapshot), start = snapshot->source & PMD_MASK;

	/* The sequence covers the whole window; the range of the snapshot may be smaller. */
	snapshot->huge = is_insertable(pfn, false) &&
			 hmm_pfn_to_map_order(pfn) >= PMD_SHIFT - PAGE_SHIFT &&
			 !is_huge_zero(hmm_pfn_to_page(pfn)) &&
			 !xpmem_invalidation_active(snapshot->exporter, start, start + PMD_SIZE);
	return snapshot->huge;
}

static void insert_huge(struct insertion *insertion)
{
	struct xpmem_snapshot *snapshot = insertion->snapshot;
	struct vm_area_struct *vma = snapshot->vma;
	struct page *page = hmm_pfn_to_page(insertion->wanted);
	bool writable = (insertion->wanted & HMM_PFN_WRITE) && (vma->vm_flags & VM_WRITE);
	pmd_t *pmd = snapshot->vmf->pmd, entry;
	unsigned long index, address = insertion->address & PMD_MASK;
	spinlock_t *lock;

	entry = pmd_mkhuge(pfn_pmd(page_to_pfn(page) -
				   ((insertion->address - address) >> PAGE_SHIFT),
				   writable ? insertion->writable : insertion->readonly));
	/* A read-only one stays clean: mprotect makes dirty entries writable. */
	entry = xpmem_pmd_mkspecial(
		pmd_mkyoung(writable ? pmd_mkdirty(entry) : pmd_mkclean(entry)));
	lock = pmd_lock(vma->vm_mm, pmd);
	/* Otherwise another fault inserted an entry. This access uses it, or faults again. */
	if (pmd_none(*pmd)) {
		if (writable)
			xpmem_make_dirty(snapshot->window, page);
		for (index = 0; index < BITS_TO_LONGS(XPMEM_WINDOW_PAGES); index++)
			mark_mapped(snapshot->window, index, ~0UL);
		xpmem_set_pmd_at(vma->vm_mm, address, pmd, entry);
		update_mmu_cache_pmd(vma, address, pmd);
		insertion->inserted = PMD_SIZE >> PAGE_SHIFT;
		insertion->wanted_is_mapped = true;
	}
	spin_unlock(lock);
	if (insertion->inserted)
		xpmem_stat_add_fault(snapshot->attachment, XPMEM_STAT_HUGE_MAPPINGS, 1);
}
#else
bool xpmem_ptes_may_be_huge(const struct xpmem_snapshot *snapshot)
{
	return false;
}

bool xpmem_ptes_set_huge(struct xpmem_snapshot *snapshot)
{
	return false;
}

static void insert_huge(struct insertion *insertion)
{
}
#endif

/* Inserts the pages whose pointers fill_table() left in pfns. Returns 0 or -ENOMEM. */
static int insert_refcounted(struct insertion *insertion)
{
	struct xpmem_snapshot *snapshot = insertion->snapshot;
	unsigned long count = (snapshot->end - snapshot->start) >> PAGE_SHIFT, index, run, left;
	unsigned long wanted = (snapshot->source - snapshot->start) >> PAGE_SHIFT;
	struct page **pages = (struct page **)snapshot->pfns;
	int error;

	for (index = 0; index < count; index += run) {
		for (run = 0; index + run < count && pages[index + run]; run++)
			;
		left = run;
		error = run ? vm_insert_pages(snapshot->vma,
					      insertion->address + (index << PAGE_SHIFT),
					      pages + index, &left)
			    : 0;
		run -= left;
		insertion->inserted += run;
		insertion->wanted_is_mapped |= wanted >= index && wanted < index + run;
		if (error == -ENOMEM)
			return error;
		/*
		 * Another fault has mapped the next page, or the core refuses its kind, or the run
		 * ends here.
		 */
		if (error && error != -EBUSY && wanted == index + run)
			insertion->wanted = 0;
		run++;
	}
	return 0;
}

#ifdef XPMEM_WRITES_ENTRIES
/* Installs the page table that the core has allocated for the fault. */
static void make_page_table(struct vm_fault *vmf)
{
	struct mm_struct *mm = vmf->vma->vm_mm;
	spinlock_t *lock;

	if (!pmd_none(READ_ONCE(*vmf->pmd)) || !vmf->prealloc_pte)
		return;
	lock = pmd_lock(mm, vmf->pmd);
	if (pmd_none(*vmf->pmd)) {
		mm_inc_nr_ptes(mm);
		/* Lockless page-table walkers must see an empty table. */
		smp_wmb();
		pmd_populate(mm, vmf->pmd, vmf->prealloc_pte);
		vmf->prealloc_pte = NULL;
	}
	spin_unlock(lock);
}

/* Protection of a special entry. Read-only ones stay clean: mprotect makes dirty ones writable. */
static pgprot_t special_prot(pgprot_t prot, bool writable)
{
	pte_t entry = pte_mkspecial(pte_mkyoung(pfn_pte(0, prot)));

	return pte_pgprot(writable ? pte_mkdirty(entry) : pte_mkclean(entry));
}

/* Inserts a special entry in an empty slot. */
static void insert_fresh(struct insertion *insertion, pte_t *pte, unsigned long address,
			 struct page *page, bool writable)
{
	if (writable)
		xpmem_make_dirty(insertion->snapshot->window, page);
	xpmem_set_pte_at(insertion->snapshot->vma->vm_mm, address, pte,
			 pfn_pte(page_to_pfn(page), insertion->special[writable]));
	insertion->inserted++;
}

/*
 * Inserts a refcounted entry in an empty slot. Returns false if the page cannot be refcounted this
 * way. No notifier has invalidated the window, so the exporter still maps the page, and keeps it
 * mapped until the window's lock is dropped.
 */
static bool insert_counted(struct insertion *insertion, pte_t *pte, unsigned long address,
			   struct page *page, bool writable)
{
	struct vm_area_struct *vma = insertion->snapshot->vma;
	pgprot_t prot = writable ? insertion->writable : vma->vm_page_prot;

	lockdep_assert_held(&insertion->snapshot->window->lock);
	if (!xpmem_page_dup_mapping(page))
		return false;
	insertion->counted[xpmem_page_is_shmem(page)]++;
	xpmem_set_pte_at(vma->vm_mm, address, pte, pfn_pte(page_to_pfn(page), prot));
	insertion->inserted++;
	return true;
}

/*
 * Makes an existing entry writable if it maps @page. The entry stays clean: TLBs may still hold it
 * read-only. On machines that do not walk again on their own, such as arm64, the core flushes the
 * TLB only when it makes the entry dirty.
 */
static void upgrade_entry(struct insertion *insertion, pte_t *pte, unsigned long address,
			  struct page *page, bool writable)
{
	pte_t old = *pte, entry;

	if (!writable || !pte_present(old) || pte_write(old) || pte_pfn(old) != page_to_pfn(page))
		return;
	entry = pte_mkyoung(pfn_pte(page_to_pfn(page), insertion->writable));
	if (pte_special(old)) {
		xpmem_make_dirty(insertion->snapshot->window, page);
		entry = pte_mkspecial(entry);
	}
	xpmem_change_pte_at(insertion->snapshot->vma->vm_mm, address, pte, entry);
	insertion->upgraded++;
}

/*
 * Inserts special and counted entries. Leaves the pages for insert_refcounted() in pfns, as
 * pointers. The caller holds the window's lock and the table's lock.
 */
static void fill_table(struct insertion *insertion, pte_t *first)
{
	struct xpmem_snapshot *snapshot = insertion->snapshot;
	struct vm_area_struct *vma = snapshot->vma;
	unsigned long count = (snapshot->end - snapshot->start) >> PAGE_SHIFT;
	unsigned long bit = (snapshot->start - snapshot->window->start) >> PAGE_SHIFT;
	bool mixed = vma->vm_flags & VM_MIXEDMAP, may_write = vma->vm_flags & VM_WRITE;
	bool needs_writable = xpmem_needs_writable(vma);
	unsigned long address = insertion->address, index, pfn, mask = 0;
	unsigned long wanted = (snapshot->source - snapshot->start) >> PAGE_SHIFT;
	pte_t *pte = first;
	struct page *page;

	lockdep_assert_held(&snapshot->window->lock);
	lockdep_assert_held(pte_lockptr(vma->vm_mm, snapshot->vmf->pmd));
	insertion->special[false] = special_prot(insertion->readonly, false);
	insertion->special[true] = special_prot(insertion->writable, true);
	for (index = 0; index < count; index++, bit++, pte++, address += PAGE_SIZE) {
		pfn = snapshot->pfns[index];
		snapshot->pfns[index] = 0;
		if (is_insertable(pfn, needs_writable)) {
			mask |= BIT_MASK(bit);
			page = hmm_pfn_to_page(pfn);
			if (!pte_none(*pte)) {
				upgrade_entry(insertion, pte, address, page,
					      may_write && pfn & HMM_PFN_WRITE);
			} else if (!mixed || !is_refcounted(vma, pfn)) {
				insert_fresh(insertion, pte, address, page,
					     may_write && pfn & HMM_PFN_WRITE);
			} else if (!insert_counted(insertion, pte, address, page,
						   may_write && snapshot->write &&
							   index == wanted)) {
				snapshot->pfns[index] = (unsigned long)page;
				insertion->left++;
			}
		}
		if (bit % BITS_PER_LONG == BITS_PER_LONG - 1 || index + 1 == count) {
			mark_mapped(snapshot->window, BIT_WORD(bit), mask);
			mask = 0;
		}
	}
	if (insertion->counted[false])
		xpmem_add_mm_counter(vma->vm_mm, MM_FILEPAGES, insertion->counted[false]);
	if (insertion->counted[true])
		xpmem_add_mm_counter(vma->vm_mm, MM_SHMEMPAGES, insertion->counted[true]);
	pte = first + wanted;
	insertion->wanted_is_mapped = insertion->wanted && pte_present(*pte) &&
		pte_pfn(*pte) == page_to_pfn(hmm_pfn_to_page(insertion->wanted));
}

/* Inserts entries into an existing page table. Returns false if there is none. */
static bool insert_special(struct insertion *insertion)
{
	struct vm_fault *vmf = insertion->snapshot->vmf;
	spinlock_t *lock;
	bool same;
	pmd_t pmd;

	/* The core may remove an empty table. RCU delays its freeing. */
	rcu_read_lock();
	pmd = READ_ONCE(*vmf->pmd);
	if (!pmd_present(pmd) || pmd_leaf(pmd)) {
		rcu_read_unlock();
		return false;
	}
	lock = pte_lockptr(vmf->vma->vm_mm, &pmd);
	spin_lock(lock);
	rcu_read_unlock();
	same = pmd_same(pmd, READ_ONCE(*vmf->pmd));
	if (same)
		fill_table(insertion, pte_offset_kernel(&pmd, insertion->address));
	spin_unlock(lock);
	return same;
}

/*
 * Makes the page that a write wants writable at once. The core maps it with vm_page_prot, which
 * lacks write permission where writes are tracked. Without this the write would fault again in
 * page_mkwrite(), which may only try for the exporter's lock.
 */
static void upgrade_wanted(struct insertion *insertion)
{
	struct xpmem_snapshot *snapshot = insertion->snapshot;

	snapshot->start = snapshot->source;
	snapshot->end = snapshot->source + PAGE_SIZE;
	insertion->address = snapshot->vmf->address & PAGE_MASK;
	snapshot->pfns[0] = insertion->wanted;
	insertion->left = 0;
	insertion->counted[false] = insertion->counted[true] = 0;
	insert_special(insertion);
}

static int insert_all(struct insertion *insertion)
{
	int error;

	if (!insert_special(insertion) || !insertion->left)
		return 0;
	error = insert_refcounted(insertion);
	if (!error && insertion->snapshot->write && insertion->wanted_is_mapped &&
	    insertion->wanted)
		upgrade_wanted(insertion);
	return error;
}
#else
/* Reads an entry of the attachment's page table without a lock. The entry may change at once. */
static pte_t entry_peek(const struct vm_fault *vmf, unsigned long address)
{
	pte_t entry = __pte(0);
	pmd_t pmd;

	/* The core may remove an empty table. RCU delays its freeing. */
	rcu_read_lock();
	pmd = READ_ONCE(*vmf->pmd);
	if (pmd_present(pmd) && !pmd_leaf(pmd))
		entry = READ_ONCE(*pte_offset_kernel(&pmd, address));
	rcu_read_unlock();
	return entry;
}

/*
 * The core makes the page table. It never makes a special entry writable, so this zaps a read-only
 * one before a write.
 */
static void make_page_table(struct vm_fault *vmf)
{
	unsigned long address = vmf->address & PAGE_MASK;
	pte_t entry;

	if (!(vmf->flags & FAULT_FLAG_WRITE) || vmf->vma->vm_flags & VM_MIXEDMAP)
		return;
	entry = entry_peek(vmf, address);
	if (pte_present(entry) && !pte_write(entry))
		zap_vma_ptes(vmf->vma, address, PAGE_SIZE);
}

/* Inserts a special entry. In a VM_MIXEDMAP VMA it makes an existing entry writable instead. */
static vm_fault_t insert_one(struct insertion *insertion, unsigned long address, unsigned long pfn)
{
	struct vm_area_struct *vma = insertion->snapshot->vma;
	struct page *page = hmm_pfn_to_page(pfn);
	bool writable = pfn & HMM_PFN_WRITE && vma->vm_flags & VM_WRITE;

	if (writable)
		xpmem_make_dirty(insertion->snapshot->window, page);
	if (!(vma->vm_flags & VM_MIXEDMAP))
		return vmf_insert_pfn_prot(vma, address, page_to_pfn(page),
					   writable ? insertion->writable : insertion->readonly);
	if (writable)
		return xpmem_insert_mixed_mkwrite(vma, address, page_to_pfn(page));
	/* Matches the core, which write-protects VMAs with tracked writes, as this one has. */
	if (pte_write(pfn_pte(0, vma->vm_page_prot)))
		WRITE_ONCE(vma->vm_page_prot, insertion->readonly);
	return xpmem_insert_mixed(vma, address, page_to_pfn(page));
}

/* Inserts the page at @index of the snapshot, or leaves it to insert_refcounted(). */
static vm_fault_t insert_at(struct insertion *insertion, unsigned long index, bool needs_writable)
{
	struct xpmem_snapshot *snapshot = insertion->snapshot;
	unsigned long bit = ((snapshot->start - snapshot->window->start) >> PAGE_SHIFT) + index;
	unsigned long pfn = snapshot->pfns[index];
	unsigned long address = insertion->address + (index << PAGE_SHIFT);
	vm_fault_t fault;

	snapshot->pfns[index] = 0;
	if (!is_insertable(pfn, needs_writable))
		return 0;
	mark_mapped(snapshot->window, BIT_WORD(bit), BIT_MASK(bit));
	if (!pte_none(entry_peek(snapshot->vmf, address)))
		return VM_FAULT_NOPAGE;
	if (is_refcounted(snapshot->vma, pfn)) {
		snapshot->pfns[index] = (unsigned long)hmm_pfn_to_page(pfn);
		insertion->left++;
		return 0;
	}
	fault = insert_one(insertion, address, pfn);
	insertion->inserted += fault == VM_FAULT_NOPAGE;
	return fault;
}

static int insert_all(struct insertion *insertion)
{
	struct xpmem_snapshot *snapshot = insertion->snapshot;
	unsigned long count = (snapshot->end - snapshot->start) >> PAGE_SHIFT, index;
	unsigned long wanted = (snapshot->source - snapshot->start) >> PAGE_SHIFT;
	bool needs_writable = xpmem_needs_writable(snapshot->vma);
	vm_fault_t fault;
	int error;

	for (index = 0; index < count; index++) {
		fault = insert_at(insertion, index, needs_writable);
		if (fault & VM_FAULT_OOM)
			return -ENOMEM;
		if (index == wanted)
			insertion->wanted_is_mapped = insertion->wanted && fault == VM_FAULT_NOPAGE;
	}
	error = insertion->left ? insert_refcounted(insertion) : 0;
	/* A refcounted entry has vm_page_prot, and may be read-only from an earlier fault. */
	if (!error && snapshot->write && insertion->wanted_is_mapped &&
	    snapshot->vma->vm_flags & VM_MIXEDMAP &&
	    insert_one(insertion, insertion->address + (wanted << PAGE_SHIFT), insertion->wanted) &
		    VM_FAULT_OOM)
		error = -ENOMEM;
	return error;
}

#endif

static int insert_small(struct insertion *insertion)
{
	unsigned int reclaim;
	int error;

	/* The core allocates missing page tables. It must not reclaim under these locks. */
	reclaim = memalloc_noreclaim_save();
	error = insert_all(insertion);
	memalloc_noreclaim_restore(reclaim);
	return error;
}

/**
 * xpmem_ptes_insert() - map the pages of a snapshot into the attachment
 * @snapshot: after xpmem_snapshot_take(), within one PMD of the attachment; consumes its pfns
 *
 * The caller needs no lock of the exporter.
 *
 * The caller holds the attacher's mmap_lock or VMA lock.
 * Return: XPMEM_MAPPED, or XPMEM_RACED, XPMEM_HOLE (revoked) or XPMEM_NOMEM with nothing mapped.
 */
enum xpmem_fault_result xpmem_ptes_insert(struct xpmem_snapshot *snapshot)
{
	struct vm_area_struct *vma = snapshot->vma;
	struct xpmem_attachment *attachment = snapshot->attachment;
	struct insertion insertion = {
		.snapshot = snapshot,
		.address = vma->vm_start + snapshot->start - (vma->vm_pgoff << PAGE_SHIFT),
		.writable = vm_get_page_prot(vma->vm_flags),
		.readonly = vm_get_page_prot(vma->vm_flags & ~VM_SHARED),
	};
	enum xpmem_fault_result result;
	int error = 0;

	xpmem_assert_vma_is_stable(vma);
	if (!snapshot->huge)
		make_page_table(snapshot->vmf);

	xpmem_race_point("entries-insert");
	result = xpmem_snapshot_hold(snapshot);
	if (result != XPMEM_MAPPED)
		return result;
	if (!READ_ONCE(attachment->touched))
		WRITE_ONCE(attachment->touched, true);
	if (snapshot->huge && !READ_ONCE(attachment->huge))
		WRITE_ONCE(attachment->huge, true);
	/*
	 * xpmem_snapshot_check() accepted the wanted page, so a read-only page that must be
	 * writable is one that the exporter may only read. The page-table lock orders this change
	 * before the entry.
	 */
	if (xpmem_needs_writable(vma) &&
	    (xpmem_snapshot_wanted(snapshot) & (HMM_PFN_VALID | HMM_PFN_WRITE)) == HMM_PFN_VALID)
		WRITE_ONCE(vma->vm_ops, &xpmem_vm_ops);

	mark_group(snapshot->window, attachment);
	insertion.wanted = xpmem_snapshot_wanted(snapshot);
	if (!is_insertable(insertion.wanted, xpmem_needs_writable(vma)))
		insertion.wanted = 0;
	if (snapshot->huge)
		insert_huge(&insertion);
	else
		error = insert_small(&insertion);
	if (error)
		result = XPMEM_NOMEM;
	else if (!insertion.wanted_is_mapped)
		result = insertion.wanted ? XPMEM_RACED : XPMEM_HOLE;
	xpmem_snapshot_release(snapshot);
	snapshot->gained = insertion.inserted + insertion.upgraded;

	if (insertion.inserted) {
		snapshot->inserted += insertion.inserted;
		xpmem_stat_add_fault(snapshot->attachment, XPMEM_STAT_PAGES_MAPPED,
				     insertion.inserted);
	}
	return result;
}
