/* SPDX-License-Identifier: GPL-2.0-only */
/* The context of one fault in an attachment, and the steps that bring pages from the exporter. */
#ifndef XPMEM_FAULT_H
#define XPMEM_FAULT_H

#include "xpmem.h"

/* snapshot.c: the snapshot that one fault takes, of a part of a window */

enum xpmem_fault_result {
	XPMEM_MAPPED,
	XPMEM_RACED,	/* the exporter changed in the meantime: try again */
	XPMEM_ABSENT,	/* the exporter must fault the page in, or copy it on write, first */
	XPMEM_HOLE,	/* the exporter maps no memory that may be attached */
	XPMEM_DENIED,	/* the exporter's own mapping would refuse the access */
	XPMEM_NOMEM,
	XPMEM_UNPINNABLE,	/* no page for a pinnable VMA */
};

struct xpmem_snapshot {
	struct vm_fault *vmf;	/* valid, like vma, until the fault drops the attacher's lock */
	struct vm_area_struct *vma;
	struct xpmem_attachment *attachment;
	struct xpmem_permit *permit;
	struct xpmem_exporter *exporter;
	struct xpmem_window *window;	/* of the last snapshot */
	/* The block that one fault maps, around the wanted page and within its window. */
	unsigned long block_start;
	unsigned long block_end;
	unsigned int block_order;	/* log2 of its pages, before the window cut it off */
	unsigned int stream;	/* index of the stream that the fault belongs to */
	bool continues;		/* the fault is next to the pages that the stream mapped last */
	bool backwards;		/* the stream goes backwards */
	bool absent;		/* the exporter must bring the wanted page in */
	unsigned long source;	/* the wanted page */
	unsigned long start;	/* range of source addresses in pfns */
	unsigned long end;
	unsigned long seq;
	unsigned long *pfns;
	bool store;		/* the access is a write */
	bool write;		/* the page must be writable; xpmem_snapshot_check() decides */
	/* An exporter fault brought the page in, and its mmap_lock has been held since then. */
	bool brought_in;
	bool unreadable;	/* the exporter maps the memory write-only */
	bool huge;		/* map the PMD range around the wanted page by one entry */
	bool needs_writable;	/* xpmem_needs_writable(vma), usable after vma is gone */
	bool pinnable;		/* xpmem_vma_is_pinnable(vma), likewise */
	bool spares_fuse;	/* bring in no page that a program must supply through FUSE */
	u64 begun;		/* ns when the fault began; 0: the tracepoint was off */
	unsigned long inserted;	/* pages inserted so far */
	unsigned long gained;	/* pages that the last insertion mapped or made writable */
};

bool xpmem_source_allowed(const struct vm_area_struct *vma);
bool xpmem_source_is_fuse(const struct vm_area_struct *vma);
bool xpmem_source_is_pinnable(const struct vm_area_struct *vma);
void xpmem_snapshot_get_pfns(struct xpmem_snapshot *snapshot, unsigned long *single);
void xpmem_snapshot_put_pfns(struct xpmem_snapshot *snapshot, unsigned long *single);
void xpmem_snapshot_init(struct xpmem_snapshot *snapshot, struct vm_fault *vmf, bool write);
void xpmem_snapshot_widen(struct xpmem_snapshot *snapshot, unsigned long start, unsigned long end);
enum xpmem_fault_result xpmem_snapshot_check(struct xpmem_snapshot *snapshot);
enum xpmem_fault_result xpmem_snapshot_take(struct xpmem_snapshot *snapshot);
enum xpmem_fault_result xpmem_snapshot_take_page(struct xpmem_snapshot *snapshot);
enum xpmem_fault_result xpmem_snapshot_take_block(struct xpmem_snapshot *snapshot);
enum xpmem_fault_result xpmem_snapshot_take_around(struct xpmem_snapshot *snapshot);
enum xpmem_fault_result xpmem_snapshot_hold(struct xpmem_snapshot *snapshot);
void xpmem_snapshot_release(struct xpmem_snapshot *snapshot);

/* The snapshot's entry for the wanted page. */
static inline unsigned long xpmem_snapshot_wanted(const struct xpmem_snapshot *snapshot)
{
	return snapshot->pfns[(snapshot->source - snapshot->start) >> PAGE_SHIFT];
}

/* Uses a snapshot of the wanted page. Its caller cannot drop the attacher's lock. */
typedef enum xpmem_fault_result xpmem_snapshot_use(struct xpmem_snapshot *snapshot);

enum xpmem_fault_result xpmem_fault_without_retry(struct xpmem_snapshot *snapshot,
						  bool source_locked, xpmem_snapshot_use *use);

/* pfns.c: arrays for snapshots of a window */

unsigned long *xpmem_pfns_get(void);
void xpmem_pfns_put(unsigned long *pfns);
void xpmem_pfns_exit(void);

/* stream.c */

void xpmem_stream_find(struct xpmem_snapshot *snapshot);
void xpmem_stream_advance(const struct xpmem_snapshot *snapshot, unsigned long start,
			  unsigned long end, unsigned long pages);

/* source.c */

enum xpmem_fault_result xpmem_source_fault(struct xpmem_snapshot *snapshot, bool *unlocked);
void xpmem_source_fault_ahead(struct xpmem_snapshot *snapshot);
long xpmem_source_pin(struct xpmem_permit *permit, unsigned long source, unsigned long count,
		      struct page **pages);

/* pte.c */

bool xpmem_needs_writable(const struct vm_area_struct *vma);

/* pte_huge.c or pte_no_huge.c */

bool xpmem_ptes_may_be_huge(const struct xpmem_snapshot *snapshot);
bool xpmem_ptes_set_huge(struct xpmem_snapshot *snapshot);

/* insertion.c */

enum xpmem_fault_result xpmem_ptes_insert(struct xpmem_snapshot *snapshot);

/* pinnable.c */

void xpmem_pinnable_end(struct xpmem_attachment *attachment, struct mm_struct *mm,
			unsigned long address);

/* populate.c */

void xpmem_attachment_populate(struct xpmem_attachment *attachment);
vm_fault_t xpmem_populate_fault(struct vm_fault *vmf);

/* fault.c */

bool xpmem_may_fault(const struct vm_area_struct *vma);
vm_fault_t xpmem_fault_handle(struct vm_fault *vmf, bool write);
vm_fault_t xpmem_fault_huge(struct vm_fault *vmf, unsigned int order);
vm_fault_t xpmem_fault_page_mkwrite(struct vm_fault *vmf);

/* access.c */

int xpmem_attachment_access(struct vm_area_struct *vma, unsigned long address, void *buffer,
			    int length, int write);

/* vm_ops.c */

extern const struct vm_operations_struct xpmem_vm_ops, xpmem_vm_ops_untracked;
extern const struct vm_operations_struct xpmem_vm_ops_pinnable;

static inline bool xpmem_vma_is_pinnable(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &xpmem_vm_ops_pinnable;
}

static inline bool xpmem_vma_is_attachment(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &xpmem_vm_ops || vma->vm_ops == &xpmem_vm_ops_untracked ||
	       xpmem_vma_is_pinnable(vma);
}

#endif
