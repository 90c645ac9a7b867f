// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of the control ABI: the creation and the end of objects.
 *
 * The event of a creation precedes the moment when requests can find the object. The event of its
 * end follows the moment when they no longer can. So a program that subscribes first, then lists
 * the objects, and then follows the events knows all objects.
 */
#include <linux/ktime.h>

#include "netlink_gen.h"
#include "nl_type.h"

#define GROUP XPMEM_NL_GROUP_EVENTS

/* On some kernels the family has no group: see compat/genetlink.h. */
static bool has_listeners(void)
{
	return xpmem_nl_family.n_mcgrps && genl_has_listeners(&xpmem_nl_family, &init_net, GROUP);
}

/* ENOBUFS tells listeners that they missed an event. */
static void event_lost(struct sk_buff *skb)
{
	nlmsg_free(skb);
	genl_set_err(&xpmem_nl_family, &init_net, 0, GROUP, -ENOBUFS);
}

/* Returns the header, or NULL. The caller owns @skb, which may be NULL. */
static void *event_begin(struct sk_buff **skb, int command)
{
	*skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	return *skb ? genlmsg_put(*skb, 0, 0, &xpmem_nl_family, 0, command) : NULL;
}

static void event_send(struct sk_buff *skb, void *header)
{
	genlmsg_end(skb, header);
	genlmsg_multicast(&xpmem_nl_family, skb, 0, GROUP, GFP_KERNEL);
}

/* The caller may hold the mmap_lock of an attacher. Not inlined: mostly, no task listens. */
static noinline void event_send_object(enum xpmem_kind kind, struct xpmem_object *object,
				       int command, enum xpmem_reason reason)
{
	const struct xpmem_nl_type *type = &xpmem_nl_types[kind];
	struct xpmem_viewer machine;
	struct sk_buff *skb;
	void *header;

	xpmem_viewer_init_machine(&machine);
	header = event_begin(&skb, command);
	if (!header ||
	    nla_put_u64_64bit(skb, type->time, ktime_get_real_ns(), type->pad) ||
	    (reason && nla_put_u32(skb, type->reason, reason)) ||
	    type->fill(skb, object, &machine))
		event_lost(skb);
	else
		event_send(skb, header);
}

/**
 * xpmem_event_created() - report a new object
 * @kind: its kind
 * @object: the caller has not yet published it
 */
void xpmem_event_created(enum xpmem_kind kind, struct xpmem_object *object)
{
	if (has_listeners())
		event_send_object(kind, object, xpmem_nl_types[kind].created, 0);
}

/**
 * xpmem_event_gone() - report the end of an object
 * @kind: its kind
 * @object: the caller has withdrawn it, and holds a reference, or dropped the last one and has not
 *	freed it yet
 * @reason: why it ended
 */
void xpmem_event_gone(enum xpmem_kind kind, struct xpmem_object *object, enum xpmem_reason reason)
{
	if (has_listeners())
		event_send_object(kind, object, xpmem_nl_types[kind].gone, reason);
}

/**
 * xpmem_event_limit() - report that a user reached a limit
 * @kind: kind of the objects
 * @uid: the user, as which the caller acts, or that created a user namespace around the caller's
 * @limit: number of objects that the user may have
 */
void xpmem_event_limit(enum xpmem_kind kind, kuid_t uid, unsigned int limit)
{
	static const u32 kinds[] = {
		[XPMEM_SEGMENT] = XPMEM_OBJECT_KIND_SEGMENT,
		[XPMEM_PERMIT] = XPMEM_OBJECT_KIND_PERMIT,
		[XPMEM_ATTACHMENT] = XPMEM_OBJECT_KIND_ATTACHMENT,
	};
	struct sk_buff *skb;
	void *header;

	if (!has_listeners() || !xpmem_report_allowed(XPMEM_REPORT_LIMIT_EVENT))
		return;
	header = event_begin(&skb, XPMEM_NL_CMD_LIMIT_HIT);
	if (!header ||
	    nla_put_u32(skb, XPMEM_A_LIMIT_KIND, kinds[kind]) ||
	    nla_put_u32(skb, XPMEM_A_LIMIT_UID, from_kuid_munged(&init_user_ns, uid)) ||
	    nla_put_u32(skb, XPMEM_A_LIMIT_PID, task_tgid_nr(current)) ||
	    nla_put_u32(skb, XPMEM_A_LIMIT_LIMIT, limit) ||
	    nla_put_u64_64bit(skb, XPMEM_A_LIMIT_TIME, ktime_get_real_ns(), XPMEM_A_LIMIT_PAD))
		event_lost(skb);
	else
		event_send(skb, header);
}

/**
 * xpmem_event_refused() - report that the ptrace check refused the caller a permit
 * @segment: the segment that the permit was for
 * @denial: the part of the check that failed
 */
void xpmem_event_refused(const struct xpmem_segment *segment, enum xpmem_denial denial)
{
	struct sk_buff *skb;
	void *header;

	if (!has_listeners() || !xpmem_report_allowed(XPMEM_REPORT_DENIAL_EVENT))
		return;
	header = event_begin(&skb, XPMEM_NL_CMD_PERMIT_REFUSED);
	if (!header ||
	    nla_put_u64_64bit(skb, XPMEM_A_REFUSAL_SEGMENT_ID, segment->object.id,
			      XPMEM_A_REFUSAL_PAD) ||
	    nla_put_u32(skb, XPMEM_A_REFUSAL_EXPORTER_PID, pid_nr(segment->object.owner->pid)) ||
	    nla_put_u32(skb, XPMEM_A_REFUSAL_UID,
			from_kuid_munged(&init_user_ns, current_euid())) ||
	    nla_put_u32(skb, XPMEM_A_REFUSAL_PID, task_tgid_nr(current)) ||
	    nla_put_u32(skb, XPMEM_A_REFUSAL_DENIAL, denial) ||
	    nla_put_u64_64bit(skb, XPMEM_A_REFUSAL_TIME, ktime_get_real_ns(), XPMEM_A_REFUSAL_PAD))
		event_lost(skb);
	else
		event_send(skb, header);
}
