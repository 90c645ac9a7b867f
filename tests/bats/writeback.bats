#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What an attacher writes to a shared file reaches the disk.

load helpers

setup_file() {
	disk_mount
}

teardown_file() {
	disk_unmount
}

@test "written back each time" {
	run_case writeback written-back-each-time
}

@test "read before written" {
	run_case writeback read-before-written
}

@test "both write" {
	run_case writeback both-write
}

@test "instruction on a page" {
	run_case writeback instruction-on-a-page
}

@test "after the exporter unmapped" {
	run_case writeback after-the-exporter-unmapped
}

@test "after the attacher was killed" {
	run_case writeback after-the-attacher-was-killed
}

@test "caches dropped" {
	run_case writeback caches-dropped
}

@test "counted while written back" {
	run_case writeback counted-while-written-back
}

@test "every case of the program has a test" {
	is "$(cases_without_test writeback "$BATS_TEST_FILENAME")" ""
}
