#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load "$XPMEM_TREE/tests/bats/helpers"

@test "loses memory" {
	insmod "$XPMEM_TREE/.vm/selftest-kasan/leak.ko"
	rmmod leak
}
