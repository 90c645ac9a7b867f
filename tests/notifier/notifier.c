// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An ordinary mmu notifier in the caller's address space, as KVM, amdkfd and IOMMU SVA register
 * them. open() registers it, and the release of the file unregisters it. Its callback does nothing.
 *
 * mmap() maps a page of the module. An ioctl keeps that page locked, as a file system does whose
 * server gives no answer. Another keeps the lock of the device's mappings, so that a registration
 * in a process that has such a mapping takes as long. Both end with a signal.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "notifier.h"

static struct page *own_page;

static int ignore_start(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	return 0;
}

static const struct mmu_notifier_ops ops = { .invalidate_range_start = ignore_start };

struct watch {
	struct mmu_notifier notifier;
	struct mm_struct *mm;		/* the registered notifier holds a reference */
};

static int notifier_open(struct inode *inode, struct file *file)
{
	struct watch *watch = kzalloc(sizeof(*watch), GFP_KERNEL);
	int error;

	if (!watch)
		return -ENOMEM;
	watch->notifier.ops = &ops;
	watch->mm = current->mm;
	error = mmu_notifier_register(&watch->notifier, watch->mm);
	if (error)
		kfree(watch);
	else
		file->private_data = watch;
	return error;
}

static int notifier_release(struct inode *inode, struct file *file)
{
	struct watch *watch = file->private_data;

	mmu_notifier_unregister(&watch->notifier, watch->mm);
	kfree(watch);
	return 0;
}

static vm_fault_t own_page_fault(struct vm_fault *vmf)
{
	get_page(own_page);
	vmf->page = own_page;
	return 0;
}

static const struct vm_operations_struct own_page_ops = { .fault = own_page_fault };

static int notifier_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_end - vma->vm_start != PAGE_SIZE || vma->vm_pgoff)
		return -EINVAL;
	vma->vm_ops = &own_page_ops;
	return 0;
}

static long notifier_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	struct address_space *mapping = file->f_mapping;

	switch (command) {
	case NOTIFIER_LOCK_PAGE:
		lock_page(own_page);
		schedule_timeout_interruptible(MAX_SCHEDULE_TIMEOUT);
		unlock_page(own_page);
		return 0;
	case NOTIFIER_LOCK_MAPPINGS:
		i_mmap_lock_write(mapping);
		schedule_timeout_interruptible(MAX_SCHEDULE_TIMEOUT);
		i_mmap_unlock_write(mapping);
		return 0;
	}
	return -ENOTTY;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = notifier_open,
	.release = notifier_release,
	.llseek = noop_llseek,
	.mmap = notifier_mmap,
	.unlocked_ioctl = notifier_ioctl,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "xpmem-notifier",
	.fops = &fops,
	.mode = 0666,
};

static int __init notifier_init(void)
{
	int error;

	own_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!own_page)
		return -ENOMEM;
	error = misc_register(&device);
	if (error)
		put_page(own_page);
	return error;
}

static void __exit notifier_exit(void)
{
	misc_deregister(&device);
	put_page(own_page);
}

module_init(notifier_init);
module_exit(notifier_exit);
MODULE_DESCRIPTION("Registers mmu notifiers, for the tests of xpmem");
MODULE_LICENSE("GPL");
