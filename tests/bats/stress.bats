#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Everything at once; nothing hangs, no value is ever seen that was not there.

load helpers

@test "cases of stress" {
	run_cases stress
}
