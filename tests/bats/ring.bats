#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Processes that attach each other and themselves, where locks could wait for each other.

load helpers

@test "cases of ring" {
	run_cases ring
}
