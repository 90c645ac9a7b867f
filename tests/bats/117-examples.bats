#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The programs of doc/examples do what they say.

load helpers

setup_file() {
	disk_mount
}

teardown_file() {
	disk_unmount
}

@test "mutex" {
	run_x example-mutex
	is "$output" "the holder died at 1"
}

@test "wait" {
	run_x example-wait
	is "$output" "the answer is 42"
}

@test "direct io" {
	run_x example-direct-io "$XPMEM_TEST_DISK/file"
	is "$output" "1048576 bytes written"
	is "$(tr -d x <"$XPMEM_TEST_DISK/file" | wc -c) $(wc -c <"$XPMEM_TEST_DISK/file")" "0 1048576"
}

@test "dmabuf" {
	run_x '?' example-dmabuf
	[[ $output != *"Operation not supported"* ]] || skip "this kernel has no dma-bufs"
	is "$output" "a dma-buf of 1048576 bytes"
}
