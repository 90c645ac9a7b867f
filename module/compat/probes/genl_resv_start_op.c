// SPDX-License-Identifier: GPL-2.0-only
#include <net/genetlink.h>

struct genl_family probe = { .resv_start_op = 1 };
