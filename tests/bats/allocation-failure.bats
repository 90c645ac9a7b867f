#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every operation with each of its allocations and user copies failing in turn. Needs a kernel with
# fault injection.

load helpers

@test "open" {
	run_case allocation-failure open
}

@test "query" {
	run_case allocation-failure query
}

@test "make" {
	run_case allocation-failure make
}

@test "remove" {
	run_case allocation-failure remove
}

@test "get" {
	run_case allocation-failure get
}

@test "segment fd" {
	run_case allocation-failure segment-fd
}

@test "dmabuf" {
	run_case allocation-failure dmabuf
}

@test "attach" {
	run_case allocation-failure attach
}

@test "attach populated" {
	run_case allocation-failure attach-populated
}

@test "attach mixed" {
	run_case allocation-failure attach-mixed
}

@test "attach fixed" {
	run_case allocation-failure attach-fixed
}

@test "detach" {
	run_case allocation-failure detach
}

@test "release" {
	run_case allocation-failure release
}

@test "unmap a part" {
	run_case allocation-failure unmap-a-part
}

@test "protect a part" {
	run_case allocation-failure protect-a-part
}

@test "move" {
	run_case allocation-failure move
}

@test "legacy" {
	run_case allocation-failure legacy
}

@test "fault private" {
	run_case allocation-failure fault-private
}

@test "fault shared" {
	run_case allocation-failure fault-shared
}

@test "fault huge" {
	run_case allocation-failure fault-huge
}

@test "fault upgrade" {
	run_case allocation-failure fault-upgrade
}

@test "populate" {
	run_case allocation-failure populate
}

@test "netlink" {
	run_case allocation-failure netlink
}

@test "every case of the program has a test" {
	is "$(cases_without_test allocation-failure "$BATS_TEST_FILENAME")" ""
}
