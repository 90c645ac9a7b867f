#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Attached pages move between NUMA nodes, and nothing written is lost.

load helpers

balancing=/proc/sys/kernel/numa_balancing
tuning=/sys/kernel/debug/sched/numa_balancing
# Global, because bats reads this file in a function.
declare -gA periods=([scan_delay_ms]=1 [scan_period_min_ms]=20 [scan_period_max_ms]=40) saved=()

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

# Have the kernel take entries as often as it can, to see which task touches which page.
balance() {
	local name

	[[ -e $balancing && -e /sys/devices/system/node/node1 ]] ||
		skip "this kernel balances no nodes"
	for name in "${!periods[@]}"; do
		saved[$name]=$(cat "$(period "$name")")
		echo "${periods[$name]}" >"$(period "$name")"
	done
	echo 1 >"$balancing"
}

@test "cases of migration" {
	run_cases migration
}

@test "balanced" {
	balance
	run_case migration balanced
}

@test "balanced huge page" {
	balance
	run_case migration balanced-huge-page
}
