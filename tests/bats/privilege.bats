#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A process gets no memory of one that it may not trace.

load helpers

setup() {
	set_parameter mode_mask 0700
}

refusals_in_log() {
	local refusal='xpmem: uid 2000, pid [0-9]* may not attach memory of pid [0-9]*: '

	refusal+='it is not dumpable; .*XPMEM_MAKE_NO_PTRACE_CHECK'
	dmesg | grep -c "$refusal" || true
}

refused_with_a_line_in_the_log() {
	run_x privilege-cases dumpable
	(($(refusals_in_log) > $1))
}

teardown_file() {
	set_parameter mode_mask 0700
}

@test "cases of privilege" {
	run_cases privilege
}

@test "mode and dumpable, mask 0777" {
	set_parameter mode_mask 0777
	run_case privilege mode-and-dumpable
}

@test "mode and ids, mask 0777" {
	set_parameter mode_mask 0777
	run_case privilege mode-and-ids
}

@test "the log says what was refused, and the remedy" {
	local before

	before=$(refusals_in_log)
	# If many refusals occur in a short time, only some are logged.
	within 30 refused_with_a_line_in_the_log "$before"
}
