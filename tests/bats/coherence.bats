#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# An attachment shows what the exporter has at that address at that moment.

load helpers

setup_file() {
	disk_mount
}

teardown_file() {
	disk_unmount
}

@test "cases of coherence" {
	run_cases coherence
}
