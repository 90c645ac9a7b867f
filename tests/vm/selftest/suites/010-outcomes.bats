#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

@test "passes" {
	true
}

@test "fails" {
	echo "shown because it failed"
	false
}

@test "is skipped" {
	skip "on purpose"
}

@test "hangs" {
	sleep 1000
}
