// SPDX-License-Identifier: GPL-2.0-only
/* 6.6 and later */
#include <linux/mm.h>

/* Fails on older kernels, for whose enum the compiler takes an unsigned int. */
enum page_entry_size { PE_SIZE_PMD };

vm_fault_t probe(struct vm_fault *vmf, unsigned int order);
const struct vm_operations_struct probe_ops = { .huge_fault = probe };
