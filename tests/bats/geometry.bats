#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# munmap, mprotect, mremap and fork on attachments; self and mutual attach.

load helpers

@test "munmap head" {
	run_case geometry munmap-head
}

@test "munmap tail" {
	run_case geometry munmap-tail
}

@test "munmap middle" {
	run_case geometry munmap-middle
}

@test "munmap middle then detach" {
	run_case geometry munmap-middle-then-detach
}

@test "munmap all" {
	run_case geometry munmap-all
}

@test "munmap page by page" {
	run_case geometry munmap-page-by-page
}

@test "munmap then release" {
	run_case geometry munmap-then-release
}

@test "detach spares other memory" {
	run_case geometry detach-spares-other-memory
}

@test "release spares other memory" {
	run_case geometry release-spares-other-memory
}

@test "mprotect middle" {
	run_case geometry mprotect-middle
}

@test "mprotect middle of shared memory" {
	run_case geometry mprotect-middle-of-shared-memory
}

@test "mprotect then detach" {
	run_case geometry mprotect-then-detach
}

@test "mremap moves all" {
	run_case geometry mremap-moves-all
}

@test "mremap moves part" {
	run_case geometry mremap-moves-part
}

@test "mremap cannot grow" {
	run_case geometry mremap-cannot-grow
}

@test "mremap cannot grow shared memory" {
	run_case geometry mremap-cannot-grow-shared-memory
}

@test "mremap cannot leave a range" {
	run_case geometry mremap-cannot-leave-a-range
}

@test "memory moved over a part" {
	run_case geometry memory-moved-over-a-part
}

@test "mremap shrinks" {
	run_case geometry mremap-shrinks
}

@test "fork" {
	run_case geometry fork
}

@test "fork of a part" {
	run_case geometry fork-of-a-part
}

@test "madvise dofork" {
	run_case geometry madvise-dofork
}

@test "core dump" {
	run_case geometry core-dump
}

@test "core dump of shared memory" {
	run_case geometry core-dump-of-shared-memory
}

@test "madvise" {
	run_case geometry madvise
}

@test "mlock" {
	run_case geometry mlock
}

@test "many attachments of one page" {
	run_case geometry many-attachments-of-one-page
}

@test "many permits" {
	run_case geometry many-permits
}

@test "self attach" {
	run_case geometry self-attach
}

@test "self attach of everything" {
	run_case geometry self-attach-of-everything
}

@test "mutual attach" {
	run_case geometry mutual-attach
}

@test "chained attach" {
	run_case geometry chained-attach
}

@test "chained attach of shared memory" {
	run_case geometry chained-attach-of-shared-memory
}

@test "overlapping attachments" {
	run_case geometry overlapping-attachments
}

@test "every case of the program has a test" {
	is "$(cases_without_test geometry "$BATS_TEST_FILENAME")" ""
}
