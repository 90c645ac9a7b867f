#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What is huge is mapped huge, and small pages are mapped as far as they are likely to be used.

load helpers

setup() {
	[[ $(getconf PAGESIZE) == 4096 ]] || skip "the module maps huge what a table of entries for pages of 4 KiB would"
}

@test "cases of huge-pages" {
	run_cases huge-pages but scattered
}

@test "scattered" {
	local before

	before=$(xpmemctl stats | jq .stats.pages_mapped)
	run_case huge-pages scattered
	is "$(($(xpmemctl stats | jq .stats.pages_mapped) - before))" $((4 * 512 + 7 * 16)) "pages mapped for 11 touches"
}

@test "huge mappings are counted" {
	local before

	before=$(xpmemctl stats | jq .stats.huge_mappings)
	run_case huge-pages mapped-huge
	is "$(($(xpmemctl stats | jq .stats.huge_mappings) - before))" 4 "mappings of 8 MiB"
}
