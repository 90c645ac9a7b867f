#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Debuggers read and write attachments of private memory.

load helpers

@test "cases of debugger" {
	run_cases debugger
}
