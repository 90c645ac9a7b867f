#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Attachments show the effects of madvise on source memory.

load helpers

@test "cases of advice" {
	run_cases advice
}
