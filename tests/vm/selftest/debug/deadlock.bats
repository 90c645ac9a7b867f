#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load "$XPMEM_TREE/tests/bats/helpers"

@test "takes locks in the wrong order" {
	insmod "$XPMEM_TREE/.vm/selftest-kasan/deadlock.ko"
	rmmod deadlock
}
