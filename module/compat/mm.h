/* SPDX-License-Identifier: GPL-2.0-only */
/* What changed in <linux/mm.h> and <linux/huge_mm.h> between the supported kernels. */
#ifndef XPMEM_COMPAT_MM_H
#define XPMEM_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/huge_mm.h>
#include <linux/hugetlb.h>
#include <linux/memremap.h>

#include "features.h"
#include "mapcount.h"
#include "rss_stat.h"

/* before 6.3 */
#ifndef XPMEM_HAVE_VM_FLAGS_SET
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_init(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags = flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#endif

/* before 6.6 a fault always holds the mmap_lock */
#ifndef XPMEM_HAVE_RELEASE_FAULT_LOCK
static inline void release_fault_lock(struct vm_fault *vmf)
{
	mmap_read_unlock(vmf->vma->vm_mm);
}
#endif

/* Whether the fault holds the mmap_lock itself, not the lock of one VMA. */
static inline bool xpmem_fault_holds_mmap_lock(const struct vm_fault *vmf)
{
#ifdef XPMEM_HAVE_FAULT_FLAG_VMA_LOCK
	return !(vmf->flags & FAULT_FLAG_VMA_LOCK);
#else
	return true;
#endif
}

/* A fault may hold the lock of one VMA instead, which has no assertion that all these kernels know. */
static inline void xpmem_assert_vma_is_stable(const struct vm_area_struct *vma)
{
#ifndef XPMEM_HAVE_FAULT_FLAG_VMA_LOCK
	lockdep_assert_held(&vma->vm_mm->mmap_lock);
#endif
}

/* Before 6.0 who gave up the mmap_lock always had to try again. */
#ifndef XPMEM_HAVE_VM_FAULT_COMPLETED
#define VM_FAULT_COMPLETED 0
#endif

/* Before 6.5 it also gave the VMAs. Without room to say so it never gives up the mmap_lock. */
static inline long xpmem_pin_user_pages_remote(struct mm_struct *mm, unsigned long start, unsigned long count,
					       unsigned int flags, struct page **pages)
{
#ifdef XPMEM_HAVE_PIN_USER_PAGES_VMAS
	return pin_user_pages_remote(mm, start, count, flags, pages, NULL, NULL);
#else
	return pin_user_pages_remote(mm, start, count, flags, pages, NULL);
#endif
}

/* Frame numbers were of a type of their own there, before 6.17. */
#ifdef XPMEM_HAVE_INSERT_MIXED_PFN_T
#include <linux/pfn_t.h>
#define xpmem_insert_mixed(vma, address, pfn) vmf_insert_mixed(vma, address, __pfn_to_pfn_t(pfn, 0))
#define xpmem_insert_mixed_mkwrite(vma, address, pfn) vmf_insert_mixed_mkwrite(vma, address, __pfn_to_pfn_t(pfn, 0))
#else
#define xpmem_insert_mixed vmf_insert_mixed
#define xpmem_insert_mixed_mkwrite vmf_insert_mixed_mkwrite
#endif

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/*
 * An address at which offsets that are aligned to PMD_SIZE are mapped aligned, too. Before 5.18 the kernel's own looks for one for
 * DAX files only: then there is one in an area that is larger by PMD_SIZE.
 */
static inline unsigned long xpmem_get_unmapped_area(struct file *file, unsigned long address, unsigned long length,
						    unsigned long pgoff, unsigned long flags)
{
	unsigned long found = thp_get_unmapped_area(file, address, length, pgoff, flags), offset = pgoff << PAGE_SHIFT, area;

	if (IS_ERR_VALUE(found) || address || (-offset & ~PMD_MASK) + PMD_SIZE > length || !((found - offset) & ~PMD_MASK))
		return found;
	area = thp_get_unmapped_area(file, 0, length + PMD_SIZE, pgoff, flags);
	return IS_ERR_VALUE(area) ? found : area + ((offset - area) & ~PMD_MASK);
}
#else
#define xpmem_get_unmapped_area NULL
#endif

/* Shadow stacks came in 6.6. */
#ifndef VM_SHADOW_STACK
#define VM_SHADOW_STACK VM_NONE
#endif

/*
 * Whether vm_insert_page() may be given the page: one of a file's page cache. hugetlb pages go wrong
 * there on 6.1, and pages without a mapping, the huge zero page among them, have no one to
 * tell of dirt.
 */
static inline bool xpmem_page_is_file(struct page *page)
{
	return !PageAnon(page) && !(PageCompound(page) && PageHuge(page)) && !is_zone_device_page(page) &&
	       READ_ONCE(compound_head(page)->mapping);
}

/* Whether a page of a file counts as shared memory; it is no part of a large folio. Folios alone know since 6.12. */
static inline bool xpmem_page_is_shmem(struct page *page)
{
#ifdef XPMEM_HAVE_PAGE_SWAP_BACKED
	return PageSwapBacked(page);
#else
	return folio_test_swapbacked(page_folio(page));
#endif
}

#endif
