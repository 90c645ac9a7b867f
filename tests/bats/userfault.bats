#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Source memory whose pages a program supplies through userfaultfd.

load helpers

@test "missing" {
	run_case userfault missing
}

@test "missing shared memory" {
	run_case userfault missing-shared-memory
}

@test "missing again" {
	run_case userfault missing-again
}

@test "zero page supplied" {
	run_case userfault zero-page-supplied
}

@test "write protected" {
	run_case userfault write-protected
}

@test "write protected shared memory" {
	run_case userfault write-protected-shared-memory
}

@test "populate does not wait" {
	run_case userfault populate-does-not-wait
}

@test "killed while waiting" {
	run_case userfault killed-while-waiting
}

@test "killed while waiting for shared memory" {
	run_case userfault killed-while-waiting-for-shared-memory
}

@test "killed in a system call" {
	run_case userfault killed-in-a-system-call
}

@test "given to a device" {
	run_case userfault given-to-a-device
}

@test "killed while given to a device" {
	run_case userfault killed-while-given-to-a-device
}

@test "unmapped while given to a device" {
	run_case userfault unmapped-while-given-to-a-device
}

@test "unmapped while waiting" {
	run_case userfault unmapped-while-waiting
}

@test "unregistered while waiting" {
	run_case userfault unregistered-while-waiting
}

@test "removed while waiting" {
	run_case userfault removed-while-waiting
}

@test "exporter killed while waiting" {
	run_case userfault exporter-killed-while-waiting
}

@test "woken before the word is read" {
	run_case userfault woken-before-the-word-is-read
}

@test "every case of the program has a test" {
	is "$(cases_without_test userfault "$BATS_TEST_FILENAME")" ""
}
