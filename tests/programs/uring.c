/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "device.h"
#include "uring.h"

struct io_uring ring;

long do_open_ring(const long *none)
{
	(void)none;
	return io_uring_queue_init(4, &ring, 0);
}

long do_register(const long *address_length)
{
	struct iovec buffer = { (void *)address_length[0], address_length[1] };

	return io_uring_register_buffers(&ring, &buffer, 1);
}

long complete(unsigned int *flags)
{
	struct io_uring_cqe *completion;
	long result;

	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_EQ(io_uring_wait_cqe(&ring, &completion), 0);
	result = completion->res;
	*flags = completion->flags;
	io_uring_cqe_seen(&ring, completion);
	return result;
}
