#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The module stays while anything of it is in use, and goes without a trace afterwards.

load helpers

setup() {
	holder_pid=
}

teardown() {
	[[ -z $holder_pid ]] || {
		kill "$holder_pid" 2>/dev/null || true
		wait "$holder_pid" 2>/dev/null || true
	}
	[[ -d $module ]] || insmod "$XPMEM_MODULE"
}

unused() {
	[[ $(<"$module/refcnt") == 0 ]]
}

refused_while() {
	holder_start "$@"
	run_x 1 rmmod xpmem
	is_like "$output" "*in use*"
	[[ -d $module ]]
	holder_stop
	within 5 unused
	run_x rmmod xpmem
	fails test -e "$module"
	fails test -e /dev/xpmem
}

@test "refused while the device is open" {
	refused_while objects --device
}

@test "refused while something is mapped, though all descriptors are closed" {
	refused_while objects --mapping
}

@test "refused while a segment's descriptor is open" {
	refused_while objects --segment-fd
}

@test "refused while objects are in use" {
	refused_while objects "in use" 0600
}

@test "goes at once after their process was killed" {
	holder_start objects "in use" 0600
	kill -KILL "$holder_pid"
	within 5 unused
	run_x rmmod xpmem
}

@test "loads and unloads many times" {
	local turn

	for turn in 1 2 3 4 5; do
		run_x rmmod xpmem
		run_x insmod "$XPMEM_MODULE"
		run_x coherence-cases shared-memory
		within 5 unused
	done
}

use_for_ever() {
	while [[ ! -e $BATS_TEST_TMPDIR/over ]]; do
		"$@" || true
		sleep 0.3
	done >/dev/null 2>&1
}

@test "loads and unloads in a loop while programs come and go" {
	local unloaded=0 refused=0 pids=() pid

	use_for_ever coherence-cases shared-memory &
	pids+=($!)
	use_for_ever xpmemctl list &
	pids+=($!)
	while ((unloaded < 10 || refused < 5)); do
		if rmmod xpmem 2>/dev/null; then
			unloaded=$((unloaded + 1))
			insmod "$XPMEM_MODULE"
		else
			refused=$((refused + 1))
		fi
	done
	touch "$BATS_TEST_TMPDIR/over"
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	echo "unloaded $unloaded times, refused $refused times"
	run_x coherence-cases shared-memory
}

@test "a parameter can be given at load" {
	run_x rmmod xpmem
	run_x insmod "$XPMEM_MODULE" mode_mask=0770
	is "$(($(parameter mode_mask)))" "$((0770))"
	run_x rmmod xpmem
}
