// SPDX-License-Identifier: GPL-2.0-only
/* 6.7 and later: a dump has a whole struct genl_info. */
#include <net/genetlink.h>

const struct genl_info *probe(struct netlink_callback *callback);
const struct genl_info *probe(struct netlink_callback *callback)
{
	return genl_info_dump(callback);
}
