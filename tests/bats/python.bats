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

@test "cases of python" {
	run_cases python
}

@test "the program of doc/python.md" {
	sed -n '/^```python$/,/^```$/p' "$tree/doc/python.md" |
		sed '/^```/d' >"$BATS_TEST_TMPDIR/program.py"
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

@test "look around with an output that cannot be written" {
	run_x 1 bash -c 'python3 -m xpmem >/dev/full'
	is "$output" "xpmem: cannot write the output: No space left on device"
	holder_start objects --many 3000
	run_x bash -c 'set -o pipefail; python3 -m xpmem | head -c 100 >/dev/null; [[ $? == 141 ]]'
	is "$output" ""
	holder_stop
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
	run_x '?' without_devices python3 -m xpmem
	((status != 77)) || skip "$output"
	is "$status" 1
	is_like "$output" "xpmem: *give this container the device: --device /dev/xpmem"
}
