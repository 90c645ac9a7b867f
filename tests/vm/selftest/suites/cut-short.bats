#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

@test "ends bats itself" {
	read -r _ _ _ runner _ </proc/$BASHPID/stat
	kill -KILL "$runner"
	sleep 5
}

@test "never runs" {
	true
}
