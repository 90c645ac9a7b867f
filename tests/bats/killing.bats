#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every process can be killed, whatever it waits for.

load helpers

@test "attacher waits for an answer" {
	run_case killing attacher-waits-for-an-answer
}

@test "answered after others were killed" {
	run_case killing answered-after-others-were-killed
}

@test "system call waits for an answer" {
	run_case killing system-call-waits-for-an-answer
}

@test "exporter is killed while it is waited for" {
	run_case killing exporter-is-killed-while-it-is-waited-for
}

@test "both wait for each other" {
	run_case killing both-wait-for-each-other
}

@test "exporter is stopped" {
	run_case killing exporter-is-stopped
}

@test "attacher is stopped" {
	run_case killing attacher-is-stopped
}

@test "populate of emptiness" {
	run_case killing populate-of-emptiness
}

@test "amid every call" {
	run_case killing amid-every-call
}

@test "sources that turn into attachments" {
	run_case killing sources-that-turn-into-attachments
}

@test "every case of the program has a test" {
	is "$(cases_without_test killing "$BATS_TEST_FILENAME")" ""
}
