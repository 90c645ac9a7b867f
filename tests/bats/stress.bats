#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Everything at once; nothing hangs, no value is ever seen that was not there.

load helpers

@test "touch while the exporter changes" {
	run_case stress touch-while-the-exporter-changes
}

@test "mutual attach" {
	run_case stress mutual-attach
}

@test "kill at random moments" {
	run_case stress kill-at-random-moments
}

@test "objects come and go" {
	run_case stress objects-come-and-go
}

@test "release twice at once" {
	run_case stress release-twice-at-once
}

@test "every case of the program has a test" {
	is "$(cases_without_test stress "$BATS_TEST_FILENAME")" ""
}
