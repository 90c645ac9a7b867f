/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory of a segment for devices, where the kernel has dma-bufs. */
#ifndef XPMEM_DMABUF_H
#define XPMEM_DMABUF_H

#include "xpmem.h"

#ifdef CONFIG_DMA_SHARED_BUFFER
struct file *xpmem_dmabuf_file(s64 apid, u64 offset, u64 length);
void xpmem_dmabuf_revoke(struct xpmem_segment *segment, const struct xpmem_permit *permit);
#else
static inline struct file *xpmem_dmabuf_file(s64 apid, u64 offset, u64 length)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static inline void xpmem_dmabuf_revoke(struct xpmem_segment *segment,
				       const struct xpmem_permit *permit)
{
}
#endif

#endif
