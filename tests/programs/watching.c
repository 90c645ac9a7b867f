/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "watching.h"

int watch_file = -1;

long watch(long address, long length, int mode, long features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	struct uffdio_register range = { .range = { address, length }, .mode = mode };

	watch_file = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (watch_file < 0)
		return -errno;
	if (ioctl(watch_file, UFFDIO_API, &api) || ioctl(watch_file, UFFDIO_REGISTER, &range))
		return -errno;
	return 0;
}

void watch_writes(long address, long length)
{
	long result = watch(address, length, UFFDIO_REGISTER_MODE_WP,
			    UFFD_FEATURE_PAGEFAULT_FLAG_WP);

	if (result == -ENOSYS || result == -EINVAL)
		SKIP("this kernel does not protect such memory");
	CHECK_OK(result);
}

void protect_writes(long address, bool on)
{
	struct uffdio_writeprotect range = {
		.range = { address, PAGE },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	CHECK_OK(answer(ioctl(watch_file, UFFDIO_WRITEPROTECT, &range)));
}

long next_fault(unsigned long flags)
{
	struct pollfd ready = { .fd = watch_file, .events = POLLIN };
	struct uffd_msg message;

	CHECK_EQ(poll(&ready, 1, -1), 1);
	CHECK_EQ(answer(read(watch_file, &message, sizeof(message))), sizeof(message));
	CHECK_EQ(message.event, UFFD_EVENT_PAGEFAULT);
	CHECK_EQ(message.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP, flags);
	return message.arg.pagefault.address & -PAGE;
}
