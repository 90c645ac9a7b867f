#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load "$XPMEM_TREE/tests/bats/helpers"

@test "stops the machine" {
	for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do
		echo 0 >"$cpu"
	done
	echo -1 >/proc/sys/kernel/sched_rt_runtime_us
	chrt -f 99 bash -c 'while :; do :; done'
}
