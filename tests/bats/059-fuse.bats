#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Source memory of a file whose pages a FUSE server supplies.

load helpers

@test "shared mapping" {
	run_case fuse shared-mapping
}

@test "private mapping" {
	run_case fuse private-mapping
}

@test "late answer" {
	run_case fuse late-answer
}

@test "killed while the server is silent" {
	run_case fuse killed-while-the-server-is-silent
}

@test "killed while the server of a private mapping is silent" {
	run_case fuse killed-while-the-server-of-a-private-mapping-is-silent
}

@test "server of another user" {
	run_case fuse server-of-another-user
}

@test "removed while the server is silent" {
	run_case fuse removed-while-the-server-is-silent
}

@test "populate does not wait" {
	run_case fuse populate-does-not-wait
}

@test "debugger does not wait" {
	run_case fuse debugger-does-not-wait
}

@test "shared mapping is not for devices" {
	run_case fuse shared-mapping-is-not-for-devices
}

@test "given to a device" {
	run_case fuse given-to-a-device
}

@test "killed while given to a device" {
	run_case fuse killed-while-given-to-a-device
}

@test "every case of the program has a test" {
	is "$(cases_without_test fuse "$BATS_TEST_FILENAME")" ""
}
