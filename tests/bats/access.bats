#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Nobody writes through an attachment what they may only read.

load helpers

setup_file() {
	disk_mount
	importer_load || true
}

teardown_file() {
	disk_unmount
	importer_unload
}

@test "cases of access" {
	run_cases access
}
