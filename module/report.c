// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits how often the log and the events report what the module refused to a user. Each user has
 * its own limit, so that no user hides the reports about others. All users of a user namespace
 * share the limit of the user that created it.
 */
#include <linux/cred.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "xpmem.h"

struct reporter {
	struct ratelimit_state rates[XPMEM_REPORT_COUNT];
};

/*
 * By uid in the first user namespace. A reporter stays until the module is unloaded, so that a user
 * cannot get a new one. Only a privileged process can act as many users.
 */
static DEFINE_XARRAY(reporters);

static uid_t reporter_uid(void)
{
	const struct user_namespace *user_ns = current_user_ns();
	kuid_t uid = current_euid();

	for (; user_ns->parent; user_ns = user_ns->parent)
		uid = user_ns->owner;
	return __kuid_val(uid);
}

static void rate_init(struct ratelimit_state *rate, int interval, int burst)
{
	ratelimit_state_init(rate, interval, burst);
	/* The text about suppressed calls would not name the user. */
	ratelimit_set_flags(rate, RATELIMIT_MSG_ON_RELEASE);
}

static struct reporter *reporter_create(void)
{
	struct reporter *reporter = kzalloc(sizeof(*reporter), GFP_KERNEL);
	struct ratelimit_state *rates;

	if (!reporter)
		return NULL;
	rates = reporter->rates;
	rate_init(&rates[XPMEM_REPORT_LIMIT_LOG], 10 * HZ, 1);
	rate_init(&rates[XPMEM_REPORT_DENIAL_LOG], 10 * HZ, 1);
	rate_init(&rates[XPMEM_REPORT_LIMIT_EVENT], DEFAULT_RATELIMIT_INTERVAL,
		  DEFAULT_RATELIMIT_BURST);
	rate_init(&rates[XPMEM_REPORT_DENIAL_EVENT], DEFAULT_RATELIMIT_INTERVAL,
		  DEFAULT_RATELIMIT_BURST);
	return reporter;
}

/* Returns the reporter of the caller's user, or NULL without memory. */
static struct reporter *reporter_get(void)
{
	uid_t uid = reporter_uid();
	struct reporter *reporter = xa_load(&reporters, uid), *made;

	if (reporter)
		return reporter;
	made = reporter_create();
	if (!made)
		return NULL;
	reporter = xa_cmpxchg(&reporters, uid, NULL, made, GFP_KERNEL);
	if (!reporter)
		return made;
	kfree(made);
	return xa_is_err(reporter) ? NULL : reporter;
}

/**
 * xpmem_report_allowed() - check whether to report what the caller was refused
 * @report: the report
 *
 * The caller may hold the mmap_lock of an attacher.
 * Return: true if the user has not had too many of these reports lately; the report counts then.
 */
bool xpmem_report_allowed(enum xpmem_report report)
{
	struct reporter *reporter = reporter_get();

	return reporter && __ratelimit(&reporter->rates[report]);
}

/* No client is left. */
void xpmem_reports_exit(void)
{
	struct reporter *reporter;
	unsigned long uid;

	xa_for_each(&reporters, uid, reporter)
		kfree(reporter);
	xa_destroy(&reporters);
}
