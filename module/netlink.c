// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control ABI: operations of the generic netlink family, whose tables are generated.
 *
 * A caller sees the objects of its own user in its own ipc namespace; with CAP_SYS_ADMIN over that
 * namespace, all of it. With global_ids, objects of its own user in any, and with CAP_SYS_ADMIN over the machine
 * all there are. To others an object that exists is not found.
 */
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>

#include "compat/genetlink.h"
#include "compat/ipc_namespace.h"
#include "netlink_gen.h"
#include "xpmem.h"

static struct genl_family family;

/* Who asks. For a dump it is kept from its first message on, whoever reads the rest. */
struct viewer {
	struct ns_common *ipc_ns;
	struct user_namespace *user_ns;
	struct pid_namespace *pid_ns;
	kuid_t uid;
	bool privileged;	/* over ipc_ns */
	bool administrator;	/* over the machine */
};

/* References are the caller's to return with viewer_destroy(). */
static void viewer_init(struct viewer *viewer, struct sk_buff *skb)
{
	viewer->ipc_ns = xpmem_ipc_ns_get();
	viewer->user_ns = get_user_ns(current_user_ns());
	viewer->pid_ns = get_pid_ns(task_active_pid_ns(current));
	viewer->uid = NETLINK_CREDS(skb)->uid;
	viewer->privileged = netlink_ns_capable(skb, xpmem_ipc_ns_user_ns(viewer->ipc_ns), CAP_SYS_ADMIN);
	viewer->administrator = netlink_capable(skb, CAP_SYS_ADMIN);
}

static void viewer_destroy(struct viewer *viewer)
{
	put_pid_ns(viewer->pid_ns);
	put_user_ns(viewer->user_ns);
	xpmem_ipc_ns_put(viewer->ipc_ns);
}

static bool may_see(const struct viewer *viewer, const struct xpmem_owner *owner)
{
	return xpmem_owner_same_scope(owner, viewer->ipc_ns) &&
	       (uid_eq(owner->uid, viewer->uid) || viewer->administrator ||
		(viewer->privileged && owner->ipc_ns == viewer->ipc_ns));
}

static int put_u64(struct sk_buff *skb, int attribute, u64 value, int pad)
{
	return nla_put_u64_64bit(skb, attribute, value, pad);
}

static int put_pid_of(struct sk_buff *skb, int attribute, const struct viewer *viewer, const struct xpmem_owner *owner)
{
	pid_t pid = pid_nr_ns(owner->pid, viewer->pid_ns);

	return pid ? nla_put_u32(skb, attribute, pid) : 0;
}

static int put_uid(struct sk_buff *skb, int attribute, const struct viewer *viewer, const struct xpmem_owner *owner)
{
	return nla_put_u32(skb, attribute, from_kuid_munged(viewer->user_ns, owner->uid));
}

static int put_access(struct sk_buff *skb, int attribute, bool rdonly)
{
	return nla_put_u32(skb, attribute, rdonly ? XPMEM_ACCESS_RDONLY : XPMEM_ACCESS_RDWR);
}

/* A kind of object that can be got and dumped. */
struct kind {
	struct xpmem_registry *registry;
	const char *not_found;
	int command;
	int id_attribute;
	const struct xpmem_owner *(*owner)(struct xpmem_object *object);
	int (*fill)(struct sk_buff *skb, struct xpmem_object *object, const struct viewer *viewer);
	void (*put)(struct xpmem_object *object);
};

static struct xpmem_segment *to_segment(struct xpmem_object *object)
{
	return container_of(object, struct xpmem_segment, object);
}

static const struct xpmem_owner *segment_owner(struct xpmem_object *object)
{
	return &to_segment(object)->owner;
}

static int segment_fill(struct sk_buff *skb, struct xpmem_object *object, const struct viewer *viewer)
{
	struct xpmem_segment *segment = to_segment(object);

	return put_u64(skb, XPMEM_A_SEGMENT_ID, object->id, XPMEM_A_SEGMENT_PAD) ||
	       put_pid_of(skb, XPMEM_A_SEGMENT_PID, viewer, &segment->owner) ||
	       put_uid(skb, XPMEM_A_SEGMENT_UID, viewer, &segment->owner) ||
	       nla_put_u32(skb, XPMEM_A_SEGMENT_GID, from_kgid_munged(viewer->user_ns, segment->owner.gid)) ||
	       (segment->name[0] && nla_put_string(skb, XPMEM_A_SEGMENT_NAME, segment->name)) ||
	       nla_put_u32(skb, XPMEM_A_SEGMENT_MODE, segment->mode) ||
	       put_access(skb, XPMEM_A_SEGMENT_ACCESS, segment->rdonly) ||
	       put_u64(skb, XPMEM_A_SEGMENT_ADDRESS, segment->start, XPMEM_A_SEGMENT_PAD) ||
	       put_u64(skb, XPMEM_A_SEGMENT_LENGTH, segment->length, XPMEM_A_SEGMENT_PAD) ||
	       nla_put_u32(skb, XPMEM_A_SEGMENT_PERMITS, atomic_read(&segment->permits));
}

static void segment_put(struct xpmem_object *object)
{
	xpmem_segment_put(to_segment(object));
}

static const struct kind segment_kind = {
	.registry = &xpmem_segments,
	.not_found = "no such segment",
	.command = XPMEM_NL_CMD_SEGMENT_GET,
	.id_attribute = XPMEM_A_SEGMENT_ID,
	.owner = segment_owner,
	.fill = segment_fill,
	.put = segment_put,
};

static struct xpmem_permit *to_permit(struct xpmem_object *object)
{
	return container_of(object, struct xpmem_permit, object);
}

static const struct xpmem_owner *permit_owner(struct xpmem_object *object)
{
	return &to_permit(object)->owner;
}

static int permit_fill(struct sk_buff *skb, struct xpmem_object *object, const struct viewer *viewer)
{
	struct xpmem_permit *permit = to_permit(object);

	return put_u64(skb, XPMEM_A_PERMIT_ID, object->id, XPMEM_A_PERMIT_PAD) ||
	       put_u64(skb, XPMEM_A_PERMIT_SEGMENT_ID, permit->segment->object.id, XPMEM_A_PERMIT_PAD) ||
	       put_pid_of(skb, XPMEM_A_PERMIT_PID, viewer, &permit->owner) ||
	       put_uid(skb, XPMEM_A_PERMIT_UID, viewer, &permit->owner) ||
	       put_access(skb, XPMEM_A_PERMIT_ACCESS, permit->rdonly) ||
	       nla_put_u32(skb, XPMEM_A_PERMIT_ATTACHMENTS, atomic_read(&permit->attachment_count));
}

static void permit_put(struct xpmem_object *object)
{
	xpmem_permit_put(to_permit(object));
}

static const struct kind permit_kind = {
	.registry = &xpmem_permits,
	.not_found = "no such permit",
	.command = XPMEM_NL_CMD_PERMIT_GET,
	.id_attribute = XPMEM_A_PERMIT_ID,
	.owner = permit_owner,
	.fill = permit_fill,
	.put = permit_put,
};

static struct xpmem_attachment *to_attachment(struct xpmem_object *object)
{
	return container_of(object, struct xpmem_attachment, object);
}

static const struct xpmem_owner *attachment_owner(struct xpmem_object *object)
{
	return &to_attachment(object)->permit->owner;
}

static int attachment_fill(struct sk_buff *skb, struct xpmem_object *object, const struct viewer *viewer)
{
	struct xpmem_attachment *attachment = to_attachment(object);
	struct xpmem_permit *permit = attachment->permit;

	return put_u64(skb, XPMEM_A_ATTACHMENT_ID, object->id, XPMEM_A_ATTACHMENT_PAD) ||
	       put_u64(skb, XPMEM_A_ATTACHMENT_PERMIT_ID, permit->object.id, XPMEM_A_ATTACHMENT_PAD) ||
	       put_u64(skb, XPMEM_A_ATTACHMENT_SEGMENT_ID, permit->segment->object.id, XPMEM_A_ATTACHMENT_PAD) ||
	       put_pid_of(skb, XPMEM_A_ATTACHMENT_PID, viewer, &permit->owner) ||
	       put_uid(skb, XPMEM_A_ATTACHMENT_UID, viewer, &permit->owner) ||
	       put_access(skb, XPMEM_A_ATTACHMENT_ACCESS, attachment->rdonly) ||
	       put_u64(skb, XPMEM_A_ATTACHMENT_ADDRESS, attachment->address, XPMEM_A_ATTACHMENT_PAD) ||
	       put_u64(skb, XPMEM_A_ATTACHMENT_OFFSET, attachment->source - permit->segment->start, XPMEM_A_ATTACHMENT_PAD) ||
	       put_u64(skb, XPMEM_A_ATTACHMENT_LENGTH, attachment->length, XPMEM_A_ATTACHMENT_PAD) ||
	       put_u64(skb, XPMEM_A_ATTACHMENT_FAULTS, atomic_long_read(&attachment->faults), XPMEM_A_ATTACHMENT_PAD) ||
	       put_u64(skb, XPMEM_A_ATTACHMENT_PAGES_MAPPED, atomic_long_read(&attachment->pages_mapped),
		       XPMEM_A_ATTACHMENT_PAD);
}

static void attachment_put(struct xpmem_object *object)
{
	xpmem_attachment_put(to_attachment(object));
}

static const struct kind attachment_kind = {
	.registry = &xpmem_attachments,
	.not_found = "no such attachment",
	.command = XPMEM_NL_CMD_ATTACHMENT_GET,
	.id_attribute = XPMEM_A_ATTACHMENT_ID,
	.owner = attachment_owner,
	.fill = attachment_fill,
	.put = attachment_put,
};

static int reply_with(const struct kind *kind, struct genl_info *info, struct xpmem_object *object,
		      const struct viewer *viewer)
{
	struct sk_buff *reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;

	if (!reply)
		return -ENOMEM;
	header = genlmsg_put_reply(reply, info, &family, 0, kind->command);
	if (!header || kind->fill(reply, object, viewer)) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

static int get(const struct kind *kind, struct sk_buff *skb, struct genl_info *info)
{
	struct xpmem_object *object;
	struct viewer viewer;
	int error = -ENOENT;

	if (!info->attrs[kind->id_attribute]) {
		NL_SET_ERR_MSG(info->extack, "the id of an object is missing");
		return -EINVAL;
	}
	viewer_init(&viewer, skb);
	object = xpmem_registry_find(kind->registry, nla_get_s64(info->attrs[kind->id_attribute]));
	if (object) {
		if (may_see(&viewer, kind->owner(object)))
			error = reply_with(kind, info, object, &viewer);
		kind->put(object);
	}
	viewer_destroy(&viewer);
	if (error == -ENOENT)
		xpmem_nl_set_message(info->extack, kind->not_found);
	return error;
}

/* In callback->ctx: what a dump keeps between messages. */
struct dump {
	struct viewer *viewer;
	unsigned long cursor;
};

static struct dump *dump_of(struct netlink_callback *callback)
{
	BUILD_BUG_ON(sizeof(struct dump) > sizeof(callback->ctx));
	return (struct dump *)callback->ctx;
}

int xpmem_nl_dump_start(struct netlink_callback *callback)
{
	struct viewer *viewer = kmalloc(sizeof(*viewer), GFP_KERNEL);

	if (!viewer)
		return -ENOMEM;
	viewer_init(viewer, callback->skb);
	dump_of(callback)->viewer = viewer;
	dump_of(callback)->cursor = 0;
	return 0;
}

int xpmem_nl_dump_done(struct netlink_callback *callback)
{
	struct viewer *viewer = dump_of(callback)->viewer;

	if (viewer)
		viewer_destroy(viewer);
	kfree(viewer);
	return 0;
}

static int dump(const struct kind *kind, struct sk_buff *skb, struct netlink_callback *callback)
{
	struct dump *dump = dump_of(callback);
	struct xpmem_object *object;
	unsigned long before;
	void *header;

	/* Not at the start, when the kernel takes no message along. */
	if (nlmsg_attrlen(callback->nlh, GENL_HDRLEN)) {
		NL_SET_ERR_MSG(callback->extack, "a dump takes no attributes");
		return -EINVAL;
	}
	/* A reader is told when objects came or went meanwhile; zero would mean that it is not known. */
	callback->seq = atomic_read(&kind->registry->generation) | 1U << 31;
	for (;;) {
		before = dump->cursor;
		object = xpmem_registry_next(kind->registry, &dump->cursor);
		if (!object)
			break;
		if (may_see(dump->viewer, kind->owner(object))) {
			header = genlmsg_put(skb, NETLINK_CB(callback->skb).portid, callback->nlh->nlmsg_seq, &family,
					     NLM_F_MULTI, kind->command);
			if (!header || kind->fill(skb, object, dump->viewer)) {
				if (header)
					genlmsg_cancel(skb, header);
				kind->put(object);
				dump->cursor = before;
				break;
			}
			genl_dump_check_consistent(callback, header);
			genlmsg_end(skb, header);
		}
		kind->put(object);
		cond_resched();
	}
	return skb->len;
}

int xpmem_nl_segment_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return get(&segment_kind, skb, info);
}

int xpmem_nl_segment_get_dumpit(struct sk_buff *skb, struct netlink_callback *callback)
{
	return dump(&segment_kind, skb, callback);
}

int xpmem_nl_permit_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return get(&permit_kind, skb, info);
}

int xpmem_nl_permit_get_dumpit(struct sk_buff *skb, struct netlink_callback *callback)
{
	return dump(&permit_kind, skb, callback);
}

int xpmem_nl_attachment_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return get(&attachment_kind, skb, info);
}

int xpmem_nl_attachment_get_dumpit(struct sk_buff *skb, struct netlink_callback *callback)
{
	return dump(&attachment_kind, skb, callback);
}

static int info_fill_totals(struct sk_buff *skb)
{
	return put_u64(skb, XPMEM_A_INFO_SEGMENTS, atomic_long_read(&xpmem_segments.live), XPMEM_A_INFO_PAD) ||
	       put_u64(skb, XPMEM_A_INFO_PERMITS, atomic_long_read(&xpmem_permits.live), XPMEM_A_INFO_PAD) ||
	       put_u64(skb, XPMEM_A_INFO_ATTACHMENTS, atomic_long_read(&xpmem_attachments.live), XPMEM_A_INFO_PAD) ||
	       put_u64(skb, XPMEM_A_INFO_FAULTS, xpmem_stat_read(XPMEM_STAT_FAULTS), XPMEM_A_INFO_PAD) ||
	       put_u64(skb, XPMEM_A_INFO_PAGES_MAPPED, xpmem_stat_read(XPMEM_STAT_PAGES_MAPPED), XPMEM_A_INFO_PAD) ||
	       put_u64(skb, XPMEM_A_INFO_INVALIDATIONS, xpmem_stat_read(XPMEM_STAT_INVALIDATIONS), XPMEM_A_INFO_PAD);
}

int xpmem_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	struct xpmem_ioc_query query = {};
	void *header;

	if (!reply)
		return -ENOMEM;
	xpmem_query_fill(&query);
	header = genlmsg_put_reply(reply, info, &family, 0, XPMEM_NL_CMD_INFO_GET);
	if (!header ||
	    nla_put_u32(reply, XPMEM_A_INFO_ABI_VERSION, query.abi_version) ||
	    nla_put_string(reply, XPMEM_A_INFO_MODULE_VERSION, XPMEM_VERSION_STRING) ||
	    put_u64(reply, XPMEM_A_INFO_FEATURES, query.features, XPMEM_A_INFO_PAD) ||
	    nla_put_u32(reply, XPMEM_A_INFO_MODE_MASK, query.mode_mask) ||
	    nla_put_u32(reply, XPMEM_A_INFO_PAGE_SIZE, query.page_size) ||
	    /* Totals are of the whole machine, whatever its namespaces. */
	    (netlink_capable(skb, CAP_SYS_ADMIN) && info_fill_totals(reply))) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	genlmsg_end(reply, header);
	return genlmsg_reply(reply, info);
}

static struct genl_family family = {
	.name = XPMEM_FAMILY_NAME,
	.version = XPMEM_FAMILY_VERSION,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true,
	.ops = xpmem_nl_ops,
	.n_ops = XPMEM_NL_OPS_COUNT,
	XPMEM_GENL_RESV_START_OP(XPMEM_NL_CMD_INFO_GET)
};

int xpmem_netlink_init(void)
{
	return genl_register_family(&family);
}

void xpmem_netlink_exit(void)
{
	genl_unregister_family(&family);
}
