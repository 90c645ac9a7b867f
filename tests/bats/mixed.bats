#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# One attachment over private, shared and unmapped memory, whatever the exporter maps there later.

load helpers

@test "each part is what it can be" {
	run_case mixed each-part-is-what-it-can-be
}

@test "detached as one" {
	run_case mixed detached-as-one
}

@test "shared in place of private" {
	run_case mixed shared-in-place-of-private
}

@test "private in place of shared" {
	run_case mixed private-in-place-of-shared
}

@test "private mapping of the same file" {
	run_case mixed private-mapping-of-the-same-file
}

@test "memory in place of the hole" {
	run_case mixed memory-in-place-of-the-hole
}

@test "huge page in place of shared" {
	run_case mixed huge-page-in-place-of-shared
}

@test "every case of the program has a test" {
	is "$(cases_without_test mixed "$BATS_TEST_FILENAME")" ""
}
