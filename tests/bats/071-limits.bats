#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What one user may hold.

load helpers

@test "cases of limits" {
	run_cases limits
}
