#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A user may hold a limited number of objects.

load helpers

teardown() {
	local name

	for name in max_segments max_permits max_attachments; do
		set_parameter "$name" 1048576
	done
	rmdir /sys/fs/cgroup/xpmem-limits 2>/dev/null || true
}

limits_in_log() {
	dmesg | grep -c 'refused a segment to pid [0-9]*: uid 4001 holds .*max_segments' || true
}

limited_with_a_line_in_the_log() {
	run_x limits-cases segments
	(($(limits_in_log) > $1))
}

@test "cases of limits" {
	run_cases limits
}

@test "the log says which limit was reached" {
	local before

	before=$(limits_in_log)
	# If many refusals occur in a short time, only some are logged.
	within 30 limited_with_a_line_in_the_log "$before"
}
