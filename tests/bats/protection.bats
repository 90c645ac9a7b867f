#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# An attachment allows what the exporter's mapping allows at that moment.

load helpers

@test "private memory" {
	run_case protection private-memory
}

@test "shared memory" {
	run_case protection shared-memory
}

@test "shared file" {
	run_case protection shared-file
}

@test "private file" {
	run_case protection private-file
}

@test "huge page" {
	run_case protection huge-page
}

@test "one page" {
	run_case protection one-page
}

@test "write only" {
	run_case protection write-only
}

@test "write only shared memory" {
	run_case protection write-only-shared-memory
}

@test "write only shared file" {
	run_case protection write-only-shared-file
}

@test "protection keys" {
	run_case protection protection-keys
}

@test "counted while it changes" {
	run_case protection counted-while-it-changes
}

@test "counted while shared memory changes" {
	run_case protection counted-while-shared-memory-changes
}

@test "read while it changes" {
	run_case protection read-while-it-changes
}

@test "every case of the program has a test" {
	is "$(cases_without_test protection "$BATS_TEST_FILENAME")" ""
}
