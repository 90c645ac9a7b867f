#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Processes that attach each other and themselves, where locks could wait for each other.

load helpers

@test "of one" {
	run_case ring of-one
}

@test "of two" {
	run_case ring of-two
}

@test "of three" {
	run_case ring of-three
}

@test "debuggers of two" {
	run_case ring debuggers-of-two
}

@test "debuggers of two with private memory" {
	run_case ring debuggers-of-two-with-private-memory
}

@test "windows are made in a storm" {
	run_case ring windows-are-made-in-a-storm
}

@test "first export of an attacher" {
	run_case ring first-export-of-an-attacher
}

@test "whole address space of itself" {
	run_case ring whole-address-space-of-itself
}

@test "whole address spaces of two" {
	run_case ring whole-address-spaces-of-two
}

@test "whole address spaces of three" {
	run_case ring whole-address-spaces-of-three
}

@test "every case of the program has a test" {
	is "$(cases_without_test ring "$BATS_TEST_FILENAME")" ""
}
