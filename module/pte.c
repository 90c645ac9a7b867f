// SPDX-License-Identifier: GPL-2.0-only
/*
 * The entries of an attachment's page tables. A fault maps a snapshot under the window's lock,
 * unless an invalidation of the window followed the snapshot. After that, the notifier alone keeps
 * the entries correct.
 *
 * There are four kinds of entries:
 *   special     maps one page without reference and rmap; get_user_pages() refuses it. Used for
 *               private memory, and for pages that fit no other kind.
 *   huge        the same for a whole PMD, if the exporter maps the memory by a PMD.
 *   refcounted  maps one page as a mapping of the file does. Used for shared memory, in VM_MIXEDMAP
 *               VMAs. One pass inserts special entries, and refcounted ones of pages that are not
 *               part of a large folio, which it counts as fork() does. vm_insert_pages() maps the
 *               rest.
 *   anonymous   maps one page of private memory with a reference, as fork() does for a child. Used
 *               in VMAs of pinnable attachments, which hold no other entries (pinnable.c).
 *
 * Files: this one serves all ways of insertion. pte_write.c writes special, refcounted and
 * anonymous entries, pte_huge.c huge ones. Where modules may not write page tables, pte_core.c has
 * the core make special entries instead, and with pte_no_huge.c huge entries do not exist.
 * insertion.c puts these steps together.
 *
 * A page is writable in an attachment only if it is writable in the exporter at that moment.
 */
#include "fault.h"
#include "pte.h"

/*
 * Whether @vma may hold only pages that the exporter may write. In a VMA without the mkwrite
 * operations the core makes read-only entries writable on its own. A pinnable VMA holds only pages
 * that the exporter shares with no other process, even if the attacher may only read them.
 */
bool xpmem_needs_writable(const struct vm_area_struct *vma)
{
	return (vma->vm_ops == &xpmem_vm_ops_untracked && (vma->vm_flags & VM_MAYWRITE)) ||
	       xpmem_vma_is_pinnable(vma);
}

/**
 * xpmem_ptes_insert_refcounted() - have the core insert refcounted entries
 * @insertion: pte_write.c or pte_core.c left pointers to the pages in pfns
 *
 * Return: 0 or -ENOMEM.
 */
int xpmem_ptes_insert_refcounted(struct xpmem_insertion *insertion)
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
