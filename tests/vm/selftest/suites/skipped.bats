#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load "$XPMEM_TREE/tests/bats/helpers"

setup() {
	skip "all of it"
}

@test "cases of advice" {
	run_cases advice
}

@test "is skipped as well" {
	false
}
