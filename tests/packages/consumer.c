/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program outside the tree, in C and in C++: a process reads and changes memory of another. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xpmem.h>

static int attach_and_change(xpmem_segid_t segid, size_t size)
{
	struct xpmem_addr addr;
	char *theirs;

	addr.apid = xpmem_get(segid, XPMEM_RDWR, XPMEM_PERMIT_MODE, NULL);
	addr.offset = 0;
	if (addr.apid < 0) {
		perror("xpmem_get");
		return EXIT_FAILURE;
	}
	theirs = (char *)xpmem_attach(addr, size, NULL);
	if (theirs == (char *)-1) {
		perror("xpmem_attach");
		return EXIT_FAILURE;
	}
	if (strcmp(theirs, "from the exporter")) {
		fprintf(stderr, "the attachment does not show what the exporter wrote\n");
		return EXIT_FAILURE;
	}
	strcpy(theirs, "from the attacher");
	return xpmem_detach(theirs) || xpmem_release(addr.apid) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(void)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *buffer;
	xpmem_segid_t segid;
	pid_t child;
	int status;

	if (posix_memalign(&buffer, size, size))
		return EXIT_FAILURE;
	strcpy((char *)buffer, "from the exporter");
	segid = xpmem_make(buffer, size, XPMEM_PERMIT_MODE, (void *)0600);
	if (segid < 0) {
		perror("xpmem_make");
		return EXIT_FAILURE;
	}
	child = fork();
	if (child == 0)
		_exit(attach_and_change(segid, size));
	if (child < 0 || waitpid(child, &status, 0) != child || status) {
		fprintf(stderr, "the attacher failed\n");
		return EXIT_FAILURE;
	}
	if (strcmp((char *)buffer, "from the attacher")) {
		fprintf(stderr, "the exporter does not see what the attacher wrote\n");
		return EXIT_FAILURE;
	}
	free(buffer);
	return xpmem_remove(segid) ? EXIT_FAILURE : EXIT_SUCCESS;
}
