/* SPDX-License-Identifier: GPL-2.0-only */
/* What a reader of the control ABI sees of an object, for netlink.c and event.c. */
#ifndef XPMEM_NL_TYPE_H
#define XPMEM_NL_TYPE_H

#include <net/genetlink.h>

#include "xpmem.h"

/* The process that sent a request. A dump keeps it, whichever process reads its later messages. */
struct xpmem_viewer {
	struct sk_buff *skb;	/* the request, which lives as long as this */
	struct ns_common *ipc_ns;
	struct user_namespace *user_ns;
	struct pid_namespace *pid_ns;
	struct pid *pid;
	const struct cred *cred;
	const struct cred *opener;	/* of the socket */
	kuid_t uid;
	bool administrator;	/* over the machine */
	bool machine;		/* sees everything: no process, but the listeners to events */
};

void xpmem_viewer_init(struct xpmem_viewer *viewer, struct sk_buff *skb);
void xpmem_viewer_destroy(struct xpmem_viewer *viewer);

/* The first namespaces, all of the machine; needs no xpmem_viewer_destroy(). */
void xpmem_viewer_init_machine(struct xpmem_viewer *viewer);

/* A kind of object, as attributes of netlink. */
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
	 * Whether the viewer sees addresses of the process that the object belongs to, and may
	 * revoke the object.
	 */
	bool (*traceable)(const struct xpmem_object *object, const struct xpmem_viewer *viewer);
	/* 0, or not when the message is full. */
	int (*fill)(struct sk_buff *skb, struct xpmem_object *object,
		    const struct xpmem_viewer *viewer);
	/* Whether the object is what a dump asks for with @attrs. */
	bool (*matches)(struct nlattr **attrs, const struct xpmem_object *object,
			const struct xpmem_viewer *viewer);
	void (*put)(struct xpmem_object *object);
};

extern const struct xpmem_nl_type xpmem_nl_types[];	/* by enum xpmem_kind */

bool xpmem_nl_type_allowed(const struct xpmem_nl_type *type, const struct xpmem_object *object,
			const struct xpmem_viewer *viewer);

extern struct genl_family xpmem_nl_family;

#endif
