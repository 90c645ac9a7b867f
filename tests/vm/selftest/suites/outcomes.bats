#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load "$XPMEM_TREE/tests/bats/helpers"

setup_file() {
	export SET_UP=1
}

teardown() {
	echo "torn down" >&2
}

@test "passes" {
	[[ $SET_UP == 1 ]]
	[[ -d $BATS_TEST_TMPDIR && -d $BATS_FILE_TMPDIR ]]
}

@test "fails" {
	echo "shown because it failed"
	false
	true
}

@test "is skipped" {
	skip "on purpose"
}

@test "hangs" {
	sleep 1000
}

@test "loops" {
	while :; do
		:
	done
}

@test "passes after" {
	true
}
