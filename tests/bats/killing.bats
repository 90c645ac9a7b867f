#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every process can be killed, whatever it waits for.

load helpers

@test "cases of killing" {
	run_cases killing
}
