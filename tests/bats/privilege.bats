#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A process gets no memory of one that it may not trace.

load helpers

setup() {
	set_parameter mode_mask 0700
}

refusals_in_log() {
	dmesg | grep -c 'xpmem: uid 2000, pid [0-9]* may not attach memory of pid [0-9]*: it is not dumpable; .*XPMEM_MAKE_NO_PTRACE_CHECK' || true
}

refused_with_a_line_in_the_log() {
	run_case privilege dumpable
	(($(refusals_in_log) > $1))
}

teardown_file() {
	set_parameter mode_mask 0700
}

@test "dumpable" {
	run_case privilege dumpable
}

@test "mode and dumpable, mask 0777" {
	set_parameter mode_mask 0777
	run_case privilege mode-and-dumpable
}

@test "mode and ids, mask 0777" {
	set_parameter mode_mask 0777
	run_case privilege mode-and-ids
}

@test "ids" {
	run_case privilege ids
}

@test "ids of the getter" {
	run_case privilege ids-of-the-getter
}

@test "capabilities" {
	run_case privilege capabilities
}

@test "capabilities of the getter" {
	run_case privilege capabilities-of-the-getter
}

@test "own memory" {
	run_case privilege own-memory
}

@test "no ptrace check" {
	run_case privilege no-ptrace-check
}

@test "descriptor" {
	run_case privilege descriptor
}

@test "user namespaces of one user" {
	run_case privilege user-namespaces-of-one-user
}

@test "capabilities in a user namespace" {
	run_case privilege capabilities-in-a-user-namespace
}

@test "nested user namespace" {
	run_case privilege nested-user-namespace
}

@test "joined ipc namespace" {
	run_case privilege joined-ipc-namespace
}

@test "maker is gone" {
	run_case privilege maker-is-gone
}

@test "first thread is gone" {
	run_case privilege first-thread-is-gone
}

@test "dumpable races" {
	run_case privilege dumpable-races
}

@test "dropped ids race" {
	run_case privilege dropped-ids-race
}

@test "the log says what was refused, and the remedy" {
	local before

	before=$(refusals_in_log)
	# Of many refusals in a short time only some are logged.
	within 30 refused_with_a_line_in_the_log "$before"
}

@test "every case of the program has a test" {
	is "$(cases_without_test privilege "$BATS_TEST_FILENAME")" ""
}
