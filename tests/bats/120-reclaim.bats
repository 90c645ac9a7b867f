#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Exported memory can be reclaimed, and nothing written is lost.

load helpers

setup_file() {
	modprobe zram
	echo 64M >/sys/block/zram0/disksize
	mkswap /dev/zram0
	swapon /dev/zram0
}

teardown_file() {
	swapoff /dev/zram0
	echo 1 >/sys/block/zram0/reset
}

@test "cases of reclaim" {
	run_cases reclaim
}
