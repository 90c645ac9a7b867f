#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What holds for every ioctl: sizes, flags, reserved bits and pointers, over the generated table.

load helpers

@test "cases of abi" {
	run_cases abi
}
