#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Tasks wait for words of exported memory, and others wake them.

load helpers

@test "cases of wait" {
	run_cases wait
}
