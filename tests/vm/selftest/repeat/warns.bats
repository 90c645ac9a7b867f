#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load "$XPMEM_TREE/tests/bats/helpers"

@test "warns and resets the machine" {
	insmod "$XPMEM_TREE/.vm/selftest/warn.ko"
	echo b >/proc/sysrq-trigger
	sleep 60
}
