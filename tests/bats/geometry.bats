#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# munmap, mprotect, mremap and fork on attachments; self and mutual attach.

load helpers

@test "cases of geometry" {
	run_cases geometry
}
