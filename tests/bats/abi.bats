#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What holds for every ioctl: sizes, flags, reserved bits and pointers, over the generated table.

load helpers

@test "table is complete" {
	run_case abi table-is-complete
}

@test "exact size" {
	run_case abi exact-size
}

@test "least size" {
	run_case abi least-size
}

@test "too short" {
	run_case abi too-short
}

@test "longer and zero" {
	run_case abi longer-and-zero
}

@test "longer and not zero" {
	run_case abi longer-and-not-zero
}

@test "longer than a page" {
	run_case abi longer-than-a-page
}

@test "unknown flags" {
	run_case abi unknown-flags
}

@test "flags that do not go together" {
	run_case abi flags-that-do-not-go-together
}

@test "other encodings" {
	run_case abi other-encodings
}

@test "legacy values" {
	run_case abi legacy-values
}

@test "reserved bits" {
	run_case abi reserved-bits
}

@test "garbage in output" {
	run_case abi garbage-in-output
}

@test "input is kept" {
	run_case abi input-is-kept
}

@test "bad pointer" {
	run_case abi bad-pointer
}

@test "argument in read only memory" {
	run_case abi argument-in-read-only-memory
}

@test "every case of the program has a test" {
	is "$(cases_without_test abi "$BATS_TEST_FILENAME")" ""
}
