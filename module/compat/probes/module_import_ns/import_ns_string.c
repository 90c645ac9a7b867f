// SPDX-License-Identifier: GPL-2.0-only
/* 6.13 and later */
#include <linux/module.h>

#undef MODULE_INFO
#define MODULE_INFO(tag, info) _Static_assert(sizeof(info) == sizeof("DMA_BUF"), #tag)

MODULE_IMPORT_NS("DMA_BUF");
