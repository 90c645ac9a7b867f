// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>

#ifdef CONFIG_PAGE_TABLE_CHECK
#error "the kernel can check page tables"
#endif
