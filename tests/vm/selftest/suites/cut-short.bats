#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load "$XPMEM_TREE/tests/bats/helpers"

@test "ends bats itself" {
	read -r _ _ _ runner _ </proc/$BASHPID/stat
	kill -KILL "$runner" "$BASHPID"
}

@test "never runs" {
	true
}
