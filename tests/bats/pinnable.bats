#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Pinnable attachments of private memory, whose pages a driver of the tests pins.

load helpers

setup_file() {
	disk_mount
	lacking=$(importer_load) || export lacking
}

# Bats cannot skip all tests in setup_file.
setup() {
	[[ -z ${lacking:-} ]] || skip "$lacking"
}

teardown_file() {
	importer_unload
	disk_unmount
}

@test "cases of pinnable" {
	run_cases pinnable
}
