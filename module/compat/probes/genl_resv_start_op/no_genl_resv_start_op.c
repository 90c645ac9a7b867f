// SPDX-License-Identifier: GPL-2.0-only
/* before 6.1; struct genl_split_ops came in 6.2 */
#include <net/genetlink.h>

struct genl_split_ops { int unknown; };
/* Fails if the family has such a member. */
struct probe { struct genl_family; int resv_start_op; };
