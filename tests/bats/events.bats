#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Events tell listeners of objects. Only administrators may listen.

load helpers

setup() {
	! without_events || skip "this build of the module sends no events"
	max_segments=$(parameter max_segments)
}

teardown() {
	[[ -z ${max_segments:-} ]] || set_parameter max_segments "$max_segments"
}

@test "cases of events" {
	run_cases events
}
