// SPDX-License-Identifier: GPL-2.0-only
/* The operations of the VMAs of attachments. */
#include "compat/mm.h"
#include "fault.h"
#include "xpmem.h"

static vm_fault_t attachment_fault(struct vm_fault *vmf)
{
	const struct xpmem_attachment *attachment = vmf->vma->vm_private_data;

	if (READ_ONCE(attachment->creator) == current)
		return attachment->building ? VM_FAULT_SIGBUS : xpmem_populate_fault(vmf);
	return xpmem_fault_handle(vmf, vmf->flags & FAULT_FLAG_WRITE);
}

/*
 * A write met a read-only special PTE. The PTE becomes writable in place, after the exporter has
 * copied the page. The function does not zap the PTE first: an instruction that reads before it
 * writes would put it back, without end.
 */
static vm_fault_t attachment_pfn_mkwrite(struct vm_fault *vmf)
{
	vm_fault_t fault = xpmem_fault_handle(vmf, true);

	/* NOPAGE tells the core to touch nothing more. */
	return fault & VM_FAULT_RETRY ? fault | VM_FAULT_NOPAGE : fault;
}

const struct vm_operations_struct xpmem_vm_ops = {
	.open = xpmem_attachment_open,
	.close = xpmem_attachment_close,
	.access = xpmem_attachment_access,
	.fault = attachment_fault,
	.huge_fault = xpmem_huge_fault(xpmem_fault_huge),
	.page_mkwrite = xpmem_fault_page_mkwrite,
	.pfn_mkwrite = attachment_pfn_mkwrite,
};

/*
 * For VMAs of memory whose filesystem does not track writes. The core refuses long-term pins in
 * VMAs that have mkwrite operations.
 */
const struct vm_operations_struct xpmem_vm_ops_untracked = {
	.open = xpmem_attachment_open,
	.close = xpmem_attachment_close,
	.access = xpmem_attachment_access,
	.fault = attachment_fault,
	.huge_fault = xpmem_huge_fault(xpmem_fault_huge),
};

/* For private memory, in which every entry is writable where the attacher may write. */
const struct vm_operations_struct xpmem_vm_ops_pinnable = {
	.open = xpmem_attachment_open,
	.close = xpmem_attachment_close,
	.access = xpmem_attachment_access,
	.fault = attachment_fault,
};
