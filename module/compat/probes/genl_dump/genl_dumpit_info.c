// SPDX-License-Identifier: GPL-2.0-only
/* before 6.7 */
#include <net/genetlink.h>

int genl_info_dump;

struct nlattr **probe(struct netlink_callback *callback);
struct nlattr **probe(struct netlink_callback *callback)
{
	return genl_dumpit_info(callback)->attrs;
}
