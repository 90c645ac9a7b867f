// SPDX-License-Identifier: GPL-2.0-only
/* 5.16 and later */
#include <linux/mm.h>

unsigned int probe(void);
unsigned int probe(void)
{
	return FOLL_NOFAULT;
}
