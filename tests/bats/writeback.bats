#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What an attacher writes to a shared file reaches the disk.

load helpers

setup_file() {
	disk_mount
}

teardown_file() {
	disk_unmount
}

@test "cases of writeback" {
	run_cases writeback
}
