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

@test "cases of synchronization" {
	run_cases synchronization
}
