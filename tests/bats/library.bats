#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# libxpmem: historical and extended calls, forks and threads.

load helpers

@test "cases of library" {
	run_cases library
}
