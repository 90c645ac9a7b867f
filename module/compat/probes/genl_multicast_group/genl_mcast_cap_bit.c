// SPDX-License-Identifier: GPL-2.0-only
/* updates of kernels before 6.7 */
#include <net/genetlink.h>

#ifdef GENL_MCAST_CAP_SYS_ADMIN
#error "a flag says the same"
#endif

struct genl_multicast_group probe = { .cap_sys_admin = 1 };
