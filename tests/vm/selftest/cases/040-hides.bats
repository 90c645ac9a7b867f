#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later

load ../../../bats/helpers

hides-cases() {
	printf '    1..1\n    not ok 1 - first\n'
}

@test "cases of hides" {
	run_cases hides
}
