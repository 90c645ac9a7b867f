#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every operation with each of its allocations and user copies failing in turn. Needs a kernel with
# fault injection.

load helpers

@test "cases of allocation-failure" {
	run_cases allocation-failure
}
