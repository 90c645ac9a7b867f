/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entries of anonymous pages, and pins, for which modules have no function. Read for 6.1, 6.12, 7.2
 * and 7.3. Kernels before 5.19 do not mark the anonymous pages that one process alone maps. The
 * probes in anon_exclusive, folio_pincount and folio_dup_rmap refuse other kernels.
 */
#ifndef XPMEM_COMPAT_PINNABLE_H
#define XPMEM_COMPAT_PINNABLE_H

#include <linux/mm.h>
#include <linux/hugetlb.h>
#include <linux/rmap.h>
#include <linux/version.h>

#include "features.h"

/*
 * Since 6.2 a write to a read-only entry of a shared mapping assumes that its page belongs to a
 * file, and a kernel with CONFIG_DEBUG_VM stops the machine if it does not. Soft-dirty tracking of
 * the attacher makes entries read-only. Kernels before 6.2 have atomic counters of resident pages,
 * but RHEL may have only one of the two changes.
 */
#if defined(CONFIG_DEBUG_VM) && \
	(!defined(XPMEM_HAVE_RSS_STAT_ATOMIC) || defined(RHEL_RELEASE_CODE))
#define XPMEM_WRITES_ARE_CHECKED 1
#else
#define XPMEM_WRITES_ARE_CHECKED 0
#endif

#if defined(XPMEM_WRITES_ENTRIES) && !defined(XPMEM_HAVE_NO_ANON_EXCLUSIVE)
#define XPMEM_COUNTS_ANON_PAGES (!XPMEM_WRITES_ARE_CHECKED)

/* Whether the page is anonymous, and one process alone has it. Not for pages of hugetlbfs. */
static inline bool xpmem_page_is_exclusive(struct page *page)
{
	return PageAnon(page) && !(PageCompound(page) && PageHuge(page)) && PageAnonExclusive(page);
}

/*
 * Counts one more mapping of an anonymous page, by an entry of @vma, and takes a reference for it.
 * A page-table entry must map the page, and go on to map it meanwhile. Unlike fork(), this keeps
 * the mark of the page.
 */
static inline void xpmem_anon_page_dup_mapping(struct page *page, struct vm_area_struct *vma)
{
	get_page(page);
#if defined(XPMEM_HAVE_FOLIO_DUP_RMAP_VMA)
	folio_dup_file_rmap_pte(page_folio(page), page, vma);
#elif defined(XPMEM_HAVE_FOLIO_DUP_RMAP)
	folio_dup_file_rmap_pte(page_folio(page), page);
#else
	atomic_inc(&page->_mapcount);
#endif
}

static inline void xpmem_mm_set_pinned(struct mm_struct *mm)
{
#ifdef XPMEM_HAVE_ANON_EXCLUSIVE_MM_FLAGS
	if (!mm_flags_test(MMF_HAS_PINNED, mm))
		mm_flags_set(MMF_HAS_PINNED, mm);
#else
	if (!test_bit(MMF_HAS_PINNED, &mm->flags))
		set_bit(MMF_HAS_PINNED, &mm->flags);
#endif
}

static inline bool xpmem_mm_is_pinned(struct mm_struct *mm)
{
#ifdef XPMEM_HAVE_ANON_EXCLUSIVE_MM_FLAGS
	return mm_flags_test(MMF_HAS_PINNED, mm);
#else
	return test_bit(MMF_HAS_PINNED, &mm->flags);
#endif
}

static inline atomic_t *xpmem_folio_pincount(struct folio *folio)
{
#ifdef XPMEM_HAVE_FOLIO_PINCOUNT_MEMBER
	return &folio->_pincount;
#else
	return folio_pincount_ptr(folio);
#endif
}

/*
 * Makes the caller's reference to a page count as a pin of pin_user_pages(), until
 * xpmem_page_end_pin(). /proc/vmstat does not count it. unpin_user_page() is not suitable: it
 * insists on the mark of the page, which a fork may have taken in the meantime.
 */
static inline void xpmem_page_make_pinned(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_large(folio))
		atomic_inc(xpmem_folio_pincount(folio));
	else
		folio_ref_add(folio, GUP_PIN_COUNTING_BIAS - 1);
}

/* The caller keeps the reference. */
static inline void xpmem_page_end_pin(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (folio_test_large(folio))
		atomic_dec(xpmem_folio_pincount(folio));
	else
		folio_ref_sub(folio, GUP_PIN_COUNTING_BIAS - 1);
}
#else
#define XPMEM_COUNTS_ANON_PAGES 0

static inline bool xpmem_page_is_exclusive(struct page *page)
{
	return false;
}

static inline void xpmem_anon_page_dup_mapping(struct page *page, struct vm_area_struct *vma)
{
}

static inline void xpmem_mm_set_pinned(struct mm_struct *mm)
{
}

static inline bool xpmem_mm_is_pinned(struct mm_struct *mm)
{
	return false;
}

static inline void xpmem_page_make_pinned(struct page *page)
{
}

static inline void xpmem_page_end_pin(struct page *page)
{
}
#endif

#endif
