/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An operation is repeated with its first, its second, ... allocation or user copy failing, until
 * it runs through without a failure. Needs a kernel with fault injection (fail-nth).
 */
#ifndef SWEEP_H
#define SWEEP_H

struct sweep {
	void (*prepare)(void);			/* before each attempt */
	long (*attempt)(void);
	void (*undo)(long result);		/* after each that succeeded, injected or not */
	void (*unchanged)(void);		/* checks after each that failed */
};

/*
 * Once before the first sweep; skips the case where failures cannot be injected. Until the process
 * ends, a socket listens to the events of objects, whose messages may fail too.
 */
void sweep_prepare(void);

/*
 * The case fails unless every failure is refused with ENOMEM or EFAULT, leaves as many objects as
 * there were, and the same attempt works right afterwards.
 */
void sweep(const struct sweep *sweep);

/*
 * One request to the module's netlink family, by a socket of its own and without anything that
 * allocates in this process; with NLM_F_DUMP, to the end of the dump. Attribute 0 is none.
 */
long sweep_request(int flags, int command, int attribute, const void *value, int length);

/* a number of the machine's statistics, by its XPMEM_A_STATS_ attribute; for root */
long sweep_stat(int attribute);

#endif
