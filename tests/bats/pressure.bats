#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Too little memory: reclaim and the OOM killer amid faults; nothing is lost, and nothing is left.

load helpers

setup_file() {
	swap_add 96M
}

teardown_file() {
	swap_remove
}

@test "cases of pressure" {
	run_cases pressure
}
