#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# XPMEM_VM_ONE_THREAD: a tunnel of UDP, which the device opens, switches static keys.
# An RDMA device (in software, over a network device that leads nowhere) moves data to and from
# attachments.

load helpers

setup_file() {
	if ! modprobe -a dummy rdma_rxe; then
		export lacking="this kernel has no RDMA over Ethernet in software"
		return
	fi
	ip link add xpmem0 type dummy
	ip address add 10.250.0.1/24 dev xpmem0
	ip link set xpmem0 up
	rdma link add xpmem_rxe type rxe netdev xpmem0
}

# Bats cannot skip all tests in setup_file.
setup() {
	[[ -z ${lacking:-} ]] || skip "$lacking"
}

teardown_file() {
	[[ -e /sys/class/net/xpmem0 ]] || return 0
	rdma link delete xpmem_rxe
	ip link delete xpmem0
}

@test "cases of rdma" {
	run_cases rdma
}
