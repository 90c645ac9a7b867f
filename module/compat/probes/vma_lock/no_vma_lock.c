// SPDX-License-Identifier: GPL-2.0-only
/* before 6.4, and without CONFIG_PER_VMA_LOCK */
#include <linux/mm.h>

#ifdef CONFIG_PER_VMA_LOCK
#error "VMAs have locks"
#endif
