#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

@test "leaves a kernel warning" {
	insmod "$XPMEM_TREE/.vm/selftest/warn.ko"
	rmmod warn
}
