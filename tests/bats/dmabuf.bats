#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Segments as dma-bufs, imported by a driver of the tests.

load helpers

setup_file() {
	lacking=$(importer_load) || export lacking
}

# Bats cannot skip all tests in setup_file.
setup() {
	[[ -z ${lacking:-} ]] || skip "$lacking"
}

teardown_file() {
	importer_unload
}

@test "cases of dmabuf" {
	run_cases dmabuf
}
