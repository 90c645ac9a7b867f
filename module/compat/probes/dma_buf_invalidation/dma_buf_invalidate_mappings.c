// SPDX-License-Identifier: GPL-2.0-only
/* 7.0 and later: new names, in exporters and in importers */
#include <linux/dma-buf.h>

void probe(struct dma_buf *dma_buf, struct dma_buf_attachment *attachment);
void probe(struct dma_buf *dma_buf, struct dma_buf_attachment *attachment)
{
	const struct dma_buf_attach_ops *ops = attachment->importer_ops;

	dma_buf_invalidate_mappings(dma_buf);
	ops->invalidate_mappings(attachment);
}
