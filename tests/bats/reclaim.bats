#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Exported memory can be reclaimed, and nothing written is lost.

load helpers

setup_file() {
	swap_add 64M
}

teardown_file() {
	swap_remove
}

@test "cases of reclaim" {
	run_cases reclaim
}
