#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Faults map as much as the faults before them show to be of use.

load helpers

setup_file() {
	[[ $(getconf PAGESIZE) == 4096 ]] || export lacking="the cases count pages of 4 KiB"
}

# Bats cannot skip all tests in setup_file.
setup() {
	[[ -z ${lacking:-} ]] || skip "$lacking"
}

@test "cases of streams" {
	run_cases streams
}

@test "scattered" {
	local before

	before=$(xpmemctl stats | jq .stats.pages_mapped)
	run_case streams scattered
	is "$(($(xpmemctl stats | jq .stats.pages_mapped) - before))" \
		$((32 * 16)) "pages mapped for 32 touches"
}
