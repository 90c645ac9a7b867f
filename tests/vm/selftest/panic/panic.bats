#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

@test "panics" {
	echo c >/proc/sysrq-trigger
}
