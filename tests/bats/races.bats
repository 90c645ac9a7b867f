#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Changes, ends and touches that meet. ./vm race runs every pair of operations with a build of the
# module that widens the windows between its steps.

load helpers

setup_file() {
	insmod "$XPMEM_BUILD/tests/notifier/xpmem-notifier.ko"
}

teardown_file() {
	swap_remove
	rmmod xpmem-notifier 2>/dev/null || true
}

@test "overlapping discards" {
	run_case race overlapping-discards
}

@test "remove during a change" {
	run_case race remove-during-a-change
}

@test "close during a change" {
	run_case race close-during-a-change
}

@test "remove beside a remove" {
	run_case race remove-beside-a-remove
}

@test "release beside a release" {
	run_case race release-beside-a-release
}

@test "removed amid faults" {
	run_case race removed-amid-faults
}

@test "instructions on a page shared by fork" {
	run_case race instructions-on-a-page-shared-by-fork
}

@test "instructions on a page never touched" {
	run_case race instructions-on-a-page-never-touched
}

@test "instructions on a page read before" {
	run_case race instructions-on-a-page-read-before
}

@test "remove while being published" {
	run_case race remove-while-being-published
}

@test "release while being published" {
	run_case race release-while-being-published
}

@test "first use under a timer" {
	run_case race first-use-under-a-timer
}

@test "faults in a signal handler" {
	run_case race faults-in-a-signal-handler
}

@test "interrupts of a change" {
	run_case race interrupts-of-a-change
}

@test "close of many segments and windows" {
	run_case teardown close-of-many-segments-and-windows
}

@test "close of many permits" {
	run_case teardown close-of-many-permits
}

@test "remove of what many attached" {
	run_case teardown remove-of-what-many-attached
}

@test "death with many segments and windows" {
	run_case teardown death-with-many-segments-and-windows
}

@test "death amid close" {
	run_case teardown death-amid-close
}

@test "permits of a process that exited" {
	run_case teardown permits-of-a-process-that-exited
}

@test "permits of a process that was killed" {
	run_case teardown permits-of-a-process-that-was-killed
}

@test "copies while the exporter maps and unmaps" {
	run_case endurance copies-while-the-exporter-maps-and-unmaps
}

@test "touches while the exporter discards" {
	run_case endurance touches-while-the-exporter-discards
}

@test "threads attach while the exporter changes" {
	run_case endurance threads-attach-while-the-exporter-changes
}

@test "all attach to all and end in disorder" {
	run_case endurance all-attach-to-all-and-end-in-disorder
}

@test "attachments up to the limit of mappings" {
	run_case endurance attachments-up-to-the-limit-of-mappings
}

@test "processes in namespaces of their own" {
	run_case endurance processes-in-namespaces-of-their-own
}

@test "registers a notifier: pages of a relative move" {
	run_case notifier pages-of-a-relative-move
}

@test "registers a notifier: pages of a stranger move" {
	run_case notifier pages-of-a-stranger-move
}

@test "registers a notifier: pages of a relative are paged out" {
	swap_add 16M
	run_case notifier pages-of-a-relative-are-paged-out
}

@test "registers a notifier: pages of a file move" {
	run_case notifier pages-of-a-file-move
}

@test "registers a notifier: file is punched" {
	run_case notifier file-is-punched
}

@test "registers a notifier: file of a stranger is punched" {
	run_case notifier file-of-a-stranger-is-punched
}

@test "registers a notifier: file is punched beside readers" {
	run_case notifier file-is-punched-beside-readers
}

@test "registers a notifier: file is punched under a reader" {
	run_case notifier file-is-punched-under-a-reader
}

@test "registers a notifier: file is punched under a private mapping" {
	run_case notifier file-is-punched-under-a-private-mapping
}

@test "every case of the programs has a test" {
	local program

	for program in race teardown endurance notifier; do
		is "$(cases_without_test "$program" "$BATS_TEST_FILENAME")" ""
	done
}
