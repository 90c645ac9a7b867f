/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * References to the caller's ipc namespace. The kernel exports no functions for them, but the
 * namespace points to its operations.
 */
#ifndef XPMEM_COMPAT_IPC_NAMESPACE_H
#define XPMEM_COMPAT_IPC_NAMESPACE_H

#include <linux/ipc_namespace.h>
#include <linux/nsproxy.h>
#include <linux/ns_common.h>
#include <linux/proc_ns.h>
#include <linux/sched.h>

static inline struct ns_common *xpmem_ipc_ns_current(void)
{
	return &current->nsproxy->ipc_ns->ns;
}

/* Without CONFIG_IPC_NS there is one namespace, which has no operations and needs no reference. */
static inline struct ns_common *xpmem_ipc_ns_get(void)
{
	struct ns_common *ns = xpmem_ipc_ns_current();

	return ns->ops ? ns->ops->get(current) : ns;
}

static inline void xpmem_ipc_ns_put(struct ns_common *ns)
{
	if (ns->ops)
		ns->ops->put(ns);
}

#endif
