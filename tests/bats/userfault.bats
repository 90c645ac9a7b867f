#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Source memory whose pages a program supplies through userfaultfd.

load helpers

@test "cases of userfault" {
	run_cases userfault
}
