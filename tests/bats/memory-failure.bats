#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A task that touches memory that failed gets SIGBUS, and the machine goes on.

load helpers

@test "cases of memory-failure" {
	run_cases memory-failure
}
