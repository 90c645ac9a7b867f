#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Pinnable attachments of private memory, whose pages a driver of the tests pins.

load helpers

setup_file() {
	swap_add 64M
	disk_mount
	mkdir /sys/fs/cgroup/xpmem-pinnable
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control || true
	lacking=$(importer_load) || export lacking
}

# Bats cannot skip all tests in setup_file.
setup() {
	[[ -z ${lacking:-} ]] || skip "$lacking"
}

teardown_file() {
	importer_unload
	rmdir /sys/fs/cgroup/xpmem-pinnable
	disk_unmount
	swap_remove
}

@test "cases of pinnable" {
	run_cases pinnable
}
