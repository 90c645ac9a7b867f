#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# How access ends: remove, exit, kill, exec and close.

load helpers

@test "cases of lifetime" {
	run_cases lifetime
}
