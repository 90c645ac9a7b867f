#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Faults map as much as the faults before them show to be of use.

load helpers

setup_file() {
	[[ $(getconf PAGESIZE) == 4096 ]] || skip "the cases count pages of 4 KiB"
}

@test "forwards" {
	run_case streams forwards
}

@test "backwards" {
	run_case streams backwards
}

@test "two in turn" {
	run_case streams two-in-turn
}

@test "scattered" {
	local before

	before=$(xpmemctl stats | jq .stats.pages_mapped)
	run_case streams scattered
	is "$(($(xpmemctl stats | jq .stats.pages_mapped) - before))" $((32 * 16)) "pages mapped for 32 touches"
}

@test "untouched" {
	run_case streams untouched
}

@test "untouched at random" {
	run_case streams untouched-at-random
}

@test "around an attachment" {
	run_case streams around-an-attachment
}

@test "private mapping of a file" {
	run_case streams private-mapping-of-a-file
}

@test "every case of the program has a test" {
	is "$(cases_without_test streams "$BATS_TEST_FILENAME")" ""
}
