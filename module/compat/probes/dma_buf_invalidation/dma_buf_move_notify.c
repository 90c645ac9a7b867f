// SPDX-License-Identifier: GPL-2.0-only
/* before 7.0 */
#include <linux/dma-buf.h>

void probe(struct dma_buf *dma_buf, struct dma_buf_attachment *attachment);
void probe(struct dma_buf *dma_buf, struct dma_buf_attachment *attachment)
{
	const struct dma_buf_attach_ops *ops = attachment->importer_ops;

	dma_buf_move_notify(dma_buf);
	ops->move_notify(attachment);
}
