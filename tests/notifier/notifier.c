// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An ordinary mmu notifier in the caller's address space, as KVM, amdkfd and IOMMU SVA register
 * them. open() registers it, and the release of the file unregisters it. Its callback does nothing.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

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

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = notifier_open,
	.release = notifier_release,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "xpmem-notifier",
	.fops = &fops,
	.mode = 0666,
};

module_misc_device(device);
MODULE_DESCRIPTION("Registers mmu notifiers, for the tests of xpmem");
MODULE_LICENSE("GPL");
