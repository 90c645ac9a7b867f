#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory that the exporter has mapped huge is mapped huge.

load helpers

setup_file() {
	[[ $(getconf PAGESIZE) == 4096 ]] || skip "the module maps huge what a table of entries for pages of 4 KiB would"
}

@test "mapped huge" {
	run_case huge-pages mapped-huge
}

@test "touched in the middle" {
	run_case huge-pages touched-in-the-middle
}

@test "written first" {
	run_case huge-pages written-first
}

@test "populated" {
	run_case huge-pages populated
}

@test "hugetlb" {
	run_case huge-pages hugetlb
}

@test "gigantic" {
	run_case huge-pages gigantic
}

@test "not pinned" {
	run_case huge-pages not-pinned
}

@test "exporter may only read" {
	run_case huge-pages exporter-may-only-read
}

@test "huge zero page" {
	run_case huge-pages huge-zero-page
}

@test "read only attachment" {
	run_case huge-pages read-only-attachment
}

@test "exporter forks" {
	run_case huge-pages exporter-forks
}

@test "exporter discards a part" {
	run_case huge-pages exporter-discards-a-part
}

@test "exporter protects a part" {
	run_case huge-pages exporter-protects-a-part
}

@test "exporter unmaps a part" {
	run_case huge-pages exporter-unmaps-a-part
}

@test "exporter writes while pages split" {
	run_case huge-pages exporter-writes-while-pages-split
}

@test "attacher unmaps a part" {
	run_case huge-pages attacher-unmaps-a-part
}

@test "attacher protects a part" {
	run_case huge-pages attacher-protects-a-part
}

@test "both protect" {
	run_case huge-pages both-protect
}

@test "attacher moves" {
	run_case huge-pages attacher-moves
}

@test "elsewhere" {
	run_case huge-pages elsewhere
}

@test "part of a huge page" {
	run_case huge-pages part-of-a-huge-page
}

@test "removed" {
	run_case huge-pages removed
}

@test "huge mappings are counted" {
	local before

	before=$(xpmemctl stats | jq .stats.huge_mappings)
	run_case huge-pages mapped-huge
	is "$(($(xpmemctl stats | jq .stats.huge_mappings) - before))" 4 "mappings of 8 MiB"
}

@test "every case of the program has a test" {
	is "$(cases_without_test huge-pages "$BATS_TEST_FILENAME")" ""
}
