// SPDX-License-Identifier: GPL-2.0-or-later
/* Leaves a kernel warning in the log when loaded, so that the harness can be seen to find it. */
#include <linux/bug.h>
#include <linux/module.h>

static int __init warn_init(void)
{
	WARN(1, "warning on purpose\n");
	return 0;
}

static void __exit warn_exit(void)
{
}

module_init(warn_init);
module_exit(warn_exit);
MODULE_DESCRIPTION("Kernel warning on purpose");
MODULE_LICENSE("GPL");
