// SPDX-License-Identifier: GPL-2.0-or-later
/* usage: attacher ID. Reads the exporter's page in place, and writes an answer there. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xpmem.h>

int main(int argc, char **argv)
{
	size_t length = (size_t)sysconf(_SC_PAGESIZE);
	struct xpmem_addr from = { .offset = 0 };
	char *theirs;

	if (argc != 2)
		errx(2, "usage: attacher ID");
	from.apid = xpmem_get(atoll(argv[1]), XPMEM_RDWR, XPMEM_PERMIT_MODE, NULL);
	if (from.apid < 0)
		err(1, "xpmem_get");
	theirs = xpmem_attach(from, length, NULL);
	if (theirs == (void *)-1)
		err(1, "xpmem_attach");
	printf("the exporter wrote: %s\n", theirs);
	strcpy(theirs, "hello from the attacher");
	xpmem_detach(theirs);
	xpmem_release(from.apid);
	return 0;
}
