#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Waiting for words of exported memory, and waking who waits.

load helpers

@test "cases of wait" {
	run_cases wait
}
