// SPDX-License-Identifier: GPL-2.0-only
/* before 6.6, which also brought the assertion */
#include <linux/mm.h>

int release_fault_lock, assert_fault_locked;
