#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The generic netlink operations, right and wrong, and what the kernel says with a refusal.

load helpers

@test "cases of netlink" {
	run_cases netlink
}
