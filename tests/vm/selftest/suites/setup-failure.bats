#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load "$XPMEM_TREE/tests/bats/helpers"

setup_file() {
	echo "shown because setup failed"
	false
}

@test "never runs, as setup fails" {
	true
}

@test "cases of harness" {
	run_cases harness
}
