#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A segment as a descriptor that can be sent to others.

load helpers

@test "cases of segment-fd" {
	run_cases segment-fd
}
