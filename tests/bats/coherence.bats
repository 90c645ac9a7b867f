#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# An attachment shows what the exporter has at that address at that moment.

load helpers

setup_file() {
	disk_mount
}

teardown_file() {
	disk_unmount
}

@test "anonymous" {
	run_case coherence anonymous
}

@test "untouched read first" {
	run_case coherence untouched-read-first
}

@test "untouched written first" {
	run_case coherence untouched-written-first
}

@test "small pages" {
	run_case coherence small-pages
}

@test "huge pages" {
	run_case coherence huge-pages
}

@test "hugetlb" {
	run_case coherence hugetlb
}

@test "shared memory" {
	run_case coherence shared-memory
}

@test "shared file" {
	run_case coherence shared-file
}

@test "mixed kinds" {
	run_case coherence mixed-kinds
}

@test "fork exporter writes" {
	run_case coherence fork-exporter-writes
}

@test "fork child writes" {
	run_case coherence fork-child-writes
}

@test "fork attacher writes" {
	run_case coherence fork-attacher-writes
}

@test "counted while forking" {
	run_case coherence counted-while-forking
}

@test "fork attacher read then exporter writes" {
	run_case coherence fork-attacher-read-then-exporter-writes
}

@test "fork child exits" {
	run_case coherence fork-child-exits
}

@test "fork child exits then both write" {
	run_case coherence fork-child-exits-then-both-write
}

@test "fork huge pages" {
	run_case coherence fork-huge-pages
}

@test "fork shared memory" {
	run_case coherence fork-shared-memory
}

@test "remap anonymous by anonymous" {
	run_case coherence remap-anonymous-by-anonymous
}

@test "remap anonymous by shared memory" {
	run_case coherence remap-anonymous-by-shared-memory
}

@test "remap shared memory by anonymous" {
	run_case coherence remap-shared-memory-by-anonymous
}

@test "remap shared memory by shared memory" {
	run_case coherence remap-shared-memory-by-shared-memory
}

@test "remap shared memory by file" {
	run_case coherence remap-shared-memory-by-file
}

@test "remap shared memory by private file" {
	run_case coherence remap-shared-memory-by-private-file
}

@test "mapped over" {
	run_case coherence mapped-over
}

@test "hole spares its neighbours" {
	run_case coherence hole-spares-its-neighbours
}

@test "mprotect anonymous" {
	run_case coherence mprotect-anonymous
}

@test "mprotect shared memory" {
	run_case coherence mprotect-shared-memory
}

@test "mprotect before attach" {
	run_case coherence mprotect-before-attach
}

@test "dontneed" {
	run_case coherence dontneed
}

@test "dontneed page by page" {
	run_case coherence dontneed-page-by-page
}

@test "dontneed after much was touched" {
	run_case coherence dontneed-after-much-was-touched
}

@test "hole punched by a third process" {
	run_case coherence hole-punched-by-a-third-process
}

@test "truncated" {
	run_case coherence truncated
}

@test "heap growth" {
	run_case coherence heap-growth
}

@test "zero page exporter writes" {
	run_case coherence zero-page-exporter-writes
}

@test "zero page attacher writes" {
	run_case coherence zero-page-attacher-writes
}

@test "private file exporter writes" {
	run_case coherence private-file-exporter-writes
}

@test "private file attacher writes" {
	run_case coherence private-file-attacher-writes
}

@test "mremap in exporter" {
	run_case coherence mremap-in-exporter
}

@test "mremap leaves an empty range" {
	run_case coherence mremap-leaves-an-empty-range
}

@test "mremap grows and shrinks" {
	run_case coherence mremap-grows-and-shrinks
}

@test "stack" {
	run_case coherence stack
}

@test "stack growth" {
	run_case coherence stack-growth
}

@test "memory compaction" {
	run_case coherence memory-compaction
}

@test "huge page collapse" {
	run_case coherence huge-page-collapse
}

@test "every case of the program has a test" {
	is "$(cases_without_test coherence "$BATS_TEST_FILENAME")" ""
}
