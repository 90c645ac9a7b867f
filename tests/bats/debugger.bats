#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Debuggers read and write attachments of private memory.

load helpers

@test "nobody touched it" {
	run_case debugger nobody-touched-it
}

@test "across pages" {
	run_case debugger across-pages
}

@test "huge page" {
	run_case debugger huge-page
}

@test "read only attachment" {
	run_case debugger read-only-attachment
}

@test "read only permit" {
	run_case debugger read-only-permit
}

@test "attacher may only read" {
	run_case debugger attacher-may-only-read
}

@test "exporter may only read" {
	run_case debugger exporter-may-only-read
}

@test "private mapping of a file" {
	run_case debugger private-mapping-of-a-file
}

@test "zero page" {
	run_case debugger zero-page
}

@test "secret memory" {
	run_case debugger secret-memory
}

@test "segment removed" {
	run_case debugger segment-removed
}

@test "exporter ended" {
	run_case debugger exporter-ended
}

@test "inherited" {
	run_case debugger inherited
}

@test "exporter forked" {
	run_case debugger exporter-forked
}

@test "after madvise free" {
	run_case debugger after-madvise-free
}

@test "attached to itself" {
	run_case debugger attached-to-itself
}

@test "of memory without gup" {
	run_case debugger of-memory-without-gup
}

@test "every case of the program has a test" {
	is "$(cases_without_test debugger "$BATS_TEST_FILENAME")" ""
}
