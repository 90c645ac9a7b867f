// SPDX-License-Identifier: GPL-2.0-only
/* 6.4 and later, with CONFIG_PER_VMA_LOCK or without */
#include <linux/mm.h>

unsigned int probe(void);
unsigned int probe(void)
{
	return FAULT_FLAG_VMA_LOCK;
}
