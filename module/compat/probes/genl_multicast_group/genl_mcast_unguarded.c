// SPDX-License-Identifier: GPL-2.0-only
/*
 * Before 5.12: neither the group nor the family can restrict listening. Kernels since 6.1 have
 * operations that are split by what they do, and some way to restrict it.
 */
#include <net/genetlink.h>

struct genl_split_ops { int unknown; };
/* Fail if the structs have such members. */
struct probe_group { struct genl_multicast_group; int flags, cap_sys_admin; };
struct probe_family { struct genl_family; int mcast_bind, bind; };
