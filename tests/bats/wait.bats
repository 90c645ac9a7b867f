#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Waiting for words of exported memory, and waking who waits.

load helpers

@test "exporter wakes" {
	run_case wait exporter-wakes
}

@test "exporter wakes in shared memory" {
	run_case wait exporter-wakes-in-shared-memory
}

@test "exporter wakes in a huge page" {
	run_case wait exporter-wakes-in-a-huge-page
}

@test "attacher wakes" {
	run_case wait attacher-wakes
}

@test "attachers meet" {
	run_case wait attachers-meet
}

@test "others sleep on" {
	run_case wait others-sleep-on
}

@test "first come first served" {
	run_case wait first-come-first-served
}

@test "words" {
	run_case wait words
}

@test "deadlines" {
	run_case wait deadlines
}

@test "signals" {
	run_case wait signals
}

@test "killed" {
	run_case wait killed
}

@test "segment removed" {
	run_case wait segment-removed
}

@test "exporter ends" {
	run_case wait exporter-ends
}

@test "exporter closes" {
	run_case wait exporter-closes
}

@test "permit released" {
	run_case wait permit-released
}

@test "no memory there" {
	run_case wait no-memory-there
}

@test "read only" {
	run_case wait read-only
}

@test "exporter maps anew" {
	run_case wait exporter-maps-anew
}

@test "handed over" {
	run_case wait handed-over
}

@test "contended" {
	run_case wait contended
}

@test "every case of the program has a test" {
	is "$(cases_without_test wait "$BATS_TEST_FILENAME")" ""
}
