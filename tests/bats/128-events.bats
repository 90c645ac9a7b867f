#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What listeners are told of objects, and who may listen.

load helpers

@test "cases of events" {
	run_cases events
}
