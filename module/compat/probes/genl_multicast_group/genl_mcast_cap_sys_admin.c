// SPDX-License-Identifier: GPL-2.0-only
/* 6.7 and later, and updates of older kernels */
#include <net/genetlink.h>

struct genl_multicast_group probe = { .flags = GENL_MCAST_CAP_SYS_ADMIN };
