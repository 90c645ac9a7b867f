// SPDX-License-Identifier: GPL-2.0-or-later
/* A module with the name and the device of xpmem that knows none of its calls. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "xpmem",
	.fops = &fops,
	.mode = 0666,
};

module_misc_device(device);
MODULE_DESCRIPTION("Another make of xpmem, for the tests of xpmemctl");
MODULE_VERSION("2.7-other");
MODULE_LICENSE("GPL");
