// SPDX-License-Identifier: GPL-2.0-only
/*
 * A zap that the exporter's notifier could not do without a deadlock (zap.c). A worker does it a
 * little later.
 *
 * Until then attachments may reach the pages, so the deferral holds a reference to each of them.
 * The reference keeps the page from being freed. It also makes changes that hold locks of an rmap
 * give up: migration, reclaim, merging, and splitting and collapsing of huge pages all compare the
 * page's references with those that they know of. The exporter goes on with the same page, which
 * attachments have. Truncation does not give up, so zaps for the rmap of a file are not deferred.
 */
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "compat/page_table.h"
#include "compat/pinnable.h"
#include "change.h"
#include "trace.h"
#include "xpmem.h"

struct chunk {
	struct chunk *next;
	unsigned int count;
	unsigned long pages[];	/* a reference each, with bits */
};

#define CHUNK_PAGES ((PAGE_SIZE - sizeof(struct chunk)) / sizeof(unsigned long))
#define WRITABLE 1UL	/* attachments may write */
#define PINNED 2UL	/* the reference is a pin */
#define BITS (WRITABLE | PINNED)

struct deferral {
	struct work_struct zap_work;
	struct work_struct put_work;
	struct list_head link;		/* exporter->active_lock */
	struct xpmem_exporter *exporter;	/* a reference */
	unsigned long groups;
	unsigned long start;
	unsigned long end;
	struct chunk *chunks;
};

/* The notifier allocates in reclaim, and on behalf of reclaim. */
#define DEFERRAL_GFP (GFP_NOWAIT | __GFP_HIGH | __GFP_NOWARN)

/*
 * Drops the references, and frees the chunks. @zapped: attachments may have written after the
 * change cleaned the page, and the zap of a special entry drops its dirty bit. No attachment writes
 * where the exporter may not. A file system must not find such a page dirty.
 */
static void put_pages(struct chunk *chunk, bool zapped)
{
	struct chunk *next;
	unsigned long held;
	struct page *page;

	for (; chunk; chunk = next) {
		next = chunk->next;
		while (chunk->count) {
			held = chunk->pages[--chunk->count];
			page = (struct page *)(held & ~BITS);
			if (zapped && held & WRITABLE)
				set_page_dirty_lock(page);
			if (held & PINNED)
				xpmem_page_end_pin(page);
			put_page(page);
		}
		kfree(chunk);
	}
}

/* May wait for the locks of pages, of which a FUSE server may hold one for ever. */
static void put_work(struct work_struct *work)
{
	struct deferral *deferral = container_of(work, struct deferral, put_work);

	put_pages(deferral->chunks, true);
	kfree(deferral);
}

static void zap_work(struct work_struct *work)
{
	struct deferral *deferral = container_of(work, struct deferral, zap_work);
	struct xpmem_exporter *exporter = deferral->exporter;

	xpmem_race_point("deferral-zap");
	xpmem_groups_revoke(exporter, deferral->groups, NULL, NULL, deferral->start,
			    deferral->end);
	spin_lock(&exporter->active_lock);
	list_del(&deferral->link);
	spin_unlock(&exporter->active_lock);
	wake_up_all(&exporter->quiet);
	xpmem_exporter_put(exporter);
	xpmem_queue(XPMEM_QUEUE_PUT, &deferral->put_work);
}

/*
 * Takes a reference to *@page. If attachments never map such a page, sets *@page to NULL instead.
 * Returns false, without a reference and with *@page NULL, if the page is free, because its entry
 * has changed.
 */
static bool hold_if_used(struct page **page)
{
	struct page *head;

	if (!pfn_valid(page_to_pfn(*page)) || is_zone_device_page(*page)) {
		*page = NULL;
		return true;
	}
	for (;;) {
		head = compound_head(*page);
		if (!get_page_unless_zero(head)) {
			*page = NULL;
			return false;
		}
		if (compound_head(*page) == head)
			return true;
		/* Another task split the page meanwhile. */
		put_page(head);
	}
}

/*
 * Whether the entry at @entry_ptr still maps the page of @entry. Processors set other bits of it
 * meanwhile.
 */
#define still_maps(kind, entry, entry_ptr) ({					\
	kind##_t now_ = READ_ONCE(*(entry_ptr));				\
										\
	kind##_present(now_) &&							\
		xpmem_##kind##_page(now_) == xpmem_##kind##_page(entry);	\
})

/*
 * Stores the page that the exporter maps at @source in *@page, with a reference, or NULL, and in
 * *@writable whether attachments may have mapped it for writing. The task that changes the exporter
 * holds a lock that keeps the page tables: no assertion knows which lock that is, because it
 * depends on the change. The caller is in an RCU read-side critical section, which keeps an empty
 * table. If another invalidation takes the page away meanwhile, that one zaps the page or defers
 * the zap. So does the one that made an entry read-only, for the attachments of before.
 *
 * Return: false if the entry changed meanwhile; the caller tries again.
 */
static bool get_mapped_page(struct mm_struct *mm, unsigned long source, struct page **page,
			    bool *writable)
{
	pgd_t *pgd = pgd_offset(mm, source);
	p4d_t *p4d;
	pud_t pud, *pudp;
	pmd_t pmd, *pmdp;
	pte_t pte, *ptep;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "an empty page table may be freed");
	*page = NULL;
	/* A PUD maps a page of hugetlbfs, which does not mind dirty pages. */
	*writable = true;
	if (pgd_none(*pgd))
		return true;
	p4d = p4d_offset(pgd, source);
	if (!p4d_present(*p4d))
		return true;
	pudp = pud_offset(p4d, source);
	pud = READ_ONCE(*pudp);
	if (!pud_present(pud))
		return true;
	if (pud_leaf(pud)) {
		*page = xpmem_pud_page(pud) + ((source & ~PUD_MASK) >> PAGE_SHIFT);
		return hold_if_used(page) && still_maps(pud, pud, pudp);
	}
	pmdp = pmd_offset(pudp, source);
	pmd = READ_ONCE(*pmdp);
	if (!pmd_present(pmd))
		return true;
	if (pmd_leaf(pmd)) {
		*page = xpmem_pmd_page(pmd) + ((source & ~PMD_MASK) >> PAGE_SHIFT);
		*writable = pmd_write(pmd);
		return hold_if_used(page) && still_maps(pmd, pmd, pmdp);
	}
	/* The kernel may free an empty table after a grace period. Then the PMD has changed. */
	ptep = pte_offset_kernel(&pmd, source);
	pte = READ_ONCE(*ptep);
	if (!pte_present(pte) || pte_special(pte))
		return still_maps(pmd, pmd, pmdp);
	*page = xpmem_pte_page(pte);
	*writable = pte_write(pte);
	return hold_if_used(page) && still_maps(pte, pte, ptep) && still_maps(pmd, pmd, pmdp);
}

/* Returns the page that the exporter maps at @source, with a reference, or NULL. */
static struct page *hold_mapped_page(struct mm_struct *mm, unsigned long source, bool *writable)
{
	struct page *page;

	rcu_read_lock();
	while (!get_mapped_page(mm, source, &page, writable)) {
		if (page)
			put_page(page);
		cpu_relax();
	}
	rcu_read_unlock();
	return page;
}

struct first {
	struct xpmem_exporter *exporter;
	struct page *page;
};

static bool hold_first(unsigned long source, void *data)
{
	struct first *first = data;
	bool writable;

	first->page = hold_mapped_page(first->exporter->mm, source, &writable);
	return !first->page;
}

/**
 * xpmem_deferral_first_page() - get the first page of a range that attachments may map
 * @exporter: the exporter
 * @start: first source address
 * @end: end of the range, which is active
 *
 * Return: the page with a reference for the caller, or NULL.
 */
struct page *xpmem_deferral_first_page(struct xpmem_exporter *exporter, unsigned long start,
				       unsigned long end)
{
	struct first first = { .exporter = exporter };

	xpmem_windows_for_each_mapped(exporter, start, end, hold_first, &first);
	return first.page;
}

static bool hold_page(unsigned long source, void *data)
{
	struct deferral *deferral = data;
	struct chunk *chunk = deferral->chunks;
	unsigned long held;
	struct page *page;
	bool writable;

	if (!chunk || chunk->count == CHUNK_PAGES) {
		chunk = kzalloc(PAGE_SIZE, DEFERRAL_GFP);
		if (!chunk) {
			deferral->groups = 0;
			return false;
		}
		chunk->next = deferral->chunks;
		deferral->chunks = chunk;
	}
	page = hold_mapped_page(deferral->exporter->mm, source, &writable);
	if (!page)
		return true;
	held = (unsigned long)page;
	if (writable)
		held |= WRITABLE;
	/*
	 * A task may pin the page through an attachment before the zap. The core must not share the
	 * page meanwhile, or the exporter would copy it at its next write.
	 */
	if (writable && xpmem_mm_is_pinned(deferral->exporter->mm) &&
	    xpmem_page_is_exclusive(page)) {
		xpmem_page_make_pinned(page);
		held |= PINNED;
	}
	chunk->pages[chunk->count++] = held;
	return true;
}

/**
 * xpmem_deferral_add() - defer the zap of a range, and keep its pages until then
 * @exporter: the exporter
 * @groups: a bit for each group to zap
 * @start: first source address
 * @end: end of the range, which is active
 *
 * Return: false without memory; then the function has done nothing.
 */
bool xpmem_deferral_add(struct xpmem_exporter *exporter, unsigned long groups, unsigned long start,
			unsigned long end)
{
	struct deferral *deferral;

	deferral = kzalloc(sizeof(*deferral), DEFERRAL_GFP);
	if (!deferral)
		return false;
	deferral->exporter = exporter;
	deferral->groups = groups;
	deferral->start = start;
	deferral->end = end;
	INIT_WORK(&deferral->zap_work, zap_work);
	INIT_WORK(&deferral->put_work, put_work);
	xpmem_windows_for_each_mapped(exporter, start, end, hold_page, deferral);
	/* If the exporter has no reference left, no process attaches it. */
	if (!deferral->groups || !refcount_inc_not_zero(&exporter->object.ref)) {
		put_pages(deferral->chunks, false);
		groups = deferral->groups;
		kfree(deferral);
		return groups;
	}
	spin_lock(&exporter->active_lock);
	list_add(&deferral->link, &exporter->deferrals);
	spin_unlock(&exporter->active_lock);
	trace_defer(exporter, start, end);
	xpmem_queue(XPMEM_QUEUE_ZAP, &deferral->zap_work);
	return true;
}

static bool is_pending(struct xpmem_exporter *exporter, unsigned long start, unsigned long end)
{
	struct deferral *deferral;
	bool pending = false;

	spin_lock(&exporter->active_lock);
	list_for_each_entry(deferral, &exporter->deferrals, link)
		pending |= deferral->start < end && start < deferral->end;
	spin_unlock(&exporter->active_lock);
	return pending;
}

/**
 * xpmem_deferral_wait() - wait until no zap of a range is deferred
 * @exporter: the exporter
 * @start: first source address
 * @end: end of the range
 *
 * The caller is the exporter's notifier. The zap of its change is never deferred, so the caller
 * holds no lock for which mm_take_all_locks() waits with a group's lock held, and the workers go
 * on. No assertion knows these locks, which are those of all files and anon_vmas.
 */
void xpmem_deferral_wait(struct xpmem_exporter *exporter, unsigned long start, unsigned long end)
{
	wait_event(exporter->quiet, !is_pending(exporter, start, end));
}
