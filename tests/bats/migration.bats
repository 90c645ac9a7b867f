#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Attached pages move between NUMA nodes, and nothing written is lost.

load helpers

balancing=/proc/sys/kernel/numa_balancing
tuning=/sys/kernel/debug/sched/numa_balancing
declare -A periods=([scan_delay_ms]=1 [scan_period_min_ms]=20 [scan_period_max_ms]=40) saved

# Where a period is; before Linux 5.13 they were in another place.
period() {
	[[ -e $tuning/$1 ]] && echo "$tuning/$1" || echo "${balancing}_$1"
}

teardown() {
	local name

	for name in "${!saved[@]}"; do
		echo "${saved[$name]}" >"$(period "$name")"
	done
	((${#saved[@]} == 0)) || echo 0 >"$balancing"
}

@test "private memory" {
	run_case migration private-memory
}

@test "huge page" {
	run_case migration huge-page
}

@test "shared memory" {
	run_case migration shared-memory
}

@test "counted while moving" {
	run_case migration counted-while-moving
}

@test "counted while a huge page moves" {
	run_case migration counted-while-a-huge-page-moves
}

@test "counted while shared memory moves" {
	run_case migration counted-while-shared-memory-moves
}

@test "whole process" {
	run_case migration whole-process
}

@test "policy" {
	run_case migration policy
}

# Have the kernel take entries as often as it can, to see who touches what.
balance() {
	local name

	[[ -e $balancing && -e /sys/devices/system/node/node1 ]] || skip "this kernel balances no nodes"
	for name in "${!periods[@]}"; do
		saved[$name]=$(cat "$(period "$name")")
		echo "${periods[$name]}" >"$(period "$name")"
	done
	echo 1 >"$balancing"
}

@test "balanced" {
	balance
	run_case migration balanced
}

@test "balanced huge page" {
	balance
	run_case migration balanced-huge-page
}

@test "every case of the program has a test" {
	is "$(cases_without_test migration "$BATS_TEST_FILENAME")" ""
}
