#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Changes, ends and touches that meet. ./vm race runs every pair of operations with a build of the
# module that widens the windows between its steps.

load helpers

setup_file() {
	insmod "$XPMEM_BUILD/tests/notifier/xpmem-notifier.ko"
	disk_mount
}

teardown_file() {
	swap_remove
	disk_unmount
	rmmod xpmem-notifier 2>/dev/null || true
}

@test "cases of race" {
	run_cases race
}

@test "cases of teardown" {
	run_cases teardown
}

@test "cases of endurance" {
	run_cases endurance
}

@test "cases of notifier" {
	run_cases notifier
}

@test "registers a notifier: pages of a relative are paged out" {
	swap_add 16M
	run_case notifier pages-of-a-relative-are-paged-out
}
