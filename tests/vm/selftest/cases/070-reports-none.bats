#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load ../../../bats/helpers

true-cases() {
	true
}

@test "cases of true" {
	run_cases true
}
