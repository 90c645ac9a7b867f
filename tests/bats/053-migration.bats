#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Attached pages move between NUMA nodes, and nothing written is lost.

load helpers

@test "private memory" {
	run_case migration private-memory
}

@test "huge page" {
	run_case migration huge-page
}

@test "shared memory" {
	run_case migration shared-memory
}

@test "counted while moving" {
	run_case migration counted-while-moving
}

@test "counted while a huge page moves" {
	run_case migration counted-while-a-huge-page-moves
}

@test "counted while shared memory moves" {
	run_case migration counted-while-shared-memory-moves
}

@test "whole process" {
	run_case migration whole-process
}

@test "policy" {
	run_case migration policy
}

@test "every case of the program has a test" {
	is "$(cases_without_test migration "$BATS_TEST_FILENAME")" ""
}
