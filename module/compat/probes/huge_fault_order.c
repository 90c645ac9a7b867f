// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
vm_fault_t probe(struct vm_fault *vmf, unsigned int order);
const struct vm_operations_struct probe_ops = { .huge_fault = probe };
