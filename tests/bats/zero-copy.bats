#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Sockets send attachments without a copy.

load helpers

@test "cases of zero-copy" {
	run_cases zero-copy
}
