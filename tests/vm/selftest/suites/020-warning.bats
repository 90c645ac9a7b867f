#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

@test "leaves a kernel warning" {
	insmod "$XPMEM_SELFTEST_WARN"
	rmmod warn
}
