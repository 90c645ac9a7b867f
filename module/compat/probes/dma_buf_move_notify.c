// SPDX-License-Identifier: GPL-2.0-only
#include <linux/dma-buf.h>

void probe(struct dma_buf *dma_buf);
void probe(struct dma_buf *dma_buf)
{
	dma_buf_move_notify(dma_buf);
}
