#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load "$XPMEM_TREE/tests/bats/helpers"

@test "leaves a kernel warning" {
	insmod "$XPMEM_TREE/.vm/selftest/warn.ko"
	rmmod warn
}
