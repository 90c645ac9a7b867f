#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# An instruction that reads and writes a page of the exporter ends after few faults.

load helpers

@test "cases of progress" {
	run_cases progress
}
