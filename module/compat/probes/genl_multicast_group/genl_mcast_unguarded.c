// SPDX-License-Identifier: GPL-2.0-only
/*
 * 5.3 to 5.11 before updates of December 2023: neither the group nor the family can restrict
 * listening. Kernels since 6.2, which have struct genl_split_ops, all can.
 */
#include <net/genetlink.h>

struct genl_split_ops { int unknown; };
/* Fail if the structs have such members. */
struct probe_group { struct genl_multicast_group; int flags, cap_sys_admin; };
struct probe_family { struct genl_family; int mcast_bind, bind; };
