#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The historical ioctls, as an old library in a container image uses them.

load helpers

@test "struct layout" {
	run_case legacy struct-layout
}

@test "version" {
	run_case legacy version
}

@test "make arguments" {
	run_case legacy make-arguments
}

@test "make overflow" {
	run_case legacy make-overflow
}

@test "whole address space 0600" {
	run_case legacy whole-address-space-0600
}

@test "whole address space 0666" {
	run_case legacy whole-address-space-0666
}

@test "from an address to the end" {
	run_case legacy from-an-address-to-the-end
}

@test "window with holes" {
	run_case legacy window-with-holes
}

@test "get arguments" {
	run_case legacy get-arguments
}

@test "attach arguments" {
	run_case legacy attach-arguments
}

@test "attach replaces at vaddr" {
	run_case legacy attach-replaces-at-vaddr
}

@test "attach over an attachment" {
	run_case legacy attach-over-an-attachment
}

@test "read only" {
	run_case legacy read-only
}

@test "detach" {
	run_case legacy detach
}

@test "release and remove" {
	run_case legacy release-and-remove
}

@test "bad pointers" {
	run_case legacy bad-pointers
}

@test "reply to read only memory" {
	run_case legacy reply-to-read-only-memory
}

@test "unknown number" {
	run_case legacy unknown-number
}

@test "fork marks" {
	run_case legacy fork-marks
}

@test "fork in exporter" {
	run_case legacy fork-in-exporter
}

@test "fork in attacher" {
	run_case legacy fork-in-attacher
}

@test "every case of the program has a test" {
	is "$(cases_without_test legacy "$BATS_TEST_FILENAME")" ""
}
