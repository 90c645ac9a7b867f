// SPDX-License-Identifier: GPL-2.0-only
/* 6.7 and later: a dump has a whole struct genl_info. */
#include <net/genetlink.h>

struct nlattr **probe(struct netlink_callback *callback);
struct nlattr **probe(struct netlink_callback *callback)
{
	return genl_info_dump(callback)->attrs;
}
