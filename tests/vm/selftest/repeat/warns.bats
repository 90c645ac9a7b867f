#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

@test "warns and resets the machine" {
	insmod "$XPMEM_TREE/.vm/selftest/warn.ko"
	echo b >/proc/sysrq-trigger
	sleep 60
}
