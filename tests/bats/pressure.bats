#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Too little memory: reclaim and the OOM killer amid faults; nothing is lost, and nothing is left.

load helpers

setup_file() {
	swap_add 96M
}

teardown_file() {
	swap_remove
}

@test "attacher writes more than the exporter may have" {
	run_case pressure attacher-writes-more-than-the-exporter-may-have
}

@test "mutual attach without enough memory" {
	run_case pressure mutual-attach-without-enough-memory
}

@test "exporter is killed amid the attachers faults" {
	run_case pressure exporter-is-killed-amid-the-attachers-faults
}

@test "attacher is killed amid its faults" {
	run_case pressure attacher-is-killed-amid-its-faults
}

@test "attacher is killed for its page tables" {
	run_case pressure attacher-is-killed-for-its-page-tables
}

@test "one of two is killed" {
	run_case pressure one-of-two-is-killed
}

@test "every case of the program has a test" {
	is "$(cases_without_test pressure "$BATS_TEST_FILENAME")" ""
}
