/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An attachment is the packet memory (umem) of an AF_XDP socket, which pins it for long. Frames go
 * between the two ends of a veth device, one of which the socket has. An ordinary packet socket of
 * the exporter has the other. The frames are in the exporter's memory.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pinning.h"

#define OWN_END "xpmem-xdp0"	/* that of the AF_XDP socket; the suite makes both */
#define OTHER_END "xpmem-xdp1"
#define PROTOCOL 0x88b5		/* for experiments */
#define ENTRIES 8		/* of a ring */
#define PATIENCE 30000		/* milliseconds */

struct frame {
	struct ethhdr header;
	unsigned char data[1000];
};

struct ring {
	_Atomic uint32_t *producer, *consumer;
	void *entries;
};

/* of the exporter */
static int packets;

/* of the attacher */
static int xdp = -1, redirection = -1;
static struct ring fill_ring, completion_ring, receive_ring, send_ring;

static void set_option(int name, void *value, socklen_t length)
{
	CHECK_OK(answer(setsockopt(xdp, SOL_XDP, name, value, length)));
}

static void make_ring(struct ring *ring, int name, long page_offset, long entry_length)
{
	struct xdp_mmap_offsets all;
	socklen_t length = sizeof(all);
	const struct xdp_ring_offset *offsets = name == XDP_RX_RING	   ? &all.rx :
						name == XDP_TX_RING	   ? &all.tx :
						name == XDP_UMEM_FILL_RING ? &all.fr :
									     &all.cr;
	int entries = ENTRIES;
	char *start;

	set_option(name, &entries, sizeof(entries));
	CHECK_OK(answer(getsockopt(xdp, SOL_XDP, XDP_MMAP_OFFSETS, &all, &length)));
	start = mmap(NULL, offsets->desc + ENTRIES * entry_length, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_POPULATE, xdp, page_offset);
	CHECK(start != MAP_FAILED);
	ring->producer = (void *)(start + offsets->producer);
	ring->consumer = (void *)(start + offsets->consumer);
	ring->entries = start + offsets->desc;
}

/* Gives the attachment to a socket as its packet memory, in chunks of a page. */
static long do_register(const long *address_length)
{
	struct xdp_umem_reg memory = {
		.addr = address_length[0],
		.len = address_length[1],
		.chunk_size = PAGE,
	};

	xdp = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (xdp < 0)
		return -errno;
	return answer(setsockopt(xdp, SOL_XDP, XDP_UMEM_REG, &memory, sizeof(memory)));
}

static long do_bind(const long *none)
{
	struct sockaddr_xdp address = {
		.sxdp_family = AF_XDP,
		.sxdp_flags = XDP_COPY,
		.sxdp_ifindex = if_nametoindex(OWN_END),
	};

	(void)none;
	make_ring(&fill_ring, XDP_UMEM_FILL_RING, XDP_UMEM_PGOFF_FILL_RING, sizeof(uint64_t));
	make_ring(&completion_ring, XDP_UMEM_COMPLETION_RING, XDP_UMEM_PGOFF_COMPLETION_RING,
		  sizeof(uint64_t));
	make_ring(&receive_ring, XDP_RX_RING, XDP_PGOFF_RX_RING, sizeof(struct xdp_desc));
	make_ring(&send_ring, XDP_TX_RING, XDP_PGOFF_TX_RING, sizeof(struct xdp_desc));
	return answer(bind(xdp, (struct sockaddr *)&address, sizeof(address)));
}

static long bpf(int command, union bpf_attr *attributes)
{
	return answer(syscall(SYS_bpf, command, attributes, sizeof(*attributes)));
}

static long load_program(int map)
{
	const struct bpf_insn program[] = {
		/* bpf_redirect_map(map, 0, XDP_PASS) */
		{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_1,
		  .src_reg = BPF_PSEUDO_MAP_FD, .imm = map },
		{ .imm = 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.insns = (uintptr_t)program,
		.insn_cnt = sizeof(program) / sizeof(program[0]),
		.license = (uintptr_t)"GPL",
	};

	return bpf(BPF_PROG_LOAD, &attributes);
}

/* Has the device give all that arrives to the socket. */
static long do_redirect(const long *none)
{
	union bpf_attr map = {
		.map_type = BPF_MAP_TYPE_XSKMAP,
		.key_size = sizeof(int),
		.value_size = sizeof(int),
		.max_entries = 1,
	}, element = { .flags = BPF_ANY }, link = { .link_create = {
		.target_ifindex = if_nametoindex(OWN_END),
		.attach_type = BPF_XDP,
		.flags = XDP_FLAGS_SKB_MODE,
	} };
	int key = 0, file = CHECK_OK(bpf(BPF_MAP_CREATE, &map));

	(void)none;
	element.map_fd = file;
	element.key = (uintptr_t)&key;
	element.value = (uintptr_t)&xdp;
	CHECK_OK(bpf(BPF_MAP_UPDATE_ELEM, &element));
	link.link_create.prog_fd = CHECK_OK(load_program(file));
	redirection = bpf(BPF_LINK_CREATE, &link);
	return redirection;
}

static long await_produced(struct ring *ring, uint32_t number)
{
	int turn;

	for (turn = 0; turn < PATIENCE; turn++) {
		if (atomic_load(ring->producer) == number)
			return 0;
		usleep(1000);
	}
	return -ETIME;
}

/* Sends the frame at an offset of the memory. Each socket sends one. */
static long do_send(const long *offset_length)
{
	struct xdp_desc *entry = send_ring.entries;

	entry->addr = offset_length[0];
	entry->len = offset_length[1];
	entry->options = 0;
	atomic_store(send_ring.producer, 1);
	CHECK_OK(answer(sendto(xdp, NULL, 0, MSG_DONTWAIT, NULL, 0)));
	CHECK_OK(await_produced(&completion_ring, 1));
	return *(uint64_t *)completion_ring.entries == (uint64_t)offset_length[0] ? 0 : -EINVAL;
}

static long do_offer(const long *offset)
{
	*(uint64_t *)fill_ring.entries = offset[0];
	atomic_store(fill_ring.producer, 1);
	return 0;
}

/* Answers the offset of the frame that arrived. */
static long do_await_frame(const long *length)
{
	const struct xdp_desc *entry = receive_ring.entries;

	CHECK_OK(await_produced(&receive_ring, 1));
	return entry->len == length[0] ? (long)entry->addr : -EMSGSIZE;
}

static void open_other_end(void)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(PROTOCOL),
		.sll_ifindex = if_nametoindex(OTHER_END),
	};

	if (!address.sll_ifindex)
		SKIP("there is no veth device");
	packets = CHECK_OK(answer(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(PROTOCOL))));
	CHECK_OK(answer(bind(packets, (struct sockaddr *)&address, sizeof(address))));
}

static struct frame frame_of(int seed)
{
	struct frame frame = { .header.h_proto = htons(PROTOCOL) };
	size_t i;

	memset(frame.header.h_dest, 0xff, sizeof(frame.header.h_dest));
	frame.header.h_source[0] = 2;
	for (i = 0; i < sizeof(frame.data); i++)
		frame.data[i] = seed + i;
	return frame;
}

static void check_frame_arrives(const struct frame *frame)
{
	struct pollfd poll_for = { .fd = packets, .events = POLLIN };
	struct frame arrived;

	CHECK_EQ(CHECK_OK(answer(poll(&poll_for, 1, PATIENCE))), 1);
	CHECK_EQ(answer(recv(packets, &arrived, sizeof(arrived), 0)), sizeof(arrived));
	CHECK_EQ(memcmp(&arrived, frame, sizeof(arrived)), 0);
}

static void share_filled(long memory, long length)
{
	open_other_end();
	start();
	fill(memory, length, 1);
	share_as(memory, length, 0);
}

static void attach_without_flag(void)
{
	at = CHECK_OK(on(attacher, do_attach_segment, segid, 0, LENGTH));
}

static void register_attachment(long length)
{
	long result = on(attacher, do_register, at, length);

	if (result == -EAFNOSUPPORT)
		SKIP("this kernel has no AF_XDP");
	CHECK_OK(result);
	CHECK_OK(on(attacher, do_bind, 0));
}

static void check_sent(long offset)
{
	struct frame frame = frame_of(1);

	memcpy((void *)(page + offset), &frame, sizeof(frame));
	CHECK_OK(on(attacher, do_send, offset, sizeof(frame)));
	check_frame_arrives(&frame);
}

static void check_received(long offset)
{
	struct frame frame = frame_of(2);
	long found;

	CHECK_OK(on(attacher, do_redirect, 0));
	CHECK_OK(on(attacher, do_offer, offset));
	CHECK_EQ(answer(send(packets, &frame, sizeof(frame), 0)), sizeof(frame));
	found = CHECK_OK(on(attacher, do_await_frame, sizeof(frame)));
	CHECK(found >= offset && found < offset + PAGE);
	CHECK_EQ(memcmp((void *)(page + found), &frame, sizeof(frame)), 0);
}

static void check_both_ways(long length)
{
	register_attachment(length);
	check_sent(3 * PAGE);
	check_received(5 * PAGE);
}

CASE(pinnable)
{
	share_filled(small_pages(), LENGTH);
	check_both_ways(LENGTH);
}

CASE(pinnable_huge_page)
{
	share_filled(map_huge(HUGE_PAGE), HUGE_PAGE);
	check_both_ways(HUGE_PAGE);
}

CASE(shared_memory)
{
	share_filled(map_shared(LENGTH), LENGTH);
	attach_without_flag();
	check_both_ways(LENGTH);
}

/* The socket keeps the pages, though the processor reaches them no more. */
CASE(removed_under_the_socket)
{
	share_filled(small_pages(), LENGTH);
	register_attachment(LENGTH);
	CHECK_OK(REMOVE(.segid = segid));
	CHECK_EQ(on(attacher, do_load, at), GOT_SIGBUS);
	check_sent(3 * PAGE);
	check_received(5 * PAGE);
}

CASE(ordinary_attachment)
{
	share_filled(small_pages(), LENGTH);
	register_attachment(LENGTH);
	attach_without_flag();
	CHECK_EQ(on(attacher, do_register, at, LENGTH), -EFAULT);
	CHECK_EQ(on(attacher, do_verify, at, LENGTH, 1), 0);
	CHECK_EQ(on(attacher, do_register, at, LENGTH), -EFAULT);
}
