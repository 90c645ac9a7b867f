#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load ../../../bats/helpers

@test "cases of harness" {
	run_cases harness
}
