// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/module.h>
#include <linux/slab.h>

/* Loses many objects: a stale pointer somewhere may hide one of them from kmemleak. */
static int __init leak_init(void)
{
	int i;

	for (i = 0; i < 100; i++) {
		void *lost = kmalloc(64, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(lost);
	}
	return 0;
}

static void __exit leak_exit(void)
{
}

module_init(leak_init);
module_exit(leak_exit);
MODULE_DESCRIPTION("Loses memory, for the test of the test harness");
MODULE_LICENSE("GPL");
