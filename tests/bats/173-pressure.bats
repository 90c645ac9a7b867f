#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Too little memory: reclaim and the OOM killer amid faults; nothing is lost, and nothing is left.

load helpers

setup_file() {
	modprobe zram
	echo 96M >/sys/block/zram0/disksize
	mkswap /dev/zram0
	swapon /dev/zram0
}

teardown_file() {
	swapoff /dev/zram0
	echo 1 >/sys/block/zram0/reset
}

@test "cases of pressure" {
	run_cases pressure
}
