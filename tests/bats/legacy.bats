#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The historical ioctls, as an old library in a container image uses them.

load helpers

@test "cases of legacy" {
	run_cases legacy
}
