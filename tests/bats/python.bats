#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The Python package does what doc/python.md says.

load helpers

tree=$BATS_TEST_DIRNAME/../..
PATH=$tree/tests/programs:$PATH
export PYTHONPATH=$tree/python PYTHONDONTWRITEBYTECODE=1

setup() {
	command -v python3 >/dev/null || skip "no python3 on this machine"
}

@test "made got and attached" {
	run_case python "made got and attached"
}

@test "attached in one call" {
	run_case python "attached in one call"
}

@test "buffer protocol" {
	run_case python "buffer protocol"
}

@test "numpy without a copy" {
	run_case python "numpy without a copy"
}

@test "numpy array exported" {
	run_case python "numpy array exported"
}

@test "closing with exports" {
	run_case python "closing with exports"
}

@test "use after close" {
	run_case python "use after close"
}

@test "dropped" {
	run_case python "dropped"
}

@test "segment holds its buffer" {
	run_case python "segment holds its buffer"
}

@test "read only" {
	run_case python "read only"
}

@test "errors" {
	run_case python "errors"
}

@test "refused" {
	run_case python "refused"
}

@test "descriptor" {
	run_case python "descriptor"
}

@test "whole address space" {
	run_case python "whole address space"
}

@test "waiting" {
	run_case python "waiting"
}

@test "fork" {
	run_case python "fork"
}

@test "fork while threads attach" {
	run_case python "fork while threads attach"
}

@test "removed" {
	run_case python "removed"
}

@test "revoked" {
	run_case python "revoked"
}

@test "device closed" {
	run_case python "device closed"
}

@test "capabilities" {
	run_case python "capabilities"
}

@test "every case is run" {
	local left

	left=$(comm -23 <(python-cases --list | sort) \
		<(sed -n 's/^	run_case python "\(.*\)"$/\1/p' "$BATS_TEST_FILENAME" | sort))
	is "$left" "" "cases without a test"
}

@test "the program of doc/python.md" {
	sed -n '/^```python$/,/^```$/p' "$tree/doc/python.md" | sed '/^```/d' >"$BATS_TEST_TMPDIR/program.py"
	run_x python3 "$BATS_TEST_TMPDIR/program.py"
	is "$output" hello
}

@test "look around" {
	holder_start objects "a name" 0640
	run_x python3 -m xpmem
	is_like "$output" "module $(<"$module/version"), ABI version *, mode_mask 0700"$'\n'"id *"
	is_like "$output" "*$(jq -r '.segments[0].id' <<<"$held") *a name*"
	holder_stop
	run_x python3 -m xpmem
	is_like "$output" "*"$'\n'"no segments"
}

@test "look around without the tool" {
	local python

	python=$(command -v python3)
	run_x 1 env PATH=/nowhere "$python" -m xpmem
	is_like "$output" "*xpmem: xpmemctl is missing: install the package xpmemctl"
}

@test "look around without the module" {
	rmmod xpmem
	run_x '?' python3 -m xpmem
	insmod "$XPMEM_MODULE"
	is "$status" 1
	is_like "$output" "xpmem: *the module is not loaded: modprobe xpmem"
}

@test "look around without the device" {
	run_x 1 as_user 2000 env -u LD_LIBRARY_PATH python3 -m xpmem
	is_like "$output" "xpmem: *libxpmem.so.0*install libxpmem0*"
	chmod 600 /dev/xpmem
	run_x '?' as_user 2000 python3 -m xpmem
	chmod 666 /dev/xpmem
	is "$status" 1
	is_like "$output" "xpmem: *this user may not open /dev/xpmem"
}
