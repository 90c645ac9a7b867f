/* SPDX-License-Identifier: GPL-2.0-only */
/* What changed in <net/genetlink.h> and <linux/netlink.h> between the supported kernels. */
#ifndef XPMEM_COMPAT_GENETLINK_H
#define XPMEM_COMPAT_GENETLINK_H

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
 * Only the administrator may listen. A flag says so since 6.7 and in updates of 6.1, a bit in
 * updates of older kernels.
 */
#ifdef XPMEM_HAVE_GENL_MCAST_CAP_SYS_ADMIN
#define XPMEM_GENL_MCAST_CAP_SYS_ADMIN .flags = GENL_MCAST_CAP_SYS_ADMIN
#else
#define XPMEM_GENL_MCAST_CAP_SYS_ADMIN .cap_sys_admin = 1
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
