#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

@test "takes locks in the wrong order" {
	insmod "$XPMEM_TREE/.vm/selftest-kasan/deadlock.ko"
	rmmod deadlock
}
