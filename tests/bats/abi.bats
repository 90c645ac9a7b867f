#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every ioctl checks sizes, flags, reserved bits and pointers. The cases walk a generated table.

load helpers

@test "cases of abi" {
	run_cases abi
}
