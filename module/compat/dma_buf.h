/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences in <linux/dma-buf.h> between the supported kernels. */
#ifndef XPMEM_COMPAT_DMA_BUF_H
#define XPMEM_COMPAT_DMA_BUF_H

#include <linux/dma-buf.h>
#include <linux/module.h>

#include "features.h"

/* Kernels since 6.13 take a string. RHEL 8 has no namespaces. */
#if defined(XPMEM_HAVE_NO_IMPORT_NS)
#define XPMEM_IMPORT_NS_DMA_BUF struct dma_buf
#elif defined(XPMEM_HAVE_IMPORT_NS_BARE)
#define XPMEM_IMPORT_NS_DMA_BUF MODULE_IMPORT_NS(DMA_BUF)
#else
#define XPMEM_IMPORT_NS_DMA_BUF MODULE_IMPORT_NS("DMA_BUF")
#endif

/* Kernels since 7.0 have another name for move_notify, in exporters and in importers. */
#ifdef XPMEM_HAVE_DMA_BUF_MOVE_NOTIFY
#define XPMEM_MOVE_NOTIFY(function) .move_notify = (function)
#else
#define XPMEM_MOVE_NOTIFY(function) .invalidate_mappings = (function)
#define dma_buf_move_notify(dma_buf) dma_buf_invalidate_mappings(dma_buf)
#endif

#endif
