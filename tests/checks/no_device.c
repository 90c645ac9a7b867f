// SPDX-License-Identifier: GPL-2.0-or-later
/* Without the module every call fails with the errno of opening the device. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xpmem_ext.h>

#define SKIPPED 77

static int failed;

static void expect_no_device(const char *call, long result)
{
	int error = errno;

	errno = 0;
	if (result == -1 && (error == ENOENT || error == ENXIO))
		return;
	fprintf(stderr, "%s: %ld, %s\n", call, result, strerror(error));
	failed = 1;
}

#define EXPECT_NO_DEVICE(call) expect_no_device(#call, (long)(call))

int main(void)
{
	struct xpmem_capabilities capabilities;
	struct xpmem_addr address = { .apid = 1 };
	char *page = NULL;

	if (!access("/dev/xpmem", F_OK)) {
		fprintf(stderr, "this machine has the device: nothing to see here\n");
		return SKIPPED;
	}
	EXPECT_NO_DEVICE(xpmem_init());
	EXPECT_NO_DEVICE(xpmem_version());
	EXPECT_NO_DEVICE(xpmem_make(page, 4096, XPMEM_PERMIT_MODE, (void *)0600));
	EXPECT_NO_DEVICE(xpmem_remove(1));
	EXPECT_NO_DEVICE(xpmem_get(1, XPMEM_RDWR, XPMEM_PERMIT_MODE, NULL));
	EXPECT_NO_DEVICE(xpmem_release(1));
	EXPECT_NO_DEVICE(xpmem_attach(address, 4096, NULL));
	EXPECT_NO_DEVICE(xpmem_attach(address, 4096, (void *)0x10000));
	EXPECT_NO_DEVICE(xpmem_detach(page));
	EXPECT_NO_DEVICE(xpmem_ioctl(XPMEM_CMD_VERSION, NULL));
	EXPECT_NO_DEVICE(xpmem_query(&capabilities));
	EXPECT_NO_DEVICE(xpmem_make_segment(page, 4096, 0600, 0, "name"));
	EXPECT_NO_DEVICE(xpmem_segment_fd(1, XPMEM_RDWR));
	EXPECT_NO_DEVICE(xpmem_get_fd(0, XPMEM_RDWR, NULL));
	EXPECT_NO_DEVICE(xpmem_get_segment(1, XPMEM_RDWR, NULL));
	EXPECT_NO_DEVICE(xpmem_attach_range(1, 0, 4096, NULL, 0, NULL));
	return failed;
}
