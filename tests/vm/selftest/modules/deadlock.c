// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/module.h>
#include <linux/mutex.h>

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

/* Takes two locks in both orders, which hangs nobody here but is for lockdep to see. */
static int __init deadlock_init(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
	return 0;
}

static void __exit deadlock_exit(void)
{
}

module_init(deadlock_init);
module_exit(deadlock_exit);
MODULE_DESCRIPTION("Takes locks in the wrong order, for the test of the test harness");
MODULE_LICENSE("GPL");
