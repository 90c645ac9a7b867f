/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences in <linux/mm.h> and <linux/huge_mm.h> between the supported kernels. */
#ifndef XPMEM_COMPAT_MM_H
#define XPMEM_COMPAT_MM_H

#include <linux/mm.h>
#include <linux/huge_mm.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/memremap.h>
#include <linux/mman.h>

#include "features.h"
#include "mapcount.h"
#include "rss_stat.h"

/* Kernels before 6.3 lack these. */
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

/* Before 6.6 a fault always holds the mmap_lock. */
#ifndef XPMEM_HAVE_RELEASE_FAULT_LOCK
static inline void release_fault_lock(struct vm_fault *vmf)
{
	mmap_read_unlock(vmf->vma->vm_mm);
}
#endif

/* Before 6.6 huge_fault has another form, which the module does not serve. */
#ifdef XPMEM_HAVE_HUGE_FAULT_ORDER
#define xpmem_huge_fault(function) (function)
#else
#define xpmem_huge_fault(function) NULL
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

/* A fault may hold the lock of one VMA instead. No assertion for that exists on all kernels. */
static inline void xpmem_assert_vma_is_stable(const struct vm_area_struct *vma)
{
#ifndef XPMEM_HAVE_FAULT_FLAG_VMA_LOCK
	lockdep_assert_held(&vma->vm_mm->mmap_lock);
#endif
}

/* Before 6.0, a caller that dropped the mmap_lock always had to try again. */
#ifndef XPMEM_HAVE_VM_FAULT_COMPLETED
#define VM_FAULT_COMPLETED 0
#endif

/*
 * A flag for pins that must not wait for the program that supplies a page: the pin of an absent
 * page fails with EFAULT. Zero before 5.16, where such a pin may wait for a FUSE server.
 */
#ifdef XPMEM_HAVE_FOLL_NOFAULT
#define XPMEM_FOLL_PRESENT FOLL_NOFAULT
#else
#define XPMEM_FOLL_PRESENT 0
#endif

/*
 * Before 6.5 the function also returned the VMAs. On RHEL 8 it also counts the faults for a task,
 * if there is one. As it cannot report that it dropped the mmap_lock, it never drops it.
 */
static inline long xpmem_pin_user_pages_remote(struct mm_struct *mm, unsigned long start,
					       unsigned long count, unsigned int flags,
					       struct page **pages)
{
#if defined(XPMEM_HAVE_PIN_USER_PAGES_TASK)
	return pin_user_pages_remote(NULL, mm, start, count, flags, pages, NULL, NULL);
#elif defined(XPMEM_HAVE_PIN_USER_PAGES_VMAS)
	return pin_user_pages_remote(mm, start, count, flags, pages, NULL, NULL);
#else
	return pin_user_pages_remote(mm, start, count, flags, pages, NULL);
#endif
}

/* RHEL 8 lacks this. Sets *@count to the number of pages that it did not insert. */
#ifdef XPMEM_HAVE_NO_VM_INSERT_PAGES
static inline int vm_insert_pages(struct vm_area_struct *vma, unsigned long address,
				  struct page **pages, unsigned long *count)
{
	int error = 0;

	for (; *count && !error; address += PAGE_SIZE) {
		error = vm_insert_page(vma, address, *pages++);
		if (!error)
			--*count;
	}
	return error;
}
#endif

/* Before 6.17 these functions take frame numbers of a type of their own. */
#ifdef XPMEM_HAVE_INSERT_MIXED_PFN_T
#include <linux/pfn_t.h>
#define xpmem_insert_mixed(vma, address, pfn) \
	vmf_insert_mixed(vma, address, __pfn_to_pfn_t(pfn, 0))
#define xpmem_insert_mixed_mkwrite(vma, address, pfn) \
	vmf_insert_mixed_mkwrite(vma, address, __pfn_to_pfn_t(pfn, 0))
#else
#define xpmem_insert_mixed vmf_insert_mixed
#define xpmem_insert_mixed_mkwrite vmf_insert_mixed_mkwrite
#endif

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
/*
 * Finds an address that maps offsets aligned to PMD_SIZE at aligned addresses. Before 5.18 the
 * kernel's own function does so only for DAX files. Then this one searches for an area that is
 * larger by PMD_SIZE, which contains such an address. With MAP_FIXED, an address of 0 is one, too.
 */
static inline unsigned long xpmem_get_unmapped_area(struct file *file, unsigned long address,
						    unsigned long length, unsigned long pgoff,
						    unsigned long flags)
{
	unsigned long found = thp_get_unmapped_area(file, address, length, pgoff, flags);
	unsigned long offset = pgoff << PAGE_SHIFT, area;

	if (IS_ERR_VALUE(found) || address || flags & MAP_FIXED ||
	    (-offset & ~PMD_MASK) + PMD_SIZE > length || !((found - offset) & ~PMD_MASK))
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

/* Whether @vma maps secret memory, which came in 5.14. */
static inline bool xpmem_vma_is_secret(const struct vm_area_struct *vma)
{
#ifdef SECRETMEM_MAGIC
	return vma->vm_file && file_inode(vma->vm_file)->i_sb->s_magic == SECRETMEM_MAGIC;
#else
	return false;
#endif
}

/* Kernels before 5.13 define it in fs/fuse/inode.c. */
#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

/*
 * Whether the caller may pass the page to vm_insert_page(): a page of a file's page cache. hugetlb
 * pages fail there on 6.1. Pages without a mapping, such as the huge zero page, have no owner that
 * must learn that they are dirty.
 */
static inline bool xpmem_page_is_file(struct page *page)
{
	return !PageAnon(page) && !(PageCompound(page) && PageHuge(page)) &&
	       !is_zone_device_page(page) && READ_ONCE(compound_head(page)->mapping);
}

/*
 * Whether a page of a file counts as shared memory. The page is not part of a large folio. Since
 * 6.12 only folios have the flag.
 */
static inline bool xpmem_page_is_shmem(struct page *page)
{
#ifdef XPMEM_HAVE_PAGE_SWAP_BACKED
	return PageSwapBacked(page);
#else
	return folio_test_swapbacked(page_folio(page));
#endif
}

#endif
