#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Futexes, mutexes, barriers and semaphores on attachments of shared memory; refused on private
# memory.

load helpers

setup_file() {
	disk_mount
}

teardown_file() {
	disk_unmount
}

@test "futex in memory file" {
	run_case synchronization futex-in-memory-file
}

@test "futex in anonymous shared memory" {
	run_case synchronization futex-in-anonymous-shared-memory
}

@test "futex in system v shared memory" {
	run_case synchronization futex-in-system-v-shared-memory
}

@test "futex in mapped file" {
	run_case synchronization futex-in-mapped-file
}

@test "futex requeue" {
	run_case synchronization futex-requeue
}

@test "barrier" {
	run_case synchronization barrier
}

@test "semaphore" {
	run_case synchronization semaphore
}

@test "robust attacher killed" {
	run_case synchronization robust-attacher-killed
}

@test "robust inheriting attacher killed" {
	run_case synchronization robust-inheriting-attacher-killed
}

@test "robust other side killed" {
	run_case synchronization robust-other-side-killed
}

@test "robust inheriting other side killed" {
	run_case synchronization robust-inheriting-other-side-killed
}

@test "error checking mutex" {
	run_case synchronization error-checking-mutex
}

@test "reader writer lock" {
	run_case synchronization reader-writer-lock
}

@test "private memory" {
	run_case synchronization private-memory
}

@test "private huge page" {
	run_case synchronization private-huge-page
}

@test "private mapping of a file" {
	run_case synchronization private-mapping-of-a-file
}

@test "every case of the program has a test" {
	is "$(cases_without_test synchronization "$BATS_TEST_FILENAME")" ""
}
