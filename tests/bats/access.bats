#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Nobody writes through an attachment what they may only read.

load helpers

setup_file() {
	disk_mount
	insmod "$XPMEM_BUILD/tests/importer/xpmem-importer.ko" || echo "this kernel has no dma-bufs"
}

teardown_file() {
	disk_unmount
	rmmod xpmem-importer 2>/dev/null || true
}

@test "cases of access" {
	run_cases access
}
