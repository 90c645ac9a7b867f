// SPDX-License-Identifier: GPL-2.0-only
/* before 6.13 */
#include <linux/module.h>

/* MODULE_INFO() must get the name without quotes of its own. */
#undef MODULE_INFO
#define MODULE_INFO(tag, info) _Static_assert(sizeof(info) == sizeof("DMA_BUF"), #tag)

MODULE_IMPORT_NS(DMA_BUF);
