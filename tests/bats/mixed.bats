#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# One attachment over private, shared and unmapped memory, whatever the exporter maps there later.

load helpers

@test "cases of mixed" {
	run_cases mixed
}
