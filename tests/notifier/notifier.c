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

static int notifier_open(struct inode *inode, struct file *file)
{
	struct mmu_notifier *notifier = kzalloc(sizeof(*notifier), GFP_KERNEL);
	int error;

	if (!notifier)
		return -ENOMEM;
	notifier->ops = &ops;
	error = mmu_notifier_register(notifier, current->mm);
	if (error)
		kfree(notifier);
	else
		file->private_data = notifier;
	return error;
}

static int notifier_release(struct inode *inode, struct file *file)
{
	struct mmu_notifier *notifier = file->private_data;

	/* It holds a reference of its mm. */
	mmu_notifier_unregister(notifier, notifier->mm);
	kfree(notifier);
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
