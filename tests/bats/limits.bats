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

@test "segments" {
	run_case limits segments
}

@test "permits" {
	run_case limits permits
}

@test "attachments" {
	run_case limits attachments
}

@test "legacy" {
	run_case limits legacy
}

@test "privileged" {
	run_case limits privileged
}

@test "none" {
	run_case limits none
}

@test "user namespace" {
	run_case limits user-namespace
}

@test "subordinate users" {
	run_case limits subordinate-users
}

@test "subordinate users race" {
	run_case limits subordinate-users-race
}

@test "racing threads" {
	run_case limits racing-threads
}

@test "charged to the cgroup" {
	run_case limits charged-to-the-cgroup
}

@test "stopped in its cgroup" {
	run_case limits stopped-in-its-cgroup
}

@test "every case of the program has a test" {
	is "$(cases_without_test limits "$BATS_TEST_FILENAME")" ""
}
