/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects as netlink attributes, and readers of them, for netlink.c and event.c. */
#ifndef XPMEM_NL_TYPE_H
#define XPMEM_NL_TYPE_H

#include <net/genetlink.h>

#include "xpmem.h"

/*
 * The process that sent a request. A dump keeps it, even if another process reads later messages.
 */
struct xpmem_viewer {
	struct sk_buff *skb;	/* the request; outlives this struct */
	struct ns_common *ipc_ns;
	struct user_namespace *user_ns;
	struct pid_namespace *pid_ns;
	struct pid *pid;
	const struct cred *cred;
	const struct cred *opener;	/* of the socket */
	kuid_t uid;
	bool administrator;	/* over the machine */
	bool machine;		/* sees everything: the listeners to events, no process */
};

void xpmem_viewer_init(struct xpmem_viewer *viewer, struct sk_buff *skb);
void xpmem_viewer_destroy(struct xpmem_viewer *viewer);

/* Sees all of the machine, in the initial namespaces. Needs no xpmem_viewer_destroy(). */
void xpmem_viewer_init_machine(struct xpmem_viewer *viewer);

/* A kind of objects, as netlink attributes. */
struct xpmem_nl_type {
	struct xpmem_registry *registry;
	const char *not_found;
	int get;		/* commands */
	int created;
	int gone;
	int pad;		/* attributes */
	int id;
	int time;
	int reason;
	const struct xpmem_owner *(*owner)(const struct xpmem_object *object);
	/*
	 * Whether the viewer may see addresses of the process that the object belongs to, and may
	 * revoke the object.
	 */
	bool (*traceable)(const struct xpmem_object *object, const struct xpmem_viewer *viewer);
	/* Returns 0, or an error if the message is full. */
	int (*fill)(struct sk_buff *skb, struct xpmem_object *object,
		    const struct xpmem_viewer *viewer);
	/* Whether a dump with @attrs asks for the object. */
	bool (*matches)(struct nlattr **attrs, const struct xpmem_object *object,
			const struct xpmem_viewer *viewer);
	void (*put)(struct xpmem_object *object);
};

extern const struct xpmem_nl_type xpmem_nl_types[];	/* by enum xpmem_kind */

bool xpmem_nl_type_allowed(const struct xpmem_nl_type *type, const struct xpmem_object *object,
			   const struct xpmem_viewer *viewer);

extern struct genl_family xpmem_nl_family;

#endif
