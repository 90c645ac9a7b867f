// SPDX-License-Identifier: GPL-2.0-only
/*
 * One mapping of a part of a segment.
 *
 * An attachment starts as adjacent VMAs, one for each run of source memory of the same kind.
 * munmap(), mprotect() and mremap() may split and move them. Each VMA holds a reference to the
 * attachment.
 */
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "compat/mm.h"
#include "fault.h"
#include "trace.h"
#include "xpmem.h"

static struct kmem_cache *attachment_cache;

/*
 * Sets nothing. The kernel does not clear objects of a cache that has a constructor, and
 * xpmem_attachment_create() sets all fields.
 */
static void attachment_construct(void *memory)
{
}

int xpmem_attachment_init(void)
{
	attachment_cache = kmem_cache_create("xpmem_attachment", sizeof(struct xpmem_attachment),
					     0, SLAB_ACCOUNT, attachment_construct);
	return attachment_cache ? 0 : -ENOMEM;
}

void xpmem_attachment_exit(void)
{
	kmem_cache_destroy(attachment_cache);
}

void xpmem_attachment_put(struct xpmem_attachment *attachment)
{
	struct xpmem_permit *permit = attachment->permit;

	if (!refcount_dec_and_test(&attachment->object.ref))
		return;
	if (!xpmem_registry_withdraw(&xpmem_attachments, &attachment->object)) {
		xpmem_registry_cancel(&xpmem_attachments, &attachment->object);
	} else {
		atomic_dec(&permit->attachment_count);
		trace_detach(attachment);
		xpmem_event_gone(XPMEM_ATTACHMENT, &attachment->object, attachment->reason);
	}
	spin_lock(&permit->lock);
	hlist_del_init(&attachment->permit_link);
	spin_unlock(&permit->lock);
	xpmem_owner_put(attachment->object.owner);
	pr_debug("attachment %llx destroyed\n", attachment->object.id);
	kmem_cache_free(attachment_cache, attachment);
	xpmem_permit_put(permit);
}

static bool is_inherited(const struct vm_area_struct *vma)
{
	const struct xpmem_attachment *attachment = vma->vm_private_data;

	return vma->vm_mm != attachment->permit->client->mm;
}

/*
 * An attach, a split or a move created the VMA, which takes a reference. Or a child inherited the
 * VMA, because madvise() can clear VM_DONTCOPY. Then the VMA stays empty, and its faults are
 * refused. The caller holds the mmap_lock of the VMA's mm for writing.
 */
void xpmem_attachment_open(struct vm_area_struct *vma)
{
	struct xpmem_attachment *attachment = vma->vm_private_data;

	lockdep_assert_held_write(&vma->vm_mm->mmap_lock);
	if (is_inherited(vma)) {
		vm_flags_set(vma, VM_WIPEONFORK);
		/*
		 * Some kernels have already copied the parent's PTEs. This also zaps those of the
		 * parent, which faults again.
		 */
		unmap_mapping_range(vma->vm_file->f_mapping, (loff_t)vma->vm_pgoff << PAGE_SHIFT,
				    vma->vm_end - vma->vm_start, 1);
	} else if (xpmem_vma_is_pinnable(vma)) {
		atomic_inc(&attachment->pinnable_vmas);
	}
	xpmem_group_yield(xpmem_attachment_exporter(attachment), attachment->permit->client->group);
	refcount_inc(&attachment->object.ref);
}

void xpmem_attachment_close(struct vm_area_struct *vma)
{
	struct xpmem_attachment *attachment = vma->vm_private_data;

	if (!is_inherited(vma)) {
		WRITE_ONCE(attachment->reason,
			   current->mm == vma->vm_mm ?
				   XPMEM_REASON_REMOVED :
				   xpmem_owner_end(attachment->permit->object.owner));
		if (xpmem_vma_is_pinnable(vma))
			atomic_dec(&attachment->pinnable_vmas);
	}
	xpmem_attachment_put(attachment);
}

/* Says which entries a VMA of an attachment may have; pte.c describes them. */
enum vma_kind {
	VMA_SPECIAL,	/* special or huge */
	VMA_SHARED,	/* refcounted, for shared memory, or special */
	VMA_TRACKED,	/* the same, for files whose filesystem tracks writes */
	VMA_PINNABLE,	/* anonymous, for private memory; see pinnable.c */
};

static const struct {
	unsigned long flags;
	const struct vm_operations_struct *ops;
} kinds[] = {
	[VMA_SPECIAL] = { VM_PFNMAP, &xpmem_vm_ops },
	[VMA_SHARED] = { VM_MIXEDMAP, &xpmem_vm_ops_untracked },
	[VMA_TRACKED] = { VM_MIXEDMAP, &xpmem_vm_ops },
	[VMA_PINNABLE] = { 0, &xpmem_vm_ops_pinnable },
};

/* A task that is mapping a file for its attachment; on the stack of xpmem_attachment_create(). */
struct builder {
	struct task_struct *task;
	struct xpmem_attachment *attachment;
	enum vma_kind kind;		/* of the part that is being mapped */
	struct list_head link;		/* exporter->lock */
};

static void builder_begin(struct builder *builder, struct xpmem_attachment *attachment)
{
	struct xpmem_exporter *exporter = xpmem_attachment_exporter(attachment);

	builder->task = current;
	builder->attachment = attachment;
	attachment->building = true;
	WRITE_ONCE(attachment->creator, current);
	spin_lock(&exporter->lock);
	list_add(&builder->link, &exporter->builders);
	spin_unlock(&exporter->lock);
}

static void builder_end(struct builder *builder)
{
	struct xpmem_attachment *attachment = builder->attachment;
	struct xpmem_exporter *exporter = xpmem_attachment_exporter(attachment);

	spin_lock(&exporter->lock);
	list_del(&builder->link);
	spin_unlock(&exporter->lock);
	WRITE_ONCE(attachment->creator, NULL);
	attachment->building = false;
}

/* Returns what the caller is mapping, on its own stack, or NULL. */
static const struct builder *builder_find(struct xpmem_exporter *exporter)
{
	const struct builder *builder, *found = NULL;

	spin_lock(&exporter->lock);
	list_for_each_entry(builder, &exporter->builders, link)
		if (builder->task == current)
			found = builder;
	spin_unlock(&exporter->lock);
	return found;
}

/* Refuses all callers but builder_map(). remap_file_pages() also gets here. */
static int attachment_mmap(struct file *file, struct vm_area_struct *vma)
{
	const struct builder *builder = builder_find(file->private_data);
	struct xpmem_attachment *attachment;

	if (!builder)
		return -EINVAL;
	attachment = builder->attachment;
	lockdep_assert_held(&attachment->permit->attaching);
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP | kinds[builder->kind].flags);
	vm_flags_clear(vma, VM_EXEC | VM_MAYEXEC | (attachment->rdonly ? VM_MAYWRITE : 0));
	vma->vm_private_data = attachment;
	vma->vm_ops = kinds[builder->kind].ops;
	xpmem_attachment_open(vma);
	return 0;
}

const struct file_operations xpmem_attachment_fops = {
	.owner = THIS_MODULE,
	.mmap = attachment_mmap,
	.get_unmapped_area = xpmem_get_unmapped_area,
};

/* Whether attachments may map pages of @vma with a reference, as other mappings of its file do. */
static bool is_shared(struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_MAYSHARE && vma->vm_file && !is_vm_hugetlb_page(vma) &&
	       xpmem_source_allowed(vma);
}

static bool is_tracked(const struct vm_area_struct *vma)
{
	return vma->vm_ops && (vma->vm_ops->page_mkwrite || vma->vm_ops->pfn_mkwrite);
}

/* Returns the kind of VMA for holes, and for memory that may change its kind. */
static enum vma_kind base_kind(const struct xpmem_attachment *attachment)
{
	return attachment->pinnable ? VMA_PINNABLE : VMA_SPECIAL;
}

/* Returns the kind of VMA that suits memory of @vma, a VMA of the exporter. */
static enum vma_kind kind_for(const struct xpmem_attachment *attachment, struct vm_area_struct *vma)
{
	if (is_shared(vma))
		return is_tracked(vma) ? VMA_TRACKED : VMA_SHARED;
	/* A range that is reserved by PROT_NONE most likely becomes ordinary memory. */
	if (attachment->pinnable && xpmem_source_allowed(vma) &&
	    (xpmem_source_is_pinnable(vma) ||
	     !(vma->vm_flags & (VM_READ | VM_WRITE | VM_MAYSHARE))))
		return VMA_PINNABLE;
	return VMA_SPECIAL;
}

/*
 * Finds the first run of memory at or after *start in the exporter that needs another kind of VMA
 * than the base. The caller holds permit->attaching and no mmap_lock. Returns 1, the run, clipped
 * to *end, and its kind; 0 if there is none or the segment forbids get_user_pages(); -ENOENT if the
 * exporter's mm has ended; or -EINTR.
 *
 * The mm is kept only meanwhile. To map a part, the caller may wait for another program, which must
 * not keep the memory of an exporter that ends.
 */
static int find_run(const struct xpmem_attachment *attachment, unsigned long *start,
		    unsigned long *end, enum vma_kind *kind)
{
	enum vma_kind base = base_kind(attachment);
	struct mm_struct *mm = xpmem_attachment_exporter(attachment)->mm;
	struct vm_area_struct *vma;
	unsigned long run_end;
	int found = 0;

	lockdep_assert_held(&attachment->permit->attaching);
	might_lock_read(&mm->mmap_lock);
	if (!mmget_not_zero(mm))
		return -ENOENT;
	/* All VMAs become VM_PFNMAP, as for private memory. */
	if (attachment->permit->segment->no_gup)
		goto put;
	found = -EINTR;
	if (mmap_read_lock_killable(mm))
		goto put;
	found = 0;
	vma = find_vma(mm, *start);
	while (vma && vma->vm_start < *end && kind_for(attachment, vma) == base)
		vma = vma->vm_end < *end ? find_vma(mm, vma->vm_end) : NULL;
	if (!vma || vma->vm_start >= *end)
		goto unlock;
	found = 1;
	*kind = kind_for(attachment, vma);
	*start = max(*start, vma->vm_start);
	do {
		run_end = vma->vm_end;
		vma = run_end < *end ? find_vma(mm, run_end) : NULL;
	} while (vma && vma->vm_start == run_end && kind_for(attachment, vma) == *kind);
	*end = min(*end, run_end);
unlock:
	mmap_read_unlock(mm);
put:
	mmput(mm);
	return found;
}

/*
 * Maps [start, end) of the exporter by a VMA of a kind; flags for mmap. Returns the address or an
 * error.
 */
static unsigned long builder_map(struct builder *builder, enum vma_kind kind, unsigned long start,
				 unsigned long end, unsigned long address, unsigned long flags)
{
	const struct xpmem_attachment *attachment = builder->attachment;
	const struct xpmem_permit *permit = attachment->permit;
	struct file *file =
		xpmem_group_file(permit->segment->exporter, permit->client->group, !permit->rdonly);

	if (IS_ERR(file))
		return PTR_ERR(file);
	builder->kind = kind;
	return vm_mmap(file, address, end - start,
		       PROT_READ | (attachment->rdonly ? 0 : PROT_WRITE), MAP_SHARED | flags,
		       start);
}

/*
 * Maps the whole attachment by VMAs of the base kind first, and then the runs of other kinds over
 * it. The caller holds permit->attaching. Returns 0 with attachment->address set, or an error with
 * nothing mapped.
 */
static int map_runs(struct builder *builder, unsigned long address, unsigned long flags)
{
	struct xpmem_attachment *attachment = builder->attachment;
	unsigned long end = attachment->source + attachment->length;
	unsigned long run_start = attachment->source, run_end = end, mapped;
	enum vma_kind kind = base_kind(attachment);
	bool one_run;
	int found;

	lockdep_assert_held(&attachment->permit->attaching);
	found = find_run(attachment, &run_start, &run_end, &kind);
	if (found < 0)
		return found;
	one_run = found && run_start == attachment->source && run_end == end;
	address = builder_map(builder, one_run ? kind : base_kind(attachment), attachment->source,
			      end, address, flags);
	if (IS_ERR_VALUE(address))
		return (long)address;
	attachment->address = address;

	while (found > 0 && !one_run) {
		mapped = builder_map(builder, kind, run_start, run_end,
				     address + run_start - attachment->source, MAP_FIXED);
		if (IS_ERR_VALUE(mapped)) {
			found = (long)mapped;
			break;
		}
		run_start = run_end;
		run_end = end;
		found = run_start < end ? find_run(attachment, &run_start, &run_end, &kind) : 0;
	}
	if (found < 0)
		vm_munmap(address, attachment->length);
	return min(found, 0);
}

/* Returns an attachment that owns the caller's reference to the permit, or NULL. */
static struct xpmem_attachment *attachment_alloc(struct xpmem_permit *permit, u64 offset,
						 u64 length, u32 flags)
{
	struct xpmem_attachment *attachment =
		kmem_cache_alloc(attachment_cache, GFP_KERNEL_ACCOUNT);
	int i;

	if (!attachment)
		return NULL;
	refcount_set(&attachment->object.ref, 1);
	attachment->permit = permit;
	attachment->source = permit->segment->start + offset;
	attachment->length = length;
	attachment->rdonly = permit->rdonly || flags & XPMEM_ATTACH_RDONLY;
	attachment->address = 0;
	attachment->pinnable = flags & XPMEM_ATTACH_PINNABLE;
	attachment->touched = false;
	attachment->huge = false;
	attachment->building = false;
	attachment->creator = NULL;
	attachment->next_stream = 0;
	memset(attachment->streams, 0, sizeof(attachment->streams));
	attachment->populated = 0;
	attachment->reason = 0;
	atomic_set(&attachment->pinnable_vmas, 0);
	for (i = 0; i < XPMEM_FAULT_STATS; i++)
		atomic_long_set(&attachment->stats[i], 0);
	return attachment;
}

/*
 * Maps the attachment and publishes it. The caller holds permit->attaching. Returns 0, or an error
 * with nothing mapped.
 */
static int attachment_map(struct xpmem_attachment *attachment, u64 vaddr, u32 flags)
{
	struct xpmem_permit *permit = attachment->permit;
	struct builder builder;
	int error;

	lockdep_assert_held(&permit->attaching);
	builder_begin(&builder, attachment);
	error = map_runs(&builder, vaddr, flags & XPMEM_ATTACH_REPLACE ? MAP_FIXED :
			 flags & XPMEM_ATTACH_FIXED ? MAP_FIXED_NOREPLACE : 0);
	builder_end(&builder);
	if (error)
		return error;
	if (READ_ONCE(permit->dead)) {
		/* The client closed, or a caller revoked the permit, in the meantime. */
		vm_munmap(attachment->address, attachment->length);
		return -ENOENT;
	}
	atomic_inc(&permit->attachment_count);
	xpmem_event_created(XPMEM_ATTACHMENT, &attachment->object);
	xpmem_registry_publish(&xpmem_attachments, &attachment->object);
	trace_attach(attachment);
	pr_debug("attachment %llx created\n", attachment->object.id);
	return 0;
}

/**
 * xpmem_attachment_create() - attach a part of a segment to the caller's address space
 * @apid: the permit
 * @offset: first byte, from the segment's start
 * @length: bytes
 * @vaddr: the address, with XPMEM_ATTACH_FIXED or XPMEM_ATTACH_REPLACE, else zero
 * @flags: XPMEM_ATTACH_ flags, known to be valid bits
 *
 * Return: the attachment, mapped and published, with a reference for the caller, or an error
 * pointer.
 */
struct xpmem_attachment *xpmem_attachment_create(s64 apid, u64 offset, u64 length, u64 vaddr,
						 u32 flags)
{
	u32 place = flags & (XPMEM_ATTACH_FIXED | XPMEM_ATTACH_REPLACE);
	struct xpmem_attachment *attachment;
	struct xpmem_permit *permit;
	bool dead;
	u64 end;
	int error;

	if (!PAGE_ALIGNED(vaddr) || (vaddr && !place) ||
	    place == (XPMEM_ATTACH_FIXED | XPMEM_ATTACH_REPLACE) ||
	    (place && (check_add_overflow(vaddr, length, &end) || end > TASK_SIZE)))
		return ERR_PTR(-EINVAL);
	if (flags & XPMEM_ATTACH_PINNABLE && !xpmem_pinnable_supported())
		return ERR_PTR(-EOPNOTSUPP);
	permit = xpmem_permit_find_range(apid, offset, length);
	if (IS_ERR(permit))
		return ERR_CAST(permit);

	/* Faults of a pinnable VMA make the exporter write, even if the attacher only reads. */
	error = -EACCES;
	if (flags & XPMEM_ATTACH_PINNABLE && (permit->segment->no_gup || permit->rdonly))
		goto put_permit;
	error = -ENOMEM;
	attachment = attachment_alloc(permit, offset, length, flags);
	if (!attachment)
		goto put_permit;
	error = xpmem_registry_reserve(&xpmem_attachments, &attachment->object,
				       permit->client);
	if (error)
		goto free;
	error = -EINTR;
	if (mutex_lock_killable(&permit->attaching))
		goto cancel;
	spin_lock(&permit->lock);
	dead = permit->dead;
	if (!dead)
		hlist_add_head(&attachment->permit_link, &permit->attachments);
	spin_unlock(&permit->lock);
	error = -ENOENT;
	if (dead)
		goto unlock;
	error = attachment_map(attachment, vaddr, flags);
	mutex_unlock(&permit->attaching);
	if (error) {
		xpmem_attachment_put(attachment);
		return ERR_PTR(error);
	}
	if (flags & XPMEM_ATTACH_POPULATE)
		xpmem_attachment_populate(attachment);
	return attachment;

unlock:
	mutex_unlock(&permit->attaching);
cancel:
	xpmem_registry_cancel(&xpmem_attachments, &attachment->object);
	xpmem_owner_put(attachment->object.owner);
free:
	kmem_cache_free(attachment_cache, attachment);
put_permit:
	xpmem_permit_put(permit);
	return ERR_PTR(error);
}

static bool is_part(const struct vm_area_struct *vma, const struct xpmem_attachment *attachment)
{
	return xpmem_vma_is_attachment(vma) && vma->vm_private_data == attachment;
}

/*
 * Unmaps all parts of the attachment in [start, stop) of the caller's address space. Returns 0,
 * -EINTR or -ENOMEM.
 */
static int unmap_between(struct xpmem_attachment *attachment, unsigned long start,
			 unsigned long stop)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned long end;
	int error = 0;

	for (; start < stop && !error; start = end) {
		if (mmap_read_lock_killable(mm))
			return -EINTR;
		vma = find_vma(mm, start);
		while (vma && vma->vm_start < stop && !is_part(vma, attachment))
			vma = find_vma(mm, vma->vm_end);
		if (!vma || vma->vm_start >= stop) {
			mmap_read_unlock(mm);
			return 0;
		}
		start = vma->vm_start;
		do {
			end = vma->vm_end;
			vma = find_vma(mm, end);
		} while (vma && vma->vm_start == end && is_part(vma, attachment));
		mmap_read_unlock(mm);
		error = vm_munmap(start, end - start);
	}
	return error;
}

/* Unmaps parts that mremap() moved or duplicated, which may lie anywhere. */
static int unmap_elsewhere(struct xpmem_attachment *attachment)
{
	return refcount_read(&attachment->object.ref) > 1 ? unmap_between(attachment, 0, TASK_SIZE)
							  : 0;
}

/**
 * xpmem_attachment_unmap() - unmap the remaining parts of an attachment from the caller
 * @attachment: the caller holds a reference and no mmap_lock
 * @address: start of the attachment, whether or not that part is still mapped
 *
 * Return: 0, -EINTR or -ENOMEM.
 */
int xpmem_attachment_unmap(struct xpmem_attachment *attachment, unsigned long address)
{
	int error;

	might_lock(&current->mm->mmap_lock);
	error = unmap_between(attachment, address, address + attachment->length);
	return error ? error : unmap_elsewhere(attachment);
}

/**
 * xpmem_detach_begin() - find the attachment that an address lies in
 * @detach: describes it until xpmem_detach_end(), which the caller calls after success
 * @vaddr: the address, in the caller's address space
 *
 * Return: 0, also if the address is not mapped; -EINVAL if it belongs to another kind of mapping;
 * -EINTR.
 */
int xpmem_detach_begin(struct xpmem_detach *detach, u64 vaddr)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	int error = 0;

	*detach = (struct xpmem_detach){};
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = find_vma(mm, vaddr);
	if (!vma || vma->vm_start > vaddr)
		goto unlock;
	error = -EINVAL;
	if (!xpmem_vma_is_attachment(vma))
		goto unlock;
	error = 0;
	detach->attachment = vma->vm_private_data;
	refcount_inc(&detach->attachment->object.ref);
	detach->start = vma->vm_start;
	detach->end = vma->vm_end;
	while ((vma = find_vma(mm, detach->end)) && vma->vm_start == detach->end &&
	       is_part(vma, detach->attachment))
		detach->end = vma->vm_end;
	while (detach->start && (vma = find_vma(mm, detach->start - 1)) &&
	       vma->vm_end == detach->start && is_part(vma, detach->attachment))
		detach->start = vma->vm_start;
unlock:
	mmap_read_unlock(mm);
	return error;
}

/**
 * xpmem_detach_end() - unmap an attachment
 * @detach: the attachment that xpmem_detach_begin() found, whose reference this drops
 * @unmap: false to leave the attachment as it is
 *
 * Looks for the parts again, as other threads may have unmapped them and mapped other memory there.
 * Return: 0, -EINTR or -ENOMEM.
 */
int xpmem_detach_end(struct xpmem_detach *detach, bool unmap)
{
	int error = 0;

	if (!detach->attachment)
		return 0;
	if (unmap)
		error = unmap_between(detach->attachment, detach->start, detach->end) ?:
				unmap_elsewhere(detach->attachment);
	xpmem_attachment_put(detach->attachment);
	return error;
}
