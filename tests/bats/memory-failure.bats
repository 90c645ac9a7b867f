#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory that fails is SIGBUS for whoever touches it, and the machine goes on.

load helpers

@test "private memory" {
	run_case memory-failure private-memory
}

@test "shared memory" {
	run_case memory-failure shared-memory
}

@test "huge page" {
	run_case memory-failure huge-page
}

@test "before attach" {
	run_case memory-failure before-attach
}

@test "soft offline" {
	run_case memory-failure soft-offline
}

@test "soft offline of shared memory" {
	run_case memory-failure soft-offline-of-shared-memory
}

@test "soft offline of a huge page" {
	run_case memory-failure soft-offline-of-a-huge-page
}

@test "every case of the program has a test" {
	is "$(cases_without_test memory-failure "$BATS_TEST_FILENAME")" ""
}
