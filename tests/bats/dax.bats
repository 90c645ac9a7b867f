#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Mappings of files that have no page cache: attachments reach only what the exporter has copied.

load helpers

setup_file() {
	local log=$BATS_FILE_TMPDIR/mount

	dax_mount >"$log" 2>&1 || lacking="no DAX: $(tail -n 1 "$log")"
	export lacking=${lacking:-}
}

# Bats cannot skip all tests in setup_file.
setup() {
	[[ -z $lacking ]] || skip "$lacking"
}

teardown_file() {
	dax_unmount
}

@test "cases of dax" {
	run_cases dax
}
