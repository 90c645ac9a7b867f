// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a segment for devices. The pages stay pinned for as long as the dma-buf lives, and are
 * charged to the user that created it.
 *
 * The dma-buf ends with its permit or segment, which notifies the drivers that support it. A driver
 * that still maps the memory for a device keeps the pages pinned until it unmaps them. The module
 * cannot stop the device, but until then the pages are not reused for other memory.
 */
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/skbuff.h>
#include <linux/slab.h>

#include "compat/dma_buf.h"
#include "dmabuf.h"
#include "fault.h"
#include "xpmem.h"

struct dmabuf {
	struct dma_buf *dma_buf;	/* its file owns this struct */
	struct xpmem_permit *permit;
	struct list_head link;		/* in segment->dmabufs; its lock */
	struct mmpin charge;
	struct page **pages;		/* dma_buf->resv; NULL after they were unpinned */
	unsigned long count;
	unsigned int pins;		/* dma_buf->resv */
	unsigned int mappings;		/* dma_buf->resv */
	bool dead;			/* dma_buf->resv */
};

/* Unpins the pages. No driver maps them for a device any more. */
static void give_back_pages(struct dmabuf *dmabuf)
{
	if (!dmabuf->pages)
		return;
	unpin_user_pages_dirty_lock(dmabuf->pages, dmabuf->count, true);
	atomic_long_sub(dmabuf->count, &dmabuf->permit->dmabuf_pages);
	kvfree(dmabuf->pages);
	dmabuf->pages = NULL;
	mm_unaccount_pinned_pages(&dmabuf->charge);
}

/* A driver that pins the dma-buf is not notified of its end, because it cannot react. */
static int dmabuf_pin(struct dma_buf_attachment *attach)
{
	struct dmabuf *dmabuf = attach->dmabuf->priv;

	dma_resv_assert_held(attach->dmabuf->resv);
	if (dmabuf->dead)
		return -ENODEV;
	dmabuf->pins++;
	return 0;
}

static void dmabuf_unpin(struct dma_buf_attachment *attach)
{
	struct dmabuf *dmabuf = attach->dmabuf->priv;

	dma_resv_assert_held(attach->dmabuf->resv);
	dmabuf->pins--;
}

static struct sg_table *dmabuf_map(struct dma_buf_attachment *attach,
				   enum dma_data_direction direction)
{
	struct dmabuf *dmabuf = attach->dmabuf->priv;
	struct sg_table *table;
	int error;

	dma_resv_assert_held(attach->dmabuf->resv);
	if (dmabuf->dead)
		return ERR_PTR(-ENODEV);
	table = kzalloc(sizeof(*table), GFP_KERNEL_ACCOUNT);
	if (!table)
		return ERR_PTR(-ENOMEM);
	error = sg_alloc_table_from_pages(table, dmabuf->pages, dmabuf->count, 0,
					  attach->dmabuf->size, GFP_KERNEL_ACCOUNT);
	if (error)
		goto free;
	error = dma_map_sgtable(attach->dev, table, direction, 0);
	if (error)
		goto free_table;
	dmabuf->mappings++;
	return table;

free_table:
	sg_free_table(table);
free:
	kfree(table);
	return ERR_PTR(error);
}

static void dmabuf_unmap(struct dma_buf_attachment *attach, struct sg_table *table,
			 enum dma_data_direction direction)
{
	struct dmabuf *dmabuf = attach->dmabuf->priv;

	dma_resv_assert_held(attach->dmabuf->resv);
	dma_unmap_sgtable(attach->dev, table, direction, 0);
	sg_free_table(table);
	kfree(table);
	if (!--dmabuf->mappings && dmabuf->dead)
		give_back_pages(dmabuf);
}

static void dmabuf_destroy(struct dmabuf *dmabuf)
{
	give_back_pages(dmabuf);
	atomic_dec(&dmabuf->permit->dmabuf_count);
	xpmem_permit_put(dmabuf->permit);
	kfree(dmabuf);
}

static void dmabuf_release(struct dma_buf *dma_buf)
{
	struct dmabuf *dmabuf = dma_buf->priv;
	struct xpmem_segment *segment = dmabuf->permit->segment;

	mutex_lock(&segment->dmabufs_lock);
	list_del(&dmabuf->link);
	mutex_unlock(&segment->dmabufs_lock);
	dmabuf_destroy(dmabuf);
}

static const struct dma_buf_ops dmabuf_ops = {
	.pin = dmabuf_pin,
	.unpin = dmabuf_unpin,
	.map_dma_buf = dmabuf_map,
	.unmap_dma_buf = dmabuf_unmap,
	.release = dmabuf_release,
};

/* Returns 0, or -ENOENT, -EFAULT, -EDQUOT, -ENOMEM or -EINTR: the caller destroys @dmabuf. */
static int get_pages(struct dmabuf *dmabuf, unsigned long source, u64 length)
{
	struct xpmem_exporter *exporter = dmabuf->permit->segment->exporter;
	unsigned long wanted = length >> PAGE_SHIFT;
	long pinned = 0;

	if (mm_account_pinned_pages(&dmabuf->charge, length))
		return -EDQUOT;
	if (wanted <= totalram_pages())
		dmabuf->pages = kvmalloc_array(wanted, sizeof(*dmabuf->pages),
					       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!dmabuf->pages) {
		mm_unaccount_pinned_pages(&dmabuf->charge);
		return -ENOMEM;
	}
	if (!mmget_not_zero(exporter->mm))
		return -ENOENT;
	while (dmabuf->count < wanted && pinned >= 0) {
		pinned = xpmem_source_pin(dmabuf->permit, source + (dmabuf->count << PAGE_SHIFT),
					  min(wanted - dmabuf->count, XPMEM_WINDOW_PAGES),
					  dmabuf->pages + dmabuf->count);
		if (pinned > 0) {
			dmabuf->count += pinned;
			atomic_long_add(pinned, &dmabuf->permit->dmabuf_pages);
		}
		if (fatal_signal_pending(current))
			pinned = -EINTR;
		cond_resched();
	}
	mmput(exporter->mm);
	return min(pinned, 0L);
}

static struct dma_buf *dmabuf_export(struct dmabuf *dmabuf)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = &dmabuf_ops;
	info.size = (size_t)dmabuf->count << PAGE_SHIFT;
	info.flags = O_RDWR | O_CLOEXEC;
	info.priv = dmabuf;
	return dma_buf_export(&info);
}

/**
 * xpmem_dmabuf_file() - make a dma-buf of a part of a segment
 * @apid: a read-write permit of the caller, because devices cannot be limited to reading
 * @offset: first byte, from the segment's start
 * @length: bytes
 *
 * Return: the dma-buf's file, or an error pointer.
 */
struct file *xpmem_dmabuf_file(s64 apid, u64 offset, u64 length)
{
	struct xpmem_segment *segment;
	struct xpmem_permit *permit;
	struct dma_buf *dma_buf;
	struct dmabuf *dmabuf;
	int error;

	permit = xpmem_permit_find_range(apid, offset, length);
	if (IS_ERR(permit))
		return ERR_CAST(permit);
	segment = permit->segment;
	error = -EACCES;
	if (permit->rdonly || segment->no_gup)
		goto put_permit;

	error = -ENOMEM;
	dmabuf = kzalloc(sizeof(*dmabuf), GFP_KERNEL_ACCOUNT);
	if (!dmabuf)
		goto put_permit;
	dmabuf->permit = permit;
	atomic_inc(&permit->dmabuf_count);
	error = get_pages(dmabuf, segment->start + offset, length);
	if (error)
		goto destroy;
	xpmem_race_point("dmabuf-pinned");
	dma_buf = dmabuf_export(dmabuf);
	if (IS_ERR(dma_buf)) {
		error = PTR_ERR(dma_buf);
		goto destroy;
	}
	dmabuf->dma_buf = dma_buf;
	mutex_lock(&segment->dmabufs_lock);
	list_add(&dmabuf->link, &segment->dmabufs);
	mutex_unlock(&segment->dmabufs_lock);
	/* Lists the dma-buf before the test of dead. Pairs with xpmem_dmabuf_revoke(). */
	smp_mb();
	xpmem_race_point("dmabuf-listed");
	if (READ_ONCE(permit->dead) || READ_ONCE(segment->dead)) {
		dma_buf_put(dma_buf);
		return ERR_PTR(-ENOENT);
	}
	return dma_buf->file;

destroy:
	dmabuf_destroy(dmabuf);
	return ERR_PTR(error);

put_permit:
	xpmem_permit_put(permit);
	return ERR_PTR(error);
}

/*
 * The caller holds segment->dmabufs_lock. A driver that the function notifies may wait for its
 * device, which holds up the ends of no other segment.
 */
static void dmabuf_revoke(struct dmabuf *dmabuf)
{
	struct dma_resv *resv = dmabuf->dma_buf->resv;

	lockdep_assert_held(&dmabuf->permit->segment->dmabufs_lock);
	dma_resv_lock(resv, NULL);
	if (!dmabuf->dead) {
		dmabuf->dead = true;
		if (!dmabuf->pins)
			dma_buf_move_notify(dmabuf->dma_buf);
		if (!dmabuf->mappings)
			give_back_pages(dmabuf);
	}
	dma_resv_unlock(resv);
}

/**
 * xpmem_dmabuf_revoke() - end dma-bufs
 * @segment: the segment that the dma-bufs export
 * @permit: end only those of this permit, or NULL for all
 *
 * The caller has marked the permit, or else the segment, dead. After the return no device can map
 * the memory again.
 */
void xpmem_dmabuf_revoke(struct xpmem_segment *segment, const struct xpmem_permit *permit)
{
	struct dmabuf *dmabuf;

	/* The caller set dead before the test of the list. Pairs with xpmem_dmabuf_file(). */
	smp_mb();
	if (list_empty(&segment->dmabufs))
		return;
	xpmem_race_point("dmabuf-revoke");
	mutex_lock(&segment->dmabufs_lock);
	list_for_each_entry(dmabuf, &segment->dmabufs, link)
		if (!permit || dmabuf->permit == permit)
			dmabuf_revoke(dmabuf);
	mutex_unlock(&segment->dmabufs_lock);
}

XPMEM_IMPORT_NS_DMA_BUF;
