#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A segment as a descriptor that can be sent to others.

load helpers

@test "arguments" {
	run_case segment-fd arguments
}

@test "foreign" {
	run_case segment-fd foreign
}

@test "close on exec" {
	run_case segment-fd close-on-exec
}

@test "too many descriptors" {
	run_case segment-fd too-many-descriptors
}

@test "get" {
	run_case segment-fd get
}

@test "get arguments" {
	run_case segment-fd get-arguments
}

@test "is no memory" {
	run_case segment-fd is-no-memory
}

@test "passed to a process" {
	run_case segment-fd passed-to-a-process
}

@test "passed to another user" {
	run_case segment-fd passed-to-another-user
}

@test "passed to another namespace" {
	run_case segment-fd passed-to-another-namespace
}

@test "rdonly gives no rdwr" {
	run_case segment-fd rdonly-gives-no-rdwr
}

@test "rdwr gives rdonly" {
	run_case segment-fd rdwr-gives-rdonly
}

@test "of a read only segment" {
	run_case segment-fd of-a-read-only-segment
}

@test "of a removed segment" {
	run_case segment-fd of-a-removed-segment
}

@test "of a dead exporter" {
	run_case segment-fd of-a-dead-exporter
}

@test "keeps no segment alive" {
	run_case segment-fd keeps-no-segment-alive
}

@test "every case of the program has a test" {
	is "$(cases_without_test segment-fd "$BATS_TEST_FILENAME")" ""
}
