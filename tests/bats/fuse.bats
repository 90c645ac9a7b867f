#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Source memory of a file whose pages a FUSE server supplies.

load helpers

@test "cases of fuse" {
	run_cases fuse
}
