#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What madvise does to source memory shows in attachments.

load helpers

@test "cases of advice" {
	run_cases advice
}
