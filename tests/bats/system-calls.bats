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

@test "cases of system-calls" {
	run_cases system-calls
}

@test "no gup of huge shared memory" {
	echo advise >/sys/kernel/mm/transparent_hugepage/shmem_enabled
	run_case system-calls no-gup-of-huge-shared-memory
}
