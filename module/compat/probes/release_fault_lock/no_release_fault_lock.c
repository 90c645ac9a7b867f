// SPDX-License-Identifier: GPL-2.0-only
/* before 6.6, which has an assertion of the same age */
#include <linux/mm.h>

int release_fault_lock, assert_fault_locked;
