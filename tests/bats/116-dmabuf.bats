#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Segments as dma-bufs, imported by a driver of the tests.

load helpers

setup_file() {
	insmod "$XPMEM_BUILD/tests/importer/xpmem-importer.ko" ||
		skip_later "this kernel has no dma-bufs"
}

setup() {
	skip_if_told
}

teardown_file() {
	rmmod xpmem-importer 2>/dev/null || true
}

@test "cases of dmabuf" {
	run_cases dmabuf
}
