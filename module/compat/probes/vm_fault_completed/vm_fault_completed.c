// SPDX-License-Identifier: GPL-2.0-only
/* 6.0 and later */
#include <linux/mm.h>

vm_fault_t probe(void);
vm_fault_t probe(void)
{
	return VM_FAULT_COMPLETED;
}
