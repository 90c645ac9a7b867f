// SPDX-License-Identifier: GPL-2.0-or-later
/* A process waits for a word of its own heap, which another has attached and stores to. */
#include <err.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <xpmem.h>
#include <xpmem_ext.h>

static void answer(xpmem_segid_t segid, size_t length)
{
	struct xpmem_addr from = { .apid = xpmem_get(segid, XPMEM_RDWR, XPMEM_PERMIT_MODE, NULL) };
	_Atomic uint32_t *word = xpmem_attach(from, length, NULL);

	if (word == XPMEM_FAILED)
		err(1, "xpmem_attach");
	atomic_store(word, 42);
	xpmem_wake(word, 1);
	_exit(0);
}

int main(void)
{
	size_t length = (size_t)sysconf(_SC_PAGESIZE);
	_Atomic uint32_t *word = aligned_alloc(length, length);
	xpmem_segid_t segid;

	if (!word)
		err(1, "aligned_alloc");
	atomic_init(word, 0);
	segid = xpmem_make((void *)word, length, XPMEM_PERMIT_MODE, (void *)0600);
	if (segid < 0)
		err(1, "xpmem_make");
	if (!fork())
		answer(segid, length);

	/* there are other reasons to be woken, so look again */
	while (!atomic_load(word))
		if (xpmem_wait((uint32_t *)word, 0, NULL) && errno != EAGAIN && errno != EINTR)
			err(1, "xpmem_wait");
	printf("the answer is %u\n", atomic_load(word));
	return 0;
}
