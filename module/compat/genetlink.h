/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences in <net/genetlink.h> and <linux/netlink.h> between the supported kernels. */
#ifndef XPMEM_COMPAT_GENETLINK_H
#define XPMEM_COMPAT_GENETLINK_H

#include <linux/capability.h>
#include <net/genetlink.h>

#include "features.h"

/*
 * The first operation that kernels since 6.1 validate strictly. Older kernels validate all
 * strictly.
 */
#ifdef XPMEM_HAVE_GENL_RESV_START_OP
#define XPMEM_GENL_RESV_START_OP(command) .resv_start_op = (command),
#else
#define XPMEM_GENL_RESV_START_OP(command)
#endif

/*
 * How the kernel keeps ordinary users from listening to a group. The module registers no group that
 * every task may join: XPMEM_GENL_IS_GUARDED is 0 where the kernel has no way to restrict it, and
 * in a build with XPMEM_NO_EVENTS=1.
 */
#if defined(XPMEM_NO_EVENTS) || defined(XPMEM_HAVE_GENL_MCAST_UNGUARDED)
#define XPMEM_GENL_IS_GUARDED 0
#define XPMEM_GENL_GROUP_GUARD
#define XPMEM_GENL_FAMILY_GUARD
#else
#define XPMEM_GENL_IS_GUARDED 1
#if defined(XPMEM_HAVE_GENL_MCAST_CAP_SYS_ADMIN)
#define XPMEM_GENL_GROUP_GUARD .flags = GENL_MCAST_CAP_SYS_ADMIN
#define XPMEM_GENL_FAMILY_GUARD
#elif defined(XPMEM_HAVE_GENL_MCAST_CAP_BIT)
#define XPMEM_GENL_GROUP_GUARD .cap_sys_admin = 1
#define XPMEM_GENL_FAMILY_GUARD
#elif defined(XPMEM_HAVE_GENL_MCAST_UNS_ADMIN)
/* The kernel asks for CAP_NET_ADMIN. */
#define XPMEM_GENL_GROUP_GUARD .flags = GENL_UNS_ADMIN_PERM
#define XPMEM_GENL_FAMILY_GUARD
#elif defined(XPMEM_HAVE_GENL_MCAST_BIND)
/* The task that joins calls it. It decides as kernels with GENL_MCAST_CAP_SYS_ADMIN do. */
static inline int xpmem_genl_bind(struct net *net, int group)
{
	return ns_capable(net->user_ns, CAP_SYS_ADMIN) ? 0 : -EPERM;
}
#define XPMEM_GENL_GROUP_GUARD
#define XPMEM_GENL_FAMILY_GUARD .mcast_bind = xpmem_genl_bind,
#else
#error "xpmem does not know how this kernel restricts listening to a group"
#endif
#endif

/* Returns the attributes of a dump's request, by id. They stay until the dump is done. */
static inline struct nlattr **xpmem_nl_dump_attrs(struct netlink_callback *callback)
{
#ifdef XPMEM_HAVE_GENL_INFO_DUMP
	return genl_info_dump(callback)->attrs;
#else
	return genl_dumpit_info(callback)->attrs;
#endif
}

/* NL_SET_ERR_MSG() takes a literal. @message must live as long as the module. */
static inline void xpmem_nl_set_message(struct netlink_ext_ack *extack, const char *message)
{
	if (extack)
		extack->_msg = message;
}

#endif
