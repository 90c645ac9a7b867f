#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Segments as dma-bufs, imported by a driver of the tests.

load helpers

setup_file() {
	insmod "$XPMEM_BUILD/tests/importer/xpmem-importer.ko" ||
		export lacking="this kernel has no dma-bufs"
}

# Bats cannot skip all tests in setup_file.
setup() {
	[[ -z ${lacking:-} ]] || skip "$lacking"
}

teardown_file() {
	rmmod xpmem-importer 2>/dev/null || true
}

@test "cases of dmabuf" {
	run_cases dmabuf
}
