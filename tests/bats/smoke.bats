#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The least that must work before anything else is worth a look.

load helpers

@test "the module is loaded and the device is there for everybody" {
	[[ -d $module ]]
	is "$(stat -c %F:%a /dev/xpmem)" "character special file:666"
}

@test "mode_mask is 0700 unless the administrator says otherwise" {
	is "$(($(parameter mode_mask)))" "$((0700))"
}

@test "one process reads and writes memory of another" {
	run_x coherence-cases anonymous
}

@test "an ordinary user needs no privilege for that" {
	run_x as_user 2000 coherence-cases anonymous
}

@test "an old library works" {
	run_x as_user 2000 legacy-cases window-with-holes
}

@test "the library works" {
	run_x as_user 2000 library-cases exchange
}

@test "xpmemctl talks to the module" {
	run_x xpmemctl info
	is "$(jq -r .info.abi_version <<<"$output")" 2
}
