// SPDX-License-Identifier: GPL-2.0-only
/*
 * 5.12 to 6.6 before updates of December 2023, and RHEL 9.0 to 9.3: a flag restricts listening to
 * CAP_NET_ADMIN. Kernels since 6.10, which do not know this flag for groups, have a member bind.
 */
#include <net/genetlink.h>

#if defined(GENL_MCAST_CAP_SYS_ADMIN) || defined(GENL_MCAST_CAP_NET_ADMIN)
#error "groups have flags of their own"
#endif

struct genl_multicast_group probe = { .flags = GENL_UNS_ADMIN_PERM };
/* Fail if the structs have such members. */
struct probe_group { struct genl_multicast_group; int cap_sys_admin; };
struct probe_family { struct genl_family; int bind; };
