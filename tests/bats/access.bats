#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Nobody writes through an attachment what they may only read.

load helpers

setup_file() {
	disk_mount
	insmod "$XPMEM_BUILD/tests/importer/xpmem-importer.ko" || echo "this kernel has no dma-bufs"
}

teardown_file() {
	disk_unmount
	rmmod xpmem-importer 2>/dev/null || true
}

@test "file mapped shared" {
	run_case access file-mapped-shared
}

@test "file mapped private for reading" {
	run_case access file-mapped-private-for-reading
}

@test "file mapped private for writing" {
	run_case access file-mapped-private-for-writing
}

@test "file mapped over writable memory" {
	run_case access file-mapped-over-writable-memory
}

@test "file mapped over shared memory" {
	run_case access file-mapped-over-shared-memory
}

@test "file written by the attacher" {
	run_case access file-written-by-the-attacher
}

@test "zero page" {
	run_case access zero-page
}

@test "read only segment" {
	run_case access read-only-segment
}

@test "read only segment of shared memory" {
	run_case access read-only-segment-of-shared-memory
}

@test "read only permit" {
	run_case access read-only-permit
}

@test "read only permit of shared memory" {
	run_case access read-only-permit-of-shared-memory
}

@test "read only attach" {
	run_case access read-only-attach
}

@test "read only attach of shared memory" {
	run_case access read-only-attach-of-shared-memory
}

@test "no execution" {
	run_case access no-execution
}

@test "beyond the segment" {
	run_case access beyond-the-segment
}

@test "secret memory" {
	run_case access secret-memory
}

@test "secret memory mapped over" {
	run_case access secret-memory-mapped-over
}

@test "device memory" {
	run_case access device-memory
}

@test "device memory mapped over" {
	run_case access device-memory-mapped-over
}

@test "memory of a driver" {
	run_case access memory-of-a-driver
}

@test "write combined memory" {
	run_case access write-combined-memory
}

@test "uncached memory" {
	run_case access uncached-memory
}

@test "vdso" {
	run_case access vdso
}

@test "every case of the program has a test" {
	is "$(cases_without_test access "$BATS_TEST_FILENAME")" ""
}
