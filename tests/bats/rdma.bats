#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# XPMEM_VM_ONE_THREAD: a tunnel of UDP, which the device opens, switches static keys.
# An RDMA device (in software, over a network device that leads nowhere) moves data to and from
# attachments.

load helpers

setup_file() {
	modprobe -a dummy rdma_rxe || skip "this kernel has no RDMA over Ethernet in software"
	ip link add xpmem0 type dummy
	ip address add 10.250.0.1/24 dev xpmem0
	ip link set xpmem0 up
	rdma link add xpmem_rxe type rxe netdev xpmem0
}

teardown_file() {
	[[ -e /sys/class/net/xpmem0 ]] || return 0
	rdma link delete xpmem_rxe
	ip link delete xpmem0
}

@test "memory file" {
	run_case rdma memory-file
}

@test "anonymous shared memory" {
	run_case rdma anonymous-shared-memory
}

@test "untouched memory" {
	run_case rdma untouched-memory
}

@test "registered meanwhile" {
	run_case rdma registered-meanwhile
}

@test "read only" {
	run_case rdma read-only
}

@test "private memory" {
	run_case rdma private-memory
}

@test "private huge page" {
	run_case rdma private-huge-page
}

@test "every case of the program has a test" {
	is "$(cases_without_test rdma "$BATS_TEST_FILENAME")" ""
}
