// SPDX-License-Identifier: GPL-2.0-only
/* The control ABI: operations of the generic netlink family. Its tables are generated. */
#include <linux/module.h>

#include "compat/genetlink.h"
#include "ioctl.h"
#include "netlink_gen.h"
#include "nl_type.h"

static int request_refuse(struct genl_info *info, const char *message, int error)
{
	xpmem_nl_set_message(info->extack, message);
	return error;
}

/* Sends a reply that @build fills. */
static int request_reply(struct genl_info *info, int command,
			 int (*build)(struct sk_buff *reply, const void *data), const void *data)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &xpmem_nl_family, 0, command);
	if (!header || build(skb, data)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

/* Whether the request has filters. Its policy accepts them, because a dump shares the policy. */
static bool has_more_than_id(const struct xpmem_nl_type *type, struct genl_info *info)
{
	unsigned int i;

	BUILD_BUG_ON(XPMEM_NL_OPS_COUNT < XPMEM_NL_CMD_PERMIT_REVOKE);
	for (i = 1; i <= xpmem_nl_ops[info->genlhdr->cmd - 1].maxattr; i++)
		if (i != type->id && info->attrs[i])
			return true;
	return false;
}

/*
 * Finds the object that a request names, if its sender may see it. Returns it with a reference, and
 * sets @viewer, or returns an error pointer.
 */
static struct xpmem_object *nl_type_find(const struct xpmem_nl_type *type, struct sk_buff *skb,
					 struct genl_info *info, struct xpmem_viewer *viewer)
{
	struct xpmem_object *object;

	if (!info->attrs[type->id])
		return ERR_PTR(request_refuse(info, "the id of the object is missing", -EINVAL));
	if (has_more_than_id(type, info))
		return ERR_PTR(request_refuse(info, "only a dump accepts filters", -EINVAL));
	object = xpmem_registry_find(type->registry, nla_get_s64(info->attrs[type->id]));
	if (object) {
		xpmem_viewer_init(viewer, skb);
		if (xpmem_nl_type_allowed(type, object, viewer))
			return object;
		xpmem_viewer_destroy(viewer);
		type->put(object);
	}
	return ERR_PTR(request_refuse(info, type->not_found, -ENOENT));
}

struct sight {
	const struct xpmem_nl_type *type;
	struct xpmem_object *object;
	const struct xpmem_viewer *viewer;
};

static int build_object(struct sk_buff *reply, const void *data)
{
	const struct sight *sight = data;

	return sight->type->fill(reply, sight->object, sight->viewer);
}

static int nl_type_get(enum xpmem_kind kind, struct sk_buff *skb, struct genl_info *info)
{
	const struct xpmem_nl_type *type = &xpmem_nl_types[kind];
	struct xpmem_viewer viewer;
	struct sight sight = { .type = type, .viewer = &viewer };
	int error;

	sight.object = nl_type_find(type, skb, info, &viewer);
	if (IS_ERR(sight.object))
		return PTR_ERR(sight.object);
	error = request_reply(info, type->get, build_object, &sight);
	xpmem_viewer_destroy(&viewer);
	type->put(sight.object);
	return error;
}

/* Ends an object that the caller may see, and whose process the caller may trace. */
static int nl_type_revoke(enum xpmem_kind kind, struct sk_buff *skb, struct genl_info *info,
			  bool (*kill)(struct xpmem_object *object))
{
	const struct xpmem_nl_type *type = &xpmem_nl_types[kind];
	struct xpmem_viewer viewer;
	struct xpmem_object *object = nl_type_find(type, skb, info, &viewer);
	bool allowed, killed;

	if (IS_ERR(object))
		return PTR_ERR(object);
	allowed = type->traceable(object, &viewer);
	xpmem_viewer_destroy(&viewer);
	killed = allowed && kill(object);
	type->put(object);
	if (!allowed)
		return request_refuse(info,
				      "the caller may not trace the process that owns the object",
				      -EACCES);
	if (!killed)
		return request_refuse(info, type->not_found, -ENOENT);
	xpmem_stat_add(XPMEM_STAT_REVOCATIONS, 1);
	return 0;
}

/* State of a dump in callback->ctx. It does not depend on the reader of later messages. */
struct dump {
	struct xpmem_viewer *viewer;
	unsigned long cursor;
};

static struct dump *dump_of(struct netlink_callback *callback)
{
	BUILD_BUG_ON(sizeof(struct dump) > sizeof(callback->ctx));
	return (struct dump *)callback->ctx;
}

int xpmem_nl_dump_start(struct netlink_callback *callback)
{
	struct xpmem_viewer *viewer = kmalloc(sizeof(*viewer), GFP_KERNEL);

	if (!viewer)
		return -ENOMEM;
	xpmem_viewer_init(viewer, callback->skb);
	dump_of(callback)->viewer = viewer;
	dump_of(callback)->cursor = 0;
	return 0;
}

int xpmem_nl_dump_done(struct netlink_callback *callback)
{
	struct xpmem_viewer *viewer = dump_of(callback)->viewer;

	if (viewer)
		xpmem_viewer_destroy(viewer);
	kfree(viewer);
	return 0;
}

/* Returns false when the message is full. */
static bool dump_object(struct sk_buff *skb, struct netlink_callback *callback,
			const struct xpmem_nl_type *type, struct xpmem_object *object)
{
	void *header = genlmsg_put(skb, NETLINK_CB(callback->skb).portid, callback->nlh->nlmsg_seq,
				   &xpmem_nl_family, NLM_F_MULTI, type->get);

	if (!header)
		return false;
	if (type->fill(skb, object, dump_of(callback)->viewer)) {
		genlmsg_cancel(skb, header);
		return false;
	}
	genlmsg_end(skb, header);
	return true;
}

/*
 * Dumps all objects of a kind. The dump contains every object that exists from the first message
 * to the last: see xpmem_registry_next().
 */
static int nl_type_dump(enum xpmem_kind kind, struct sk_buff *skb,
			struct netlink_callback *callback)
{
	const struct xpmem_nl_type *type = &xpmem_nl_types[kind];
	struct nlattr **attrs = xpmem_nl_dump_attrs(callback);
	struct dump *dump = dump_of(callback);
	struct xpmem_object *object;
	unsigned long before;
	bool full = false;

	while (!full) {
		before = dump->cursor;
		object = xpmem_registry_next(type->registry, &dump->cursor);
		if (!object)
			break;
		if (xpmem_nl_type_allowed(type, object, dump->viewer) &&
		    type->matches(attrs, object, dump->viewer) &&
		    !dump_object(skb, callback, type, object)) {
			dump->cursor = before;
			full = true;
		}
		type->put(object);
		cond_resched();
	}
	return skb->len;
}

int xpmem_nl_segment_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return nl_type_get(XPMEM_SEGMENT, skb, info);
}

int xpmem_nl_segment_get_dumpit(struct sk_buff *skb, struct netlink_callback *callback)
{
	return nl_type_dump(XPMEM_SEGMENT, skb, callback);
}

int xpmem_nl_permit_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return nl_type_get(XPMEM_PERMIT, skb, info);
}

int xpmem_nl_permit_get_dumpit(struct sk_buff *skb, struct netlink_callback *callback)
{
	return nl_type_dump(XPMEM_PERMIT, skb, callback);
}

int xpmem_nl_attachment_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return nl_type_get(XPMEM_ATTACHMENT, skb, info);
}

int xpmem_nl_attachment_get_dumpit(struct sk_buff *skb, struct netlink_callback *callback)
{
	return nl_type_dump(XPMEM_ATTACHMENT, skb, callback);
}

int xpmem_nl_exporter_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return nl_type_get(XPMEM_EXPORTER, skb, info);
}

int xpmem_nl_exporter_get_dumpit(struct sk_buff *skb, struct netlink_callback *callback)
{
	return nl_type_dump(XPMEM_EXPORTER, skb, callback);
}

static bool kill_segment(struct xpmem_object *object)
{
	return xpmem_segment_kill(container_of(object, struct xpmem_segment, object),
				  XPMEM_REASON_REVOKED);
}

int xpmem_nl_segment_revoke_doit(struct sk_buff *skb, struct genl_info *info)
{
	return nl_type_revoke(XPMEM_SEGMENT, skb, info, kill_segment);
}

static bool kill_permit(struct xpmem_object *object)
{
	return xpmem_permit_kill(container_of(object, struct xpmem_permit, object), false,
				 XPMEM_REASON_REVOKED);
}

int xpmem_nl_permit_revoke_doit(struct sk_buff *skb, struct genl_info *info)
{
	return nl_type_revoke(XPMEM_PERMIT, skb, info, kill_permit);
}

static u64 registry_live(const struct xpmem_registry *registry)
{
	return atomic_long_read(&registry->live);
}

/* Adds the machine's statistics that the reply has attributes for. @attributes: by statistic. */
static int put_machine_stats(struct sk_buff *skb, const int *attributes, int pad)
{
	int error = 0;
	int i;

	for (i = 0; i < XPMEM_STAT_COUNT && !error; i++)
		if (attributes[i])
			error = nla_put_u64_64bit(skb, attributes[i], xpmem_stat_read(i), pad);
	return error;
}

/* Adds the totals of the whole machine, over all namespaces. */
static int put_totals(struct sk_buff *skb)
{
	const struct {
		int attribute;
		u64 value;
	} totals[] = {
		{ XPMEM_A_INFO_SEGMENTS, registry_live(&xpmem_segments) },
		{ XPMEM_A_INFO_PERMITS, registry_live(&xpmem_permits) },
		{ XPMEM_A_INFO_ATTACHMENTS, registry_live(&xpmem_attachments) },
	};
	int error = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(totals) && !error; i++)
		error = nla_put_u64_64bit(skb, totals[i].attribute, totals[i].value,
					  XPMEM_A_INFO_PAD);
	return error ?: put_machine_stats(skb, xpmem_nl_info_stats, XPMEM_A_INFO_PAD);
}

static int build_info(struct sk_buff *reply, const void *data)
{
	const bool *administrator = data;
	struct xpmem_ioc_query query = {};

	xpmem_query_fill(&query);
	return nla_put_u32(reply, XPMEM_A_INFO_ABI_VERSION, query.abi_version) ||
	       nla_put_string(reply, XPMEM_A_INFO_MODULE_VERSION, XPMEM_VERSION_STRING) ||
	       nla_put_u64_64bit(reply, XPMEM_A_INFO_FEATURES, query.features, XPMEM_A_INFO_PAD) ||
	       nla_put_u32(reply, XPMEM_A_INFO_MODE_MASK, query.mode_mask) ||
	       nla_put_u32(reply, XPMEM_A_INFO_PAGE_SIZE, query.page_size) ||
	       nla_put_u32(reply, XPMEM_A_INFO_MAX_SEGMENTS, READ_ONCE(xpmem_segments.limit)) ||
	       nla_put_u32(reply, XPMEM_A_INFO_MAX_PERMITS, READ_ONCE(xpmem_permits.limit)) ||
	       nla_put_u32(reply, XPMEM_A_INFO_MAX_ATTACHMENTS,
			   READ_ONCE(xpmem_attachments.limit)) ||
	       nla_put_u32(reply, XPMEM_A_INFO_GLOBAL_IDS, READ_ONCE(xpmem_global_ids)) ||
	       (*administrator && put_totals(reply));
}

int xpmem_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	bool administrator = netlink_capable(skb, CAP_SYS_ADMIN);

	return request_reply(info, XPMEM_NL_CMD_INFO_GET, build_info, &administrator);
}

/* Adds the time of the last refusal, if there was one. */
static int put_last_refusal(struct sk_buff *skb, int attribute, enum xpmem_stat stat)
{
	time64_t last = xpmem_stat_last_refusal(stat);

	return last ? nla_put_u64_64bit(skb, attribute, last, XPMEM_A_STATS_PAD) : 0;
}

static int build_stats(struct sk_buff *reply, const void *data)
{
	return nla_put_u64_64bit(reply, XPMEM_A_STATS_EXPORTERS, registry_live(&xpmem_exporters),
				 XPMEM_A_STATS_PAD) ||
	       nla_put_u64_64bit(reply, XPMEM_A_STATS_SEGMENTS, registry_live(&xpmem_segments),
				 XPMEM_A_STATS_PAD) ||
	       nla_put_u64_64bit(reply, XPMEM_A_STATS_PERMITS, registry_live(&xpmem_permits),
				 XPMEM_A_STATS_PAD) ||
	       nla_put_u64_64bit(reply, XPMEM_A_STATS_ATTACHMENTS,
				 registry_live(&xpmem_attachments), XPMEM_A_STATS_PAD) ||
	       put_machine_stats(reply, xpmem_nl_stats_stats, XPMEM_A_STATS_PAD) ||
	       put_last_refusal(reply, XPMEM_A_STATS_LAST_LIMIT_HIT, XPMEM_STAT_LIMIT_HITS) ||
	       put_last_refusal(reply, XPMEM_A_STATS_LAST_PTRACE_DENIAL,
				XPMEM_STAT_PTRACE_DENIALS);
}

int xpmem_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	if (!netlink_capable(skb, CAP_SYS_ADMIN))
		return request_refuse(
			info, "machine-wide statistics require CAP_SYS_ADMIN", -EPERM);
	return request_reply(info, XPMEM_NL_CMD_STATS_GET, build_stats, NULL);
}

static const struct genl_multicast_group netlink_groups[XPMEM_NL_GROUPS_COUNT] = {
	[XPMEM_NL_GROUP_EVENTS] = { .name = XPMEM_GROUP_EVENTS, XPMEM_GENL_GROUP_GUARD },
};

struct genl_family xpmem_nl_family = {
	.name = XPMEM_FAMILY_NAME,
	.version = XPMEM_FAMILY_VERSION,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true,
	.ops = xpmem_nl_ops,
	.n_ops = XPMEM_NL_OPS_COUNT,
	.mcgrps = netlink_groups,
	.n_mcgrps = XPMEM_GENL_IS_GUARDED ? XPMEM_NL_GROUPS_COUNT : 0,
	XPMEM_GENL_FAMILY_GUARD
	XPMEM_GENL_RESV_START_OP(XPMEM_NL_CMD_INFO_GET)
};

int xpmem_netlink_init(void)
{
	return genl_register_family(&xpmem_nl_family);
}

void xpmem_netlink_exit(void)
{
	genl_unregister_family(&xpmem_nl_family);
}
