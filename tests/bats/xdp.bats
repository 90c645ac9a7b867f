#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# XPMEM_VM_ONE_THREAD: XDP switches static keys, and patches its dispatchers.
# Attachments as packet memory of AF_XDP sockets.

load helpers

setup_file() {
	ip link add xpmem-xdp0 type veth peer name xpmem-xdp1 || {
		export lacking="this kernel has no veth device"
		return
	}
	ip link set xpmem-xdp0 up
	ip link set xpmem-xdp1 up
}

# Bats cannot skip all tests in setup_file.
setup() {
	[[ -z ${lacking:-} ]] || skip "$lacking"
}

teardown_file() {
	ip link delete xpmem-xdp0 2>/dev/null || true
}

@test "cases of xdp" {
	run_cases xdp
}
