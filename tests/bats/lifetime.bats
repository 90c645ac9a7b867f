#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# How access ends: remove, exit, kill, exec and close.

load helpers

@test "removed" {
	run_case lifetime removed
}

@test "removed beside another" {
	run_case lifetime removed-beside-another
}

@test "released beside another" {
	run_case lifetime released-beside-another
}

@test "revoked beside another" {
	run_case lifetime revoked-beside-another
}

@test "removed shared memory" {
	run_case lifetime removed-shared-memory
}

@test "removed address space" {
	run_case lifetime removed-address-space
}

@test "exporter exits" {
	run_case lifetime exporter-exits
}

@test "exporter is killed" {
	run_case lifetime exporter-is-killed
}

@test "exporter is a zombie" {
	run_case lifetime exporter-is-a-zombie
}

@test "exporter execs" {
	run_case lifetime exporter-execs
}

@test "exporter execs and keeps the descriptor" {
	run_case lifetime exporter-execs-and-keeps-the-descriptor
}

@test "exporter exits and a child keeps the descriptor" {
	run_case lifetime exporter-exits-and-a-child-keeps-the-descriptor
}

@test "child of exporter exits" {
	run_case lifetime child-of-exporter-exits
}

@test "close word" {
	run_case lifetime close-word
}

@test "exporter closes" {
	run_case lifetime exporter-closes
}

@test "attacher closes" {
	run_case lifetime attacher-closes
}

@test "attacher closes then exporter" {
	run_case lifetime attacher-closes-then-exporter
}

@test "exporter dies after attacher closed" {
	run_case lifetime exporter-dies-after-attacher-closed
}

@test "attacher is killed" {
	run_case lifetime attacher-is-killed
}

@test "attacher execs" {
	run_case lifetime attacher-execs
}

@test "duplicate of the descriptor keeps all" {
	run_case lifetime duplicate-of-the-descriptor-keeps-all
}

@test "open files are apart" {
	run_case lifetime open-files-are-apart
}

@test "system call on a revoked attachment" {
	run_case lifetime system-call-on-a-revoked-attachment
}

@test "exported again after remove" {
	run_case lifetime exported-again-after-remove
}

@test "every case of the program has a test" {
	is "$(cases_without_test lifetime "$BATS_TEST_FILENAME")" ""
}
