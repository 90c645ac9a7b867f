#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Attachments as fixed buffers of io_uring.

load helpers

setup_file() {
	disk_mount
}

teardown_file() {
	disk_unmount
}

@test "fixed buffer" {
	run_case io-uring fixed-buffer
}

@test "detached meanwhile" {
	run_case io-uring detached-meanwhile
}

@test "private memory" {
	run_case io-uring private-memory
}

@test "private huge page" {
	run_case io-uring private-huge-page
}

@test "every case of the program has a test" {
	is "$(cases_without_test io-uring "$BATS_TEST_FILENAME")" ""
}
