#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The pages of pinnable attachments, while the exporter and the kernel do all they can with them.

load helpers

setup_file() {
	swap_add 64M
	mkdir /sys/fs/cgroup/xpmem-pins
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control || true
	lacking=$(importer_load) || export lacking
}

# Bats cannot skip all tests in setup_file.
setup() {
	[[ -z ${lacking:-} ]] || skip "$lacking"
}

teardown_file() {
	importer_unload
	rmdir /sys/fs/cgroup/xpmem-pins
	swap_remove
}

@test "cases of pins" {
	run_cases pins
}
