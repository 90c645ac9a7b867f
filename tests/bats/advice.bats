#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What madvise does to source memory shows in attachments.

load helpers

@test "merged attacher writes" {
	run_case advice merged-attacher-writes
}

@test "merged exporter writes" {
	run_case advice merged-exporter-writes
}

@test "unmerged" {
	run_case advice unmerged
}

@test "counted while merging" {
	run_case advice counted-while-merging
}

@test "removed" {
	run_case advice removed
}

@test "counted while collapsing" {
	run_case advice counted-while-collapsing
}

@test "populated" {
	run_case advice populated
}

@test "populated shared memory" {
	run_case advice populated-shared-memory
}

@test "huge page split by munmap" {
	run_case advice huge-page-split-by-munmap
}

@test "huge page split by dontneed" {
	run_case advice huge-page-split-by-dontneed
}

@test "huge page split by free" {
	run_case advice huge-page-split-by-free
}

@test "huge page split by mremap" {
	run_case advice huge-page-split-by-mremap
}

@test "huge page split on request" {
	run_case advice huge-page-split-on-request
}

@test "every case of the program has a test" {
	is "$(cases_without_test advice "$BATS_TEST_FILENAME")" ""
}
