#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# An attachment allows what the exporter's mapping allows at that moment.

load helpers

@test "cases of protection" {
	run_cases protection
}
