#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load ../../../bats/helpers

# A program all of whose cases are left out.
empty-cases() {
	local names

	mapfile -t names < <(harness-cases --list | cut -f 1)
	harness-cases --tap "${names[@]}"
}

@test "cases of empty" {
	run_cases empty
}
