#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Cases that end in every way there is, beside tests of the suite.

load "$XPMEM_TREE/tests/bats/helpers"

setup() {
	echo "set up"
}

teardown() {
	[[ ! -e $BATS_TEST_TMPDIR/bad ]]
}

@test "cases of harness" {
	run_cases harness
}

@test "runs beside the cases" {
	run_case harness passes
}

@test "fails beside the cases" {
	run_case harness unequal
}

@test "fails in teardown" {
	: >"$BATS_TEST_TMPDIR/bad"
}
