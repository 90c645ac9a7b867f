#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# XPMEM_VM_MEMORY=224: programs export more than the machine has.
# Reclaim of the whole machine, by whichever task needs memory; nothing written is lost.

load helpers

setup_file() {
	swap_add 512M
}

teardown_file() {
	swap_remove
}

@test "cases of little-memory" {
	run_cases little-memory
}
