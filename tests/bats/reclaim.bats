#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Exported memory can be reclaimed, and nothing written is lost.

load helpers

setup_file() {
	swap_add 64M
}

teardown_file() {
	swap_remove
}

@test "written by the attacher" {
	run_case reclaim written-by-the-attacher
}

@test "read back by the attacher" {
	run_case reclaim read-back-by-the-attacher
}

@test "written after swap in" {
	run_case reclaim written-after-swap-in
}

@test "written after madvise free" {
	run_case reclaim written-after-madvise-free
}

@test "written before and after madvise free" {
	run_case reclaim written-before-and-after-madvise-free
}

@test "unmapped after reclaim" {
	run_case reclaim unmapped-after-reclaim
}

@test "swapped out before attach" {
	run_case reclaim swapped-out-before-attach
}

@test "every case of the program has a test" {
	is "$(cases_without_test reclaim "$BATS_TEST_FILENAME")" ""
}
