// SPDX-License-Identifier: GPL-2.0-only
/* RHEL 8: the family decides which task may listen. */
#include <net/genetlink.h>

int probe_bind(struct net *net, int group);
struct genl_family probe = { .mcast_bind = probe_bind };
/* Fails if the struct has such members. */
struct probe_group { struct genl_multicast_group; int flags, cap_sys_admin; };
