/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes to page tables, and differences in <linux/pgtable.h>. Read for 5.10, 6.1, 6.12, 7.2 and
 * 7.3. The probes in page_table_check and pte_write refuse other kernels.
 */
#ifndef XPMEM_COMPAT_PAGE_TABLE_H
#define XPMEM_COMPAT_PAGE_TABLE_H

#include <linux/mm.h>
#include <linux/huge_mm.h>
#include <asm/pgalloc.h>

#ifdef CONFIG_PAGE_TABLE_CHECK
#include <linux/page_table_check.h>
#endif

#include "features.h"
#include "pmd_special.h"

#ifdef XPMEM_HAVE_PTE_IS_MARKER
#include <linux/leafops.h>
#else
#include <linux/swap.h>
#include <linux/swapops.h>
#endif

#ifdef CONFIG_HIGHPTE
#error "page tables in high memory are not supported"
#endif

/* features.mk looks at the configuration, and the probes try to compile. */
#if defined(XPMEM_WRITES_ENTRIES) && \
	defined(XPMEM_HAS_HUGE_ENTRIES) == defined(XPMEM_HAVE_NO_PMD_SPECIAL)
#error "compat/features.mk and the probes in pmd_special disagree about huge entries"
#endif

/*
 * The kernel's checker of page tables stops the machine for an entry of anonymous memory that
 * another process may write, unless the entry is special. Huge entries are never special for it.
 */
static inline bool xpmem_page_tables_are_checked(void)
{
#ifdef CONFIG_PAGE_TABLE_CHECK
	return !static_branch_likely(&page_table_check_disabled);
#else
	return false;
#endif
}

/* The page of a leaf entry. powerpc does not export pud_page() and pmd_page(). */
#ifdef CONFIG_PPC_BOOK3S_64
#define xpmem_pud_page(pud) pte_page(pud_pte(pud))
#define xpmem_pmd_page(pmd) pte_page(pmd_pte(pmd))
#else
#define xpmem_pud_page(pud) pud_page(pud)
#define xpmem_pmd_page(pmd) pmd_page(pmd)
#endif
#define xpmem_pte_page(pte) pte_page(pte)

/* Whether entries with @prot map memory as ordinary memory, write-back. */
static inline bool xpmem_prot_is_cached(pgprot_t prot)
{
#if defined(CONFIG_X86_64)
	return !(pgprot_val(prot) & _PAGE_CACHE_MASK);
#elif defined(CONFIG_ARM64)
	pteval_t index = pgprot_val(prot) & PTE_ATTRINDX_MASK;

	return index == PTE_ATTRINDX(MT_NORMAL) || index == PTE_ATTRINDX(MT_NORMAL_TAGGED);
#elif defined(CONFIG_PPC_BOOK3S_64)
	return !(pgprot_val(prot) & _PAGE_CACHE_CTL);
#else
#error "attributes of caching are not known for this architecture"
#endif
}

/*
 * Whether an empty slot has a marker; the core gives those of a userfaultfd to attachments. Other
 * entries that are not present stand for a page: since 6.15, one that a device uses exclusively.
 */
static inline bool xpmem_pte_is_marker(pte_t pte)
{
#if defined(XPMEM_HAVE_PTE_IS_MARKER)
	return pte_is_marker(pte);
#elif defined(XPMEM_HAVE_IS_PTE_MARKER)
	return is_pte_marker(pte);
#else
	return false;
#endif
}

#ifdef XPMEM_WRITES_ENTRIES
/*
 * On arm64, set_pte_at() also handles the tags of pages that may have some, by functions that
 * modules may not call. It has nothing to do for a special entry, and has done it for a page that
 * was inserted before.
 */
#ifdef CONFIG_ARM64_MTE
/*
 * The kernel's checker of page tables counts entries that are not special, and stops the machine
 * when an entry goes that it has not counted. set_pte_at() tells it of each entry, set_pte() does
 * not.
 */
static inline void xpmem_page_table_check_set(struct mm_struct *mm, unsigned long address,
					      pte_t *pte, pte_t entry)
{
#if !defined(CONFIG_PAGE_TABLE_CHECK)
#elif defined(XPMEM_HAVE_PAGE_TABLE_CHECK_PTES_ADDRESS)
	page_table_check_ptes_set(mm, address, pte, entry, 1);
#elif defined(XPMEM_HAVE_PAGE_TABLE_CHECK_PTES)
	page_table_check_ptes_set(mm, pte, entry, 1);
#elif defined(XPMEM_HAVE_PAGE_TABLE_CHECK_PTE_ADDRESS)
	page_table_check_pte_set(mm, address, pte, entry);
#elif defined(XPMEM_HAVE_PAGE_TABLE_CHECK_PTE)
	page_table_check_pte_set(mm, pte, entry);
#else
#error "this kernel's checker of page tables (CONFIG_PAGE_TABLE_CHECK) is called in a way that xpmem does not know"
#endif
}

static inline void xpmem_set_pte_at(struct mm_struct *mm, unsigned long address, pte_t *pte,
				    pte_t entry)
{
	xpmem_page_table_check_set(mm, address, pte, entry);
	set_pte(pte, entry);
}

/* The checker never sees a huge entry: xpmem_ptes_may_be_huge(). */
static inline void xpmem_set_pmd_at(struct mm_struct *mm, unsigned long address, pmd_t *pmd,
				    pmd_t entry)
{
	set_pmd(pmd, entry);
}
#else
#define xpmem_set_pte_at set_pte_at
#define xpmem_set_pmd_at set_pmd_at
#endif

/*
 * Changes an existing entry. On arm64, since 6.9, the core may have made the entry one of a block
 * that looks like one large entry in page tables. The function takes such a block apart first.
 */
static inline void xpmem_change_pte_at(struct mm_struct *mm, unsigned long address, pte_t *pte,
				       pte_t entry)
{
#ifdef CONFIG_ARM64_CONTPTE
	contpte_try_unfold(mm, address, pte, READ_ONCE(*pte));
#endif
	xpmem_set_pte_at(mm, address, pte, entry);
}
#endif

#endif
