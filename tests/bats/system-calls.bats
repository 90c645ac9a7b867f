#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# System calls that take user pages, on attachments of shared and private memory.

load helpers

setup_file() {
	disk_mount
}

teardown_file() {
	disk_unmount
	echo never >/sys/kernel/mm/transparent_hugepage/shmem_enabled
}

@test "futex exporter wakes" {
	run_case system-calls futex-exporter-wakes
}

@test "futex attacher wakes" {
	run_case system-calls futex-attacher-wakes
}

@test "futex on private memory" {
	run_case system-calls futex-on-private-memory
}

@test "mutex and condition" {
	run_case system-calls mutex-and-condition
}

@test "vmsplice" {
	run_case system-calls vmsplice
}

@test "vmsplice of private memory" {
	run_case system-calls vmsplice-of-private-memory
}

@test "process vm access" {
	run_case system-calls process-vm-access
}

@test "process vm access to private memory" {
	run_case system-calls process-vm-access-to-private-memory
}

@test "debugger" {
	run_case system-calls debugger
}

@test "debugger while the exporter forks" {
	run_case system-calls debugger-while-the-exporter-forks
}

@test "debugger of private memory while the exporter forks" {
	run_case system-calls debugger-of-private-memory-while-the-exporter-forks
}

@test "debugger of private memory" {
	run_case system-calls debugger-of-private-memory
}

@test "direct io" {
	run_case system-calls direct-io
}

@test "direct io of private memory" {
	run_case system-calls direct-io-of-private-memory
}

@test "read and write" {
	run_case system-calls read-and-write
}

@test "nothing pinned" {
	run_case system-calls nothing-pinned
}

@test "nothing pinned of shared memory" {
	run_case system-calls nothing-pinned-of-shared-memory
}

@test "page in a pipe" {
	run_case system-calls page-in-a-pipe
}

@test "no gup of a memory file" {
	run_case system-calls no-gup-of-a-memory-file
}

@test "no gup of anonymous shared memory" {
	run_case system-calls no-gup-of-anonymous-shared-memory
}

@test "no gup of a file" {
	run_case system-calls no-gup-of-a-file
}

@test "no gup of private memory" {
	run_case system-calls no-gup-of-private-memory
}

@test "no gup of huge shared memory" {
	echo advise >/sys/kernel/mm/transparent_hugepage/shmem_enabled
	run_case system-calls no-gup-of-huge-shared-memory
}

@test "no gup and direct io" {
	run_case system-calls no-gup-and-direct-io
}

@test "no gup by descriptor" {
	run_case system-calls no-gup-by-descriptor
}

@test "no gup of one segment" {
	run_case system-calls no-gup-of-one-segment
}

@test "no gup and devices" {
	run_case system-calls no-gup-and-devices
}

@test "every case of the program has a test" {
	is "$(cases_without_test system-calls "$BATS_TEST_FILENAME")" ""
}
