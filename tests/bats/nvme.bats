#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A disk that reads and writes attachments by DMA.

load helpers

setup_file() {
	if modprobe -q nvme && within 20 test -b /dev/nvme0n1; then
		export XPMEM_TEST_NVME=/dev/nvme0n1
	else
		export lacking="there is no NVMe disk"
	fi
}

# Bats cannot skip all tests in setup_file.
setup() {
	[[ -z ${lacking:-} ]] || skip "$lacking"
}

teardown_file() {
	modprobe -qr nvme || true
}

@test "cases of nvme" {
	run_cases nvme
}
