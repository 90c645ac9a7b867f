#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load ../../../bats/helpers

cut-short-cases() {
	printf '    1..2\n    ok 1 - first\n'
}

@test "cases of cut-short" {
	run_cases cut-short
}
