#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What one user may hold.

load helpers

teardown() {
	local name

	for name in max_segments max_permits max_attachments; do
		set_parameter "$name" 1048576
	done
	rmdir /sys/fs/cgroup/xpmem-limits 2>/dev/null || true
}

@test "cases of limits" {
	run_cases limits
}
