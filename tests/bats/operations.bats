#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every ioctl: good use, and the exact error of each wrong argument.

load helpers

@test "cases of operations" {
	run_cases operations
}
