/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registration of attachments with an RDMA device, and data that the device moves to and from them.
 * Two queue pairs of one process, connected to each other, are both ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <infiniband/verbs.h>
#include <string.h>

#include "device.h"

#define LENGTH (16 * PAGE)
#define ALL_ACCESS (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ)

static struct peer *attacher;
static long page, segid, at, flags;	/* flags of the attachment */

/* of the attacher */
static struct ibv_context *context;
static struct ibv_pd *domain;
static struct ibv_cq *completions;
static struct ibv_qp *ends[2];
static struct ibv_mr *attached, *local;

static long buffer;

static void share(long memory)
{
	CHECK_OK(device_open());
	page = memory;
	fill(page, LENGTH, 1);
	attacher = peer_start();
	segid = CHECK_OK(export_range(page, LENGTH));
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH, flags));
}

/* the index of the port's address that is an IPv4 one */
static int find_gid(union ibv_gid *gid)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	int index;

	for (index = 0; !ibv_query_gid(context, 1, index, gid); index++)
		if (!memcmp(gid->raw, mapped, sizeof(mapped)))
			return index;
	return -ENOENT;
}

static long connect_to(struct ibv_qp *end, struct ibv_qp *other)
{
	struct ibv_qp_attr attributes = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qp_access_flags = ALL_ACCESS,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = other->qp_num,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = { .is_global = 1, .port_num = 1, .grh.hop_limit = 1 },
		.timeout = 18,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.max_rd_atomic = 1,
	};
	int gid = find_gid(&attributes.ah_attr.grh.dgid);

	if (gid < 0)
		return gid;
	attributes.ah_attr.grh.sgid_index = gid;
	if (ibv_modify_qp(end, &attributes,
			  IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS))
		return -errno;
	attributes.qp_state = IBV_QPS_RTR;
	if (ibv_modify_qp(end, &attributes,
			  IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
				  IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER))
		return -errno;
	attributes.qp_state = IBV_QPS_RTS;
	if (ibv_modify_qp(end, &attributes,
			  IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				  IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC))
		return -errno;
	return 0;
}

/* -ENODEV without a device */
static long do_open_rdma(const long *none)
{
	struct ibv_device **devices = ibv_get_device_list(NULL);
	struct ibv_qp_init_attr attributes = { .qp_type = IBV_QPT_RC, .cap = { 4, 4, 1, 1, 0 } };
	int i;

	(void)none;
	if (!devices || !devices[0])
		return -ENODEV;
	context = ibv_open_device(devices[0]);
	ibv_free_device_list(devices);
	CHECK(context);
	domain = ibv_alloc_pd(context);
	completions = ibv_create_cq(context, 8, NULL, NULL, 0);
	CHECK(domain && completions);
	attributes.send_cq = attributes.recv_cq = completions;
	for (i = 0; i < 2; i++)
		CHECK((ends[i] = ibv_create_qp(domain, &attributes)));
	buffer = map_anonymous(LENGTH);
	CHECK((local = ibv_reg_mr(domain, (void *)buffer, LENGTH, ALL_ACCESS)));
	CHECK_OK(connect_to(ends[0], ends[1]));
	CHECK_OK(connect_to(ends[1], ends[0]));
	return 0;
}

static long do_register(const long *address_length_access)
{
	const long *a = address_length_access;

	attached = ibv_reg_mr(domain, (void *)a[0], a[1], a[2]);
	return attached ? 0 : -errno;
}

static long do_deregister(const long *none)
{
	(void)none;
	return -ibv_dereg_mr(attached);
}

/*
 * moves all of the buffer to or from the attachment; the status of the completion is negative if it
 * failed
 */
static long transfer(enum ibv_wr_opcode what)
{
	struct ibv_sge piece = { .addr = buffer, .length = LENGTH, .lkey = local->lkey };
	struct ibv_send_wr request = {
		.sg_list = &piece, .num_sge = 1, .opcode = what, .send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = (uintptr_t)attached->addr, .rkey = attached->rkey },
	}, *bad;
	struct ibv_wc completion;
	int found;

	if (ibv_post_send(ends[0], &request, &bad))
		return -errno;
	do
		found = ibv_poll_cq(completions, 1, &completion);
	while (!found);
	return found < 0 ? found : -(long)completion.status;
}

static long do_rdma_write(const long *seed)
{
	fill(buffer, LENGTH, seed[0]);
	return transfer(IBV_WR_RDMA_WRITE);
}

/* words that differ */
static long do_rdma_read(const long *seed)
{
	long result;

	memset((void *)buffer, 0, LENGTH);
	result = transfer(IBV_WR_RDMA_READ);
	return result ? result : verify(buffer, LENGTH, seed[0]);
}

static void open_rdma(void)
{
	long result = on(attacher, do_open_rdma, 0);

	if (result == -ENODEV)
		SKIP("no RDMA device");
	CHECK_OK(result);
}

static void check_transfers(void)
{
	open_rdma();
	CHECK_OK(on(attacher, do_register, at, LENGTH, ALL_ACCESS));
	CHECK_EQ(on(attacher, do_rdma_read, 1), 0);
	CHECK_EQ(on(attacher, do_rdma_write, 2), 0);
	CHECK_EQ(verify(page, LENGTH, 2), 0);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 2), 0);
	fill(page, LENGTH, 3);
	CHECK_EQ(on(attacher, do_rdma_read, 3), 0);
	CHECK_OK(on(attacher, do_deregister, 0));
}

CASE(memory_file)
{
	share(map_shared(LENGTH));
	check_transfers();
}

CASE(anonymous_shared_memory)
{
	share((long)mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	check_transfers();
}

/* the device comes before any touch */
CASE(untouched_memory)
{
	CHECK_OK(device_open());
	page = map_shared(LENGTH);
	attacher = peer_start();
	at = CHECK_OK(on(attacher, do_attach_segment, export_range(page, LENGTH), 0, LENGTH));
	open_rdma();
	CHECK_OK(on(attacher, do_register, at, LENGTH, ALL_ACCESS));
	CHECK_EQ(on(attacher, do_rdma_write, 5), 0);
	CHECK_EQ(verify(page, LENGTH, 5), 0);
}

/* what the device has stays where it is, and goes on being what the exporter has */
CASE(registered_meanwhile)
{
	share(map_shared(LENGTH));
	open_rdma();
	CHECK_OK(on(attacher, do_register, at, LENGTH, ALL_ACCESS));
	write_file("/proc/sys/vm/drop_caches", "3");
	write_file("/proc/sys/vm/compact_memory", "1");
	CHECK_EQ(on(attacher, do_rdma_write, 2), 0);
	CHECK_EQ(verify(page, LENGTH, 2), 0);
	/*
	 * the segment goes: the processor's way ends, what was given to the device lasts until it
	 * gives it back
	 */
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	CHECK_EQ(on(attacher, do_rdma_write, 3), 0);
	CHECK_EQ(verify(page, LENGTH, 3), 0);
	CHECK_OK(on(attacher, do_deregister, 0));
}

static long do_map_for_reading(const long *file)
{
	return map_file(file[0], LENGTH, PROT_READ, MAP_SHARED);
}

/*
 * for the device to write: never; for it to read: where the kernel allows it of any read-only
 * mapping (Linux 6.2)
 */
CASE(read_only)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	long allowed;

	share(map_shared(LENGTH));
	open_rdma();
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH, XPMEM_ATTACH_RDONLY));
	CHECK_EQ(on(attacher, do_register, at, LENGTH, ALL_ACCESS), -EFAULT);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	allowed = on(attacher, do_register, CHECK_OK(on(attacher, do_map_for_reading, file)),
		     LENGTH, IBV_ACCESS_REMOTE_READ);
	CHECK_EQ(on(attacher, do_register, at, LENGTH, IBV_ACCESS_REMOTE_READ), allowed);
	if (!allowed) {
		CHECK_EQ(on(attacher, do_rdma_read, 1), 0);
		CHECK(on(attacher, do_rdma_write, 2) < 0);
	}
	CHECK_EQ(verify(page, LENGTH, 1), 0);
}

static void check_private(long memory)
{
	share(memory);
	open_rdma();
	CHECK_EQ(on(attacher, do_register, at, LENGTH, ALL_ACCESS), -EFAULT);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_EQ(on(attacher, do_register, at, LENGTH, ALL_ACCESS), -EFAULT);
	CHECK_EQ(on(attacher, do_register, at, LENGTH, IBV_ACCESS_REMOTE_READ), -EFAULT);
}

CASE(private_memory)
{
	check_private(map_anonymous(LENGTH));
}

CASE(private_huge_page)
{
	check_private(map_huge(2 * MIB));
}

static void use_pinnable_attachments(void)
{
	CHECK_OK(device_open());
	if (!device_has(XPMEM_FEATURE_PINNABLE))
		SKIP("this kernel has no pinnable attachments");
	flags = XPMEM_ATTACH_PINNABLE;
}

CASE(pinnable)
{
	use_pinnable_attachments();
	share(map_anonymous(LENGTH));
	check_transfers();
}

CASE(pinnable_huge_page)
{
	use_pinnable_attachments();
	share(map_huge(HUGE_PAGE));
	check_transfers();
}

/* The device moves data both ways, between forks of the exporter and under them. */
CASE(pinnable_and_forks)
{
	struct peer *child;
	int turn;

	use_pinnable_attachments();
	share(map_anonymous(LENGTH));
	open_rdma();
	CHECK_OK(on(attacher, do_register, at, LENGTH, ALL_ACCESS));
	for (turn = 0; turn < 5; turn++) {
		fill(page, LENGTH, 10 + turn);
		child = peer_fork();
		CHECK_EQ(on(attacher, do_rdma_read, 10 + turn), 0);
		CHECK_EQ(on(attacher, do_rdma_write, 20 + turn), 0);
		CHECK_EQ(verify(page, LENGTH, 20 + turn), 0);
		CHECK_EQ(on(child, do_verify, page, LENGTH, 10 + turn), 0);
		fill(page, LENGTH, 30 + turn);
		CHECK_EQ(on(attacher, do_rdma_read, 30 + turn), 0);
		peer_end(child, 0);
	}
	CHECK_OK(on(attacher, do_deregister, 0));
}
