#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

@test "ends bats itself" {
	kill -KILL $PPID
	sleep 5
}

@test "never runs" {
	true
}
