#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Attachments as fixed buffers of io_uring.

load helpers

setup_file() {
	disk_mount
}

teardown_file() {
	disk_unmount
}

@test "cases of io-uring" {
	run_cases io-uring
}
