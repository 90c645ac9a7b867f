// SPDX-License-Identifier: GPL-2.0-only
/* 6.6 and later */
#include <linux/mm.h>

void probe(struct vm_fault *vmf);
void probe(struct vm_fault *vmf)
{
	release_fault_lock(vmf);
}
