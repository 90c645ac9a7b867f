#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every ioctl: good use, and the exact error of each wrong argument.

load helpers

@test "query" {
	run_case operations query
}

@test "make" {
	run_case operations make
}

@test "make misaligned" {
	run_case operations make-misaligned
}

@test "make overflow" {
	run_case operations make-overflow
}

@test "make mode" {
	run_case operations make-mode
}

@test "make flags" {
	run_case operations make-flags
}

@test "make name" {
	run_case operations make-name
}

@test "remove" {
	run_case operations remove
}

@test "remove foreign" {
	run_case operations remove-foreign
}

@test "get" {
	run_case operations get
}

@test "get arguments" {
	run_case operations get-arguments
}

@test "get other ids" {
	run_case operations get-other-ids
}

@test "release" {
	run_case operations release
}

@test "release foreign" {
	run_case operations release-foreign
}

@test "release detaches" {
	run_case operations release-detaches
}

@test "attach" {
	run_case operations attach
}

@test "attach arguments" {
	run_case operations attach-arguments
}

@test "attach beyond" {
	run_case operations attach-beyond
}

@test "attach fixed" {
	run_case operations attach-fixed
}

@test "attach fixed outside" {
	run_case operations attach-fixed-outside
}

@test "attach no room" {
	run_case operations attach-no-room
}

@test "attach populate" {
	run_case operations attach-populate
}

@test "attach populate with holes" {
	run_case operations attach-populate-with-holes
}

@test "attach rdonly" {
	run_case operations attach-rdonly
}

@test "detach" {
	run_case operations detach
}

@test "descriptor of another" {
	run_case operations descriptor-of-another
}

@test "query on any descriptor" {
	run_case operations query-on-any-descriptor
}

@test "unknown ioctl" {
	run_case operations unknown-ioctl
}

@test "other file operations" {
	run_case operations other-file-operations
}

@test "ids" {
	run_case operations ids
}

@test "many" {
	run_case operations many
}

@test "every case of the program has a test" {
	is "$(cases_without_test operations "$BATS_TEST_FILENAME")" ""
}
