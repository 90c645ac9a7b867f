#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Segments as dma-bufs, imported by a driver of the tests.

load helpers

setup_file() {
	insmod "$XPMEM_BUILD/tests/importer/xpmem-importer.ko" || skip "this kernel has no dma-bufs"
}

teardown_file() {
	rmmod xpmem-importer 2>/dev/null || true
}

@test "private memory" {
	run_case dmabuf private-memory
}

@test "private memory and a static driver" {
	run_case dmabuf private-memory-and-a-static-driver
}

@test "private memory and a driver that pins" {
	run_case dmabuf private-memory-and-a-driver-that-pins
}

@test "private huge page" {
	run_case dmabuf private-huge-page
}

@test "memory file too" {
	run_case dmabuf memory-file-too
}

@test "private mapping of a file" {
	run_case dmabuf private-mapping-of-a-file
}

@test "untouched memory" {
	run_case dmabuf untouched-memory
}

@test "part of a segment" {
	run_case dmabuf part-of-a-segment
}

@test "fork of the exporter" {
	run_case dmabuf fork-of-the-exporter
}

@test "exporter maps anew" {
	run_case dmabuf exporter-maps-anew
}

@test "arguments" {
	run_case dmabuf arguments
}

@test "read only permit" {
	run_case dmabuf read-only-permit
}

@test "close on exec" {
	run_case dmabuf close-on-exec
}

@test "too many descriptors" {
	run_case dmabuf too-many-descriptors
}

@test "no memory there" {
	run_case dmabuf no-memory-there
}

@test "attachment in the segment" {
	run_case dmabuf attachment-in-the-segment
}

@test "limit of locked memory" {
	run_case dmabuf limit-of-locked-memory
}

@test "more than there is" {
	run_case dmabuf more-than-there-is
}

@test "mapped while memory is short" {
	run_case dmabuf mapped-while-memory-is-short
}

@test "segment removed" {
	run_case dmabuf segment-removed
}

@test "segment removed under a static driver" {
	run_case dmabuf segment-removed-under-a-static-driver
}

@test "segment removed under a driver that pins" {
	run_case dmabuf segment-removed-under-a-driver-that-pins
}

@test "segment removed and nothing mapped" {
	run_case dmabuf segment-removed-and-nothing-mapped
}

@test "permit released" {
	run_case dmabuf permit-released
}

@test "exporter ends" {
	run_case dmabuf exporter-ends
}

@test "maker ends" {
	run_case dmabuf maker-ends
}

@test "every case of the program has a test" {
	is "$(cases_without_test dmabuf "$BATS_TEST_FILENAME")" ""
}
