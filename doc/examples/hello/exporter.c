// SPDX-License-Identifier: GPL-2.0-or-later
/* Exports a page, prints its id, and shows what the attacher left there. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xpmem.h>

int main(void)
{
	size_t length = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = aligned_alloc(length, length);
	xpmem_segid_t segid;

	if (!memory)
		err(1, "aligned_alloc");
	strcpy(memory, "hello from the exporter");
	segid = xpmem_make(memory, length, XPMEM_PERMIT_MODE, (void *)0600);
	if (segid < 0)
		err(1, "xpmem_make");
	printf("run: ./attacher %lld\nthen press enter\n", (long long)segid);
	fflush(stdout);
	getchar();
	printf("the attacher wrote: %s\n", memory);
	xpmem_remove(segid);
	return 0;
}
