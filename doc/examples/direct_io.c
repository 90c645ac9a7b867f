// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process writes memory of another process's heap to a file, without a copy: the owner converts
 * the memory into shared memory, which system calls accept from an attachment.
 *
 * usage: direct-io FILE
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xpmem.h>
#include <xpmem_ext.h>

#define LENGTH (1 << 20)

static void save(xpmem_segid_t segid, const char *path)
{
	struct xpmem_addr from = { .apid = xpmem_get(segid, XPMEM_RDONLY, XPMEM_PERMIT_MODE,
						     NULL) };
	void *data = xpmem_attach(from, LENGTH, NULL);
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT, 0600);

	if (data == XPMEM_FAILED)
		err(1, "xpmem_attach");
	if (file < 0)
		err(1, "%s", path);
	if (write(file, data, LENGTH) != LENGTH)
		err(1, "write");
	printf("%d bytes written\n", LENGTH);
	exit(0);
}

int main(int count, char **argument)
{
	char *data = aligned_alloc((size_t)sysconf(_SC_PAGESIZE), LENGTH);
	xpmem_segid_t segid;
	int status;

	if (count != 2)
		errx(2, "usage: direct-io FILE");
	if (!data)
		err(1, "aligned_alloc");
	memset(data, 'x', LENGTH);
	if (xpmem_share(data, LENGTH, 0))
		err(1, "xpmem_share");
	segid = xpmem_make(data, LENGTH, XPMEM_PERMIT_MODE, (void *)0600);
	if (segid < 0)
		err(1, "xpmem_make");
	if (!fork())
		save(segid, argument[1]);
	return wait(&status) < 0 || status != 0;
}
