#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory that the exporter has mapped huge is mapped huge.

load helpers

setup_file() {
	[[ $(getconf PAGESIZE) == 4096 ]] ||
		export lacking="the module maps huge what a table for pages of 4 KiB would map"
}

# Bats cannot skip all tests in setup_file.
setup() {
	[[ -z ${lacking:-} ]] || skip "$lacking"
}

@test "cases of huge-pages" {
	run_cases huge-pages
}

@test "huge mappings are counted" {
	local before

	before=$(xpmemctl stats | jq .stats.huge_mappings)
	run_x huge-pages-cases mapped-huge
	is "$(($(xpmemctl stats | jq .stats.huge_mappings) - before))" 4 "mappings of 8 MiB"
}
