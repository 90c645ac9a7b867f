#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load "$XPMEM_TREE/tests/bats/helpers"

@test "kills what runs the files" {
	read -r _ _ _ files _ </proc/$PPID/stat
	kill -KILL "$files"
}
