#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Writes of an attacher to a shared file reach the disk.

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
