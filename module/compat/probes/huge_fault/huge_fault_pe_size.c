// SPDX-License-Identifier: GPL-2.0-only
/* before 6.6 */
#include <linux/mm.h>

vm_fault_t probe(struct vm_fault *vmf, enum page_entry_size size);
const struct vm_operations_struct probe_ops = { .huge_fault = probe };
const enum page_entry_size probe_size = PE_SIZE_PMD;
