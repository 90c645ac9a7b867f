// SPDX-License-Identifier: GPL-2.0-only
/*
 * The objects that a reader of the control ABI sees, and their netlink attributes.
 *
 * A reader sees:
 *
 * - the objects of its own user in its own ipc namespace;
 * - with CAP_SYS_ADMIN over the user namespace of a process in that ipc namespace, the objects of
 *   that process;
 * - with CAP_SYS_ADMIN over the machine, all objects in its own ipc namespace.
 *
 * With global_ids, the ipc namespace does not matter for the first and the last of these. A request
 * for any other object fails as if it did not exist. Only readers that may trace the process see
 * addresses, except those of segments for which the mode alone decides.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/user_namespace.h>
#include <net/sock.h>

#include "compat/ipc_namespace.h"
#include "netlink_gen.h"
#include "nl_type.h"

/*
 * Takes references; xpmem_viewer_destroy() drops them. The sender acts as the user that it claims
 * to be only if it opened the socket as that user, because another user may have passed it the
 * socket.
 */
void xpmem_viewer_init(struct xpmem_viewer *viewer, struct sk_buff *skb)
{
	kuid_t sender = NETLINK_CREDS(skb)->uid;

	*viewer = (struct xpmem_viewer){
		.skb = skb,
		.ipc_ns = xpmem_ipc_ns_get(),
		.user_ns = get_user_ns(current_user_ns()),
		.pid_ns = get_pid_ns(task_active_pid_ns(current)),
		.pid = get_pid(task_tgid(current)),
		.cred = get_current_cred(),
		.opener = get_cred(NETLINK_CB(skb).sk->sk_socket->file->f_cred),
		.uid = uid_eq(READ_ONCE(NETLINK_CB(skb).sk->sk_uid), sender) ? sender : INVALID_UID,
		.administrator = netlink_capable(skb, CAP_SYS_ADMIN),
	};
}

void xpmem_viewer_destroy(struct xpmem_viewer *viewer)
{
	put_cred(viewer->opener);
	put_cred(viewer->cred);
	put_pid(viewer->pid);
	put_pid_ns(viewer->pid_ns);
	put_user_ns(viewer->user_ns);
	xpmem_ipc_ns_put(viewer->ipc_ns);
}

void xpmem_viewer_init_machine(struct xpmem_viewer *viewer)
{
	*viewer = (struct xpmem_viewer){
		.user_ns = &init_user_ns,
		.pid_ns = &init_pid_ns,
		.uid = INVALID_UID,
		.machine = true,
	};
}

/*
 * Whether both the process that sent the request and the one that opened its socket have a
 * capability. Does not audit a refusal.
 */
static bool viewer_capable(const struct xpmem_viewer *viewer, struct user_namespace *user_ns,
			   int capability)
{
	const struct cred *own = override_creds(viewer->cred);
	bool capable = ns_capable_noaudit(user_ns, capability) &&
		       netlink_ns_capable(viewer->skb, user_ns, capability);

	revert_creds(own);
	return capable;
}

bool xpmem_nl_type_allowed(const struct xpmem_nl_type *type, const struct xpmem_object *object,
			   const struct xpmem_viewer *viewer)
{
	const struct xpmem_owner *owner = type->owner(object);

	return xpmem_owner_same_scope(owner, viewer->ipc_ns) &&
	       (uid_eq(owner->uid, viewer->uid) || viewer->administrator ||
		(owner->ipc_ns == viewer->ipc_ns &&
		 viewer_capable(viewer, owner->user_ns, CAP_SYS_ADMIN)));
}

/*
 * Whether the opener of the socket had the ids and capabilities of the sender. Otherwise it may
 * have had a program with more rights write to the socket.
 */
static bool opener_is_sender(const struct xpmem_viewer *viewer)
{
	const struct cred *opener = viewer->opener, *sender = viewer->cred;

	return opener == sender ||
	       (uid_eq(opener->euid, sender->euid) && gid_eq(opener->egid, sender->egid) &&
		opener->user_ns == sender->user_ns &&
		cap_issubset(sender->cap_permitted, opener->cap_permitted));
}

/*
 * Whether the sender and the opener of the socket pass the ptrace check for the process of @owner,
 * or are that process.
 */
static bool may_trace(const struct xpmem_viewer *viewer, const struct xpmem_owner *owner,
		      const struct mm_struct *mm)
{
	if (viewer->machine || (viewer->pid == owner->pid && opener_is_sender(viewer)))
		return true;
	return (!xpmem_owner_denial(owner, mm, viewer->cred, false) &&
		!xpmem_owner_denial(owner, mm, viewer->opener, false)) ||
	       viewer_capable(viewer, owner->user_ns, CAP_SYS_PTRACE);
}

static int put_u64(struct sk_buff *skb, int attribute, u64 value, int pad)
{
	return nla_put_u64_64bit(skb, attribute, value, pad);
}

static u32 pid_of(const struct xpmem_owner *owner, const struct xpmem_viewer *viewer)
{
	return pid_nr_ns(owner->pid, viewer->pid_ns);
}

static int put_pid_of(struct sk_buff *skb, int attribute, const struct xpmem_viewer *viewer,
		      const struct xpmem_owner *owner)
{
	u32 pid = pid_of(owner, viewer);

	return pid ? nla_put_u32(skb, attribute, pid) : 0;
}

static int put_uid(struct sk_buff *skb, int attribute, const struct xpmem_viewer *viewer,
		   const struct xpmem_owner *owner)
{
	return nla_put_u32(skb, attribute, from_kuid_munged(viewer->user_ns, owner->uid));
}

static u32 access_of(bool rdonly)
{
	return rdonly ? XPMEM_ACCESS_RDONLY : XPMEM_ACCESS_RDWR;
}

/* Adds an attribute for each counter of enum xpmem_stat. */
static int put_stats(struct sk_buff *skb, const int *attributes, const atomic_long_t *stats,
		     int count, int pad)
{
	int i;

	for (i = 0; i < count; i++)
		if (put_u64(skb, attributes[i], atomic_long_read(&stats[i]), pad))
			return -EMSGSIZE;
	return 0;
}

/* A request without the attribute matches everything. */

static bool equal_s64(const struct nlattr *attr, s64 value)
{
	return !attr || nla_get_s64(attr) == value;
}

static bool equal_u32(const struct nlattr *attr, u32 value)
{
	return !attr || nla_get_u32(attr) == value;
}

static bool equal_pid(const struct nlattr *attr, const struct xpmem_owner *owner,
		      const struct xpmem_viewer *viewer)
{
	u32 pid = pid_of(owner, viewer);

	return !attr || (pid && nla_get_u32(attr) == pid);
}

static bool equal_uid(const struct nlattr *attr, const struct xpmem_owner *owner,
		      const struct xpmem_viewer *viewer)
{
	return !attr || nla_get_u32(attr) == from_kuid_munged(viewer->user_ns, owner->uid);
}

static bool equal_name(const struct nlattr *attr, const char *name)
{
	return !attr || (*name && !nla_strcmp(attr, name));
}

static struct xpmem_segment *to_segment(const struct xpmem_object *object)
{
	return container_of(object, struct xpmem_segment, object);
}

static const struct xpmem_owner *segment_owner(const struct xpmem_object *object)
{
	return to_segment(object)->object.owner;
}

static bool segment_traceable(const struct xpmem_object *object, const struct xpmem_viewer *viewer)
{
	const struct xpmem_segment *segment = to_segment(object);

	return segment->no_ptrace_check ||
	       may_trace(viewer, segment->object.owner, segment->exporter->mm);
}

static int segment_fill(struct sk_buff *skb, struct xpmem_object *object,
			const struct xpmem_viewer *viewer)
{
	struct xpmem_segment *segment = to_segment(object);

	return put_u64(skb, XPMEM_A_SEGMENT_ID, object->id, XPMEM_A_SEGMENT_PAD) ||
	       put_pid_of(skb, XPMEM_A_SEGMENT_PID, viewer, segment->object.owner) ||
	       put_uid(skb, XPMEM_A_SEGMENT_UID, viewer, segment->object.owner) ||
	       nla_put_u32(skb, XPMEM_A_SEGMENT_GID,
			   from_kgid_munged(viewer->user_ns, segment->object.owner->gid)) ||
	       (segment->name[0] && nla_put_string(skb, XPMEM_A_SEGMENT_NAME, segment->name)) ||
	       nla_put_u32(skb, XPMEM_A_SEGMENT_MODE, segment->mode) ||
	       nla_put_u32(skb, XPMEM_A_SEGMENT_ACCESS, access_of(segment->rdonly)) ||
	       (segment_traceable(object, viewer) &&
		put_u64(skb, XPMEM_A_SEGMENT_ADDRESS, segment->start, XPMEM_A_SEGMENT_PAD)) ||
	       put_u64(skb, XPMEM_A_SEGMENT_LENGTH, segment->length, XPMEM_A_SEGMENT_PAD) ||
	       nla_put_u32(skb, XPMEM_A_SEGMENT_PERMITS, atomic_read(&segment->permits)) ||
	       put_u64(skb, XPMEM_A_SEGMENT_EXPORTER_ID, segment->exporter->object.id,
		       XPMEM_A_SEGMENT_PAD) ||
	       put_u64(skb, XPMEM_A_SEGMENT_CREATED, object->created, XPMEM_A_SEGMENT_PAD) ||
	       put_stats(skb, xpmem_nl_segment_stats, segment->stats, XPMEM_FAULT_STATS,
			 XPMEM_A_SEGMENT_PAD) ||
	       nla_put_u32(skb, XPMEM_A_SEGMENT_NO_PTRACE_CHECK, segment->no_ptrace_check) ||
	       nla_put_u32(skb, XPMEM_A_SEGMENT_NO_GUP, segment->no_gup);
}

static bool segment_matches(struct nlattr **attrs, const struct xpmem_object *object,
			    const struct xpmem_viewer *viewer)
{
	const struct xpmem_segment *segment = to_segment(object);

	return equal_s64(attrs[XPMEM_A_SEGMENT_ID], object->id) &&
	       equal_s64(attrs[XPMEM_A_SEGMENT_EXPORTER_ID], segment->exporter->object.id) &&
	       equal_pid(attrs[XPMEM_A_SEGMENT_PID], segment->object.owner, viewer) &&
	       equal_uid(attrs[XPMEM_A_SEGMENT_UID], segment->object.owner, viewer) &&
	       equal_name(attrs[XPMEM_A_SEGMENT_NAME], segment->name) &&
	       equal_u32(attrs[XPMEM_A_SEGMENT_ACCESS], access_of(segment->rdonly));
}

static void segment_put(struct xpmem_object *object)
{
	xpmem_segment_put(to_segment(object));
}

static struct xpmem_permit *to_permit(const struct xpmem_object *object)
{
	return container_of(object, struct xpmem_permit, object);
}

static const struct xpmem_owner *permit_owner(const struct xpmem_object *object)
{
	return to_permit(object)->object.owner;
}

static bool permit_traceable(const struct xpmem_object *object, const struct xpmem_viewer *viewer)
{
	const struct xpmem_permit *permit = to_permit(object);

	return may_trace(viewer, permit->object.owner, permit->client->mm);
}

static int permit_fill(struct sk_buff *skb, struct xpmem_object *object,
		       const struct xpmem_viewer *viewer)
{
	struct xpmem_permit *permit = to_permit(object);
	u64 pinned = (u64)atomic_long_read(&permit->dmabuf_pages) << PAGE_SHIFT;

	return put_u64(skb, XPMEM_A_PERMIT_ID, object->id, XPMEM_A_PERMIT_PAD) ||
	       put_u64(skb, XPMEM_A_PERMIT_SEGMENT_ID, permit->segment->object.id,
		       XPMEM_A_PERMIT_PAD) ||
	       put_pid_of(skb, XPMEM_A_PERMIT_PID, viewer, permit->object.owner) ||
	       put_uid(skb, XPMEM_A_PERMIT_UID, viewer, permit->object.owner) ||
	       nla_put_u32(skb, XPMEM_A_PERMIT_ACCESS, access_of(permit->rdonly)) ||
	       nla_put_u32(skb, XPMEM_A_PERMIT_ATTACHMENTS,
			   atomic_read(&permit->attachment_count)) ||
	       put_u64(skb, XPMEM_A_PERMIT_CREATED, object->created, XPMEM_A_PERMIT_PAD) ||
	       nla_put_u32(skb, XPMEM_A_PERMIT_DMABUFS, atomic_read(&permit->dmabuf_count)) ||
	       put_u64(skb, XPMEM_A_PERMIT_PINNED, pinned, XPMEM_A_PERMIT_PAD);
}

static bool permit_matches(struct nlattr **attrs, const struct xpmem_object *object,
			   const struct xpmem_viewer *viewer)
{
	const struct xpmem_permit *permit = to_permit(object);

	return equal_s64(attrs[XPMEM_A_PERMIT_ID], object->id) &&
	       equal_s64(attrs[XPMEM_A_PERMIT_SEGMENT_ID], permit->segment->object.id) &&
	       equal_pid(attrs[XPMEM_A_PERMIT_PID], permit->object.owner, viewer) &&
	       equal_uid(attrs[XPMEM_A_PERMIT_UID], permit->object.owner, viewer) &&
	       equal_u32(attrs[XPMEM_A_PERMIT_ACCESS], access_of(permit->rdonly));
}

static void permit_put(struct xpmem_object *object)
{
	xpmem_permit_put(to_permit(object));
}

static struct xpmem_attachment *to_attachment(const struct xpmem_object *object)
{
	return container_of(object, struct xpmem_attachment, object);
}

static const struct xpmem_owner *attachment_owner(const struct xpmem_object *object)
{
	return to_attachment(object)->permit->object.owner;
}

static bool attachment_traceable(const struct xpmem_object *object,
				 const struct xpmem_viewer *viewer)
{
	return permit_traceable(&to_attachment(object)->permit->object, viewer);
}

static int attachment_fill(struct sk_buff *skb, struct xpmem_object *object,
			   const struct xpmem_viewer *viewer)
{
	struct xpmem_attachment *attachment = to_attachment(object);
	struct xpmem_permit *permit = attachment->permit;

	return put_u64(skb, XPMEM_A_ATTACHMENT_ID, object->id, XPMEM_A_ATTACHMENT_PAD) ||
	       put_u64(skb, XPMEM_A_ATTACHMENT_PERMIT_ID, permit->object.id,
		       XPMEM_A_ATTACHMENT_PAD) ||
	       put_u64(skb, XPMEM_A_ATTACHMENT_SEGMENT_ID, permit->segment->object.id,
		       XPMEM_A_ATTACHMENT_PAD) ||
	       put_pid_of(skb, XPMEM_A_ATTACHMENT_PID, viewer, permit->object.owner) ||
	       put_uid(skb, XPMEM_A_ATTACHMENT_UID, viewer, permit->object.owner) ||
	       nla_put_u32(skb, XPMEM_A_ATTACHMENT_ACCESS, access_of(attachment->rdonly)) ||
	       (attachment_traceable(object, viewer) &&
		(put_u64(skb, XPMEM_A_ATTACHMENT_ADDRESS, attachment->address,
			 XPMEM_A_ATTACHMENT_PAD) ||
		 put_u64(skb, XPMEM_A_ATTACHMENT_OFFSET,
			 attachment->source - permit->segment->start, XPMEM_A_ATTACHMENT_PAD))) ||
	       put_u64(skb, XPMEM_A_ATTACHMENT_LENGTH, attachment->length,
		       XPMEM_A_ATTACHMENT_PAD) ||
	       put_u64(skb, XPMEM_A_ATTACHMENT_CREATED, object->created, XPMEM_A_ATTACHMENT_PAD) ||
	       put_stats(skb, xpmem_nl_attachment_stats, attachment->stats, XPMEM_FAULT_STATS,
			 XPMEM_A_ATTACHMENT_PAD) ||
	       nla_put_u32(skb, XPMEM_A_ATTACHMENT_PINNABLE,
			   xpmem_attachment_is_pinnable(attachment));
}

static bool attachment_matches(struct nlattr **attrs, const struct xpmem_object *object,
			       const struct xpmem_viewer *viewer)
{
	const struct xpmem_attachment *attachment = to_attachment(object);
	const struct xpmem_permit *permit = attachment->permit;

	return equal_s64(attrs[XPMEM_A_ATTACHMENT_ID], object->id) &&
	       equal_s64(attrs[XPMEM_A_ATTACHMENT_PERMIT_ID], permit->object.id) &&
	       equal_s64(attrs[XPMEM_A_ATTACHMENT_SEGMENT_ID], permit->segment->object.id) &&
	       equal_pid(attrs[XPMEM_A_ATTACHMENT_PID], permit->object.owner, viewer) &&
	       equal_uid(attrs[XPMEM_A_ATTACHMENT_UID], permit->object.owner, viewer) &&
	       equal_u32(attrs[XPMEM_A_ATTACHMENT_ACCESS], access_of(attachment->rdonly));
}

static void attachment_put(struct xpmem_object *object)
{
	xpmem_attachment_put(to_attachment(object));
}

static struct xpmem_exporter *to_exporter(const struct xpmem_object *object)
{
	return container_of(object, struct xpmem_exporter, object);
}

static const struct xpmem_owner *exporter_owner(const struct xpmem_object *object)
{
	return to_exporter(object)->object.owner;
}

static bool exporter_traceable(const struct xpmem_object *object, const struct xpmem_viewer *viewer)
{
	return may_trace(viewer, exporter_owner(object), to_exporter(object)->mm);
}

static int exporter_fill(struct sk_buff *skb, struct xpmem_object *object,
			 const struct xpmem_viewer *viewer)
{
	struct xpmem_exporter *exporter = to_exporter(object);

	return put_u64(skb, XPMEM_A_EXPORTER_ID, object->id, XPMEM_A_EXPORTER_PAD) ||
	       put_pid_of(skb, XPMEM_A_EXPORTER_PID, viewer, exporter->object.owner) ||
	       put_uid(skb, XPMEM_A_EXPORTER_UID, viewer, exporter->object.owner) ||
	       put_u64(skb, XPMEM_A_EXPORTER_CREATED, object->created, XPMEM_A_EXPORTER_PAD) ||
	       nla_put_u32(skb, XPMEM_A_EXPORTER_SEGMENTS, atomic_read(&exporter->segment_count)) ||
	       put_stats(skb, xpmem_nl_exporter_stats, exporter->stats, XPMEM_EXPORTER_STATS,
			 XPMEM_A_EXPORTER_PAD);
}

static bool exporter_matches(struct nlattr **attrs, const struct xpmem_object *object,
			     const struct xpmem_viewer *viewer)
{
	const struct xpmem_owner *owner = exporter_owner(object);

	return equal_s64(attrs[XPMEM_A_EXPORTER_ID], object->id) &&
	       equal_pid(attrs[XPMEM_A_EXPORTER_PID], owner, viewer) &&
	       equal_uid(attrs[XPMEM_A_EXPORTER_UID], owner, viewer);
}

static void exporter_put(struct xpmem_object *object)
{
	xpmem_exporter_put(to_exporter(object));
}

const struct xpmem_nl_type xpmem_nl_types[] = {
	[XPMEM_SEGMENT] = {
		.registry = &xpmem_segments,
		.not_found = "no such segment",
		.get = XPMEM_NL_CMD_SEGMENT_GET,
		.created = XPMEM_NL_CMD_SEGMENT_CREATED,
		.gone = XPMEM_NL_CMD_SEGMENT_GONE,
		.pad = XPMEM_A_SEGMENT_PAD,
		.id = XPMEM_A_SEGMENT_ID,
		.time = XPMEM_A_SEGMENT_TIME,
		.reason = XPMEM_A_SEGMENT_REASON,
		.owner = segment_owner,
		.traceable = segment_traceable,
		.fill = segment_fill,
		.matches = segment_matches,
		.put = segment_put,
	},
	[XPMEM_PERMIT] = {
		.registry = &xpmem_permits,
		.not_found = "no such permit",
		.get = XPMEM_NL_CMD_PERMIT_GET,
		.created = XPMEM_NL_CMD_PERMIT_CREATED,
		.gone = XPMEM_NL_CMD_PERMIT_GONE,
		.pad = XPMEM_A_PERMIT_PAD,
		.id = XPMEM_A_PERMIT_ID,
		.time = XPMEM_A_PERMIT_TIME,
		.reason = XPMEM_A_PERMIT_REASON,
		.owner = permit_owner,
		.traceable = permit_traceable,
		.fill = permit_fill,
		.matches = permit_matches,
		.put = permit_put,
	},
	[XPMEM_ATTACHMENT] = {
		.registry = &xpmem_attachments,
		.not_found = "no such attachment",
		.get = XPMEM_NL_CMD_ATTACHMENT_GET,
		.created = XPMEM_NL_CMD_ATTACHMENT_CREATED,
		.gone = XPMEM_NL_CMD_ATTACHMENT_GONE,
		.pad = XPMEM_A_ATTACHMENT_PAD,
		.id = XPMEM_A_ATTACHMENT_ID,
		.time = XPMEM_A_ATTACHMENT_TIME,
		.reason = XPMEM_A_ATTACHMENT_REASON,
		.owner = attachment_owner,
		.traceable = attachment_traceable,
		.fill = attachment_fill,
		.matches = attachment_matches,
		.put = attachment_put,
	},
	[XPMEM_EXPORTER] = {
		.registry = &xpmem_exporters,
		.not_found = "no such exporter",
		.get = XPMEM_NL_CMD_EXPORTER_GET,
		.pad = XPMEM_A_EXPORTER_PAD,
		.id = XPMEM_A_EXPORTER_ID,
		.owner = exporter_owner,
		.traceable = exporter_traceable,
		.fill = exporter_fill,
		.matches = exporter_matches,
		.put = exporter_put,
	},
};
