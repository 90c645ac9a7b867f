#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Which user may get a permit for whose segment, and what mode_mask makes of it.

load helpers

setup_file() {
	parameter mode_mask >"$BATS_FILE_TMPDIR/mode_mask"
}

setup() {
	set_parameter mode_mask 0700
}

teardown() {
	set_parameter global_ids N
}

teardown_file() {
	set_parameter mode_mask "$(<"$BATS_FILE_TMPDIR/mode_mask")"
}

@test "cases of sharing" {
	run_cases sharing
}

@test "mode for others, mask 0777" {
	set_parameter mode_mask 0777
	run_case sharing mode-for-others
}

@test "mode for the group, mask 0777" {
	set_parameter mode_mask 0777
	run_case sharing mode-for-the-group
}

@test "mode for a supplementary group, mask 0777" {
	set_parameter mode_mask 0777
	run_case sharing mode-for-a-supplementary-group
}

@test "mode for the group, mask 0770" {
	set_parameter mode_mask 0770
	run_case sharing mode-for-the-group
}

@test "mask 0770 refuses others" {
	set_parameter mode_mask 0770
	run_x 1 sharing-cases mode-for-others
	is_like "$output" "*is EACCES*"
}

@test "mode for the owner, mask 0777" {
	set_parameter mode_mask 0777
	run_case sharing mode-for-the-owner
}

@test "mode is checked against the creator, mask 0777" {
	set_parameter mode_mask 0777
	run_case sharing mode-is-checked-against-the-creator
}

@test "global_ids" {
	set_parameter global_ids Y
	run_case sharing global-ids
}

@test "a mask outside 0777 is refused" {
	fails set_parameter mode_mask 07777
	fails set_parameter mode_mask nonsense
	is "$(($(parameter mode_mask)))" "$((0700))"
}

masked_in_log() {
	local line='xpmem: uid 2001, pid [0-9]* may not attach memory of uid 2000, pid [0-9]*: '

	line+='mode_mask 0700 forbids what the mode 0[67]* allows; .*mode_mask 0777$'
	dmesg | grep -c "$line" || true
}

masked_with_a_line_in_the_log() {
	run_x sharing-cases mask-refuses-others
	(($(masked_in_log) > $1))
}

@test "the log says what the mask refused, and the remedy" {
	local before

	before=$(masked_in_log)
	# If many refusals occur in a short time, only some are logged.
	within 30 masked_with_a_line_in_the_log "$before"
	# A run has four such refusals.
	is "$(($(masked_in_log) < before + 4))" 1 "a user cannot fill the log"
}

@test "only root changes the mask" {
	fails as_user 2000 bash -c "echo 0777 >$module/parameters/mode_mask"
	is "$(($(parameter mode_mask)))" "$((0700))"
}
