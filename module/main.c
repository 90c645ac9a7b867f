// SPDX-License-Identifier: GPL-2.0-only
/* The device, and the order of initialization and cleanup. */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "coverage.h"
#include "fault.h"
#include "ioctl.h"
#include "wait.h"
#include "xpmem.h"

static int device_open(struct inode *inode, struct file *file)
{
	struct xpmem_client *client;

	if (!current->mm)
		return -EINVAL;
	client = xpmem_client_create();
	if (IS_ERR(client))
		return PTR_ERR(client);
	file->private_data = client;
	return nonseekable_open(inode, file);
}

static int device_flush(struct file *file, fl_owner_t owner)
{
	xpmem_client_flush(file->private_data);
	return 0;
}

static int device_release(struct inode *inode, struct file *file)
{
	xpmem_client_close(file->private_data);
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.flush = device_flush,
	.release = device_release,
	.unlocked_ioctl = xpmem_ioctl,
	.compat_ioctl = xpmem_compat_ioctl,
};

/* All users may open it: each segment has its own access check. */
static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "xpmem",
	.fops = &device_fops,
	.mode = 0666,
};

static int __init xpmem_init(void)
{
	int error;

	xpmem_registry_init();
	xpmem_wait_init();
	error = xpmem_coverage_init();
	if (error)
		return error;
	error = xpmem_segment_init();
	if (error)
		goto exit_coverage;
	error = xpmem_permit_init();
	if (error)
		goto exit_segment;
	error = xpmem_attachment_init();
	if (error)
		goto exit_permit;
	error = xpmem_queues_init();
	if (error)
		goto exit_attachment;
	error = xpmem_netlink_init();
	if (error)
		goto exit_queues;
	error = misc_register(&device);
	if (error)
		goto exit_netlink;
	return 0;

exit_netlink:
	xpmem_netlink_exit();
exit_queues:
	xpmem_queues_exit();
	xpmem_exporter_exit();
	xpmem_registry_exit();
	xpmem_reports_exit();
	xpmem_pfns_exit();
exit_attachment:
	xpmem_attachment_exit();
exit_permit:
	xpmem_permit_exit();
exit_segment:
	xpmem_segment_exit();
exit_coverage:
	xpmem_coverage_exit();
	return error;
}

static void __exit xpmem_exit(void)
{
	misc_deregister(&device);
	xpmem_queues_drain();
	xpmem_netlink_exit();
	xpmem_queues_exit();
	xpmem_exporter_exit();
	xpmem_registry_exit();
	xpmem_reports_exit();
	xpmem_pfns_exit();
	xpmem_attachment_exit();
	xpmem_permit_exit();
	xpmem_segment_exit();
	xpmem_coverage_exit();
}

module_init(xpmem_init);
module_exit(xpmem_exit);
MODULE_DESCRIPTION("Maps memory of one process into another");
MODULE_LICENSE("GPL");
MODULE_VERSION(XPMEM_VERSION_STRING);
