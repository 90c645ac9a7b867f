// SPDX-License-Identifier: GPL-2.0-only
/* 6.1 and later */
#include <net/genetlink.h>

struct genl_family probe = { .resv_start_op = 1 };
