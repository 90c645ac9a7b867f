// SPDX-License-Identifier: GPL-2.0-or-later
/* A process gives memory of another one's heap to a device. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xpmem.h>
#include <xpmem_ext.h>

#define LENGTH (1 << 20)

static void give_to_device(xpmem_segid_t segid)
{
	xpmem_apid_t apid = xpmem_get(segid, XPMEM_RDWR, XPMEM_PERMIT_MODE, NULL);
	int fd = xpmem_dmabuf(apid, 0, LENGTH);

	if (fd < 0)
		err(1, "xpmem_dmabuf");
	/* Call the device's library here: ibv_reg_dmabuf_mr(domain, 0, LENGTH, 0, fd, access). */
	printf("a dma-buf of %ld bytes\n", (long)lseek(fd, 0, SEEK_END));
	exit(0);
}

int main(void)
{
	char *data = aligned_alloc((size_t)sysconf(_SC_PAGESIZE), LENGTH);
	xpmem_segid_t segid;
	int status;

	if (!data)
		err(1, "aligned_alloc");
	memset(data, 'x', LENGTH);
	segid = xpmem_make(data, LENGTH, XPMEM_PERMIT_MODE, (void *)0600);
	if (segid < 0)
		err(1, "xpmem_make");
	if (!fork())
		give_to_device(segid);
	return wait(&status) < 0 || status != 0;
}
