#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Memory that fails is SIGBUS for whoever touches it, and the machine goes on.

load helpers

@test "cases of memory-failure" {
	run_cases memory-failure
}
