#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What listeners are told of objects, and who may listen.

load helpers

setup() {
	! without_events || skip "this build of the module sends no events"
	max_segments=$(parameter max_segments)
}

teardown() {
	[[ -z ${max_segments:-} ]] || set_parameter max_segments "$max_segments"
}

@test "removed, released and detached" {
	run_case events removed
}

@test "released while attached" {
	run_case events released-while-attached
}

@test "unmapped" {
	run_case events unmapped
}

@test "closed" {
	run_case events closed
}

@test "exited" {
	run_case events exited
}

@test "killed" {
	run_case events killed
}

@test "executed another program" {
	run_case events executed
}

@test "executed another program and kept the descriptor" {
	run_case events executed-with-the-descriptor
}

@test "revoked" {
	run_case events revoked
}

@test "what an event tells" {
	run_case events contents
}

@test "a limit is hit" {
	run_case events limit-is-hit
}

@test "ordinary users may not listen" {
	run_case events not-for-ordinary-users
}

@test "another network namespace is told nothing" {
	run_case events not-for-other-network-namespaces
}

@test "who reads too slowly is told that it missed some" {
	run_case events overrun
}

@test "who listens, lists and follows knows what there is" {
	run_case events state-is-known
}

@test "permit is refused" {
	run_case events permit-is-refused
}

@test "every case of the program has a test" {
	is "$(cases_without_test events "$BATS_TEST_FILENAME")" ""
}
